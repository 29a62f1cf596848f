"""Do certificates keep their word? Two hundred draws of references, judged by the truth.

`python -m benchmarks.certified --data FOLDER`: for each seed, references are drawn, the others are
labelled by a score fitted to them (`--score`; by default the one that a collection with a target
precision has), and a person gives 200 verdicts on what is asked. One JSON line for
each set and number of labels a class: `violations` counts certified labels that are less precise
than promised (at most a tenth is allowed; `violations_at_most` is the upper end, with 95 %
confidence, of their rate), `coverage` the share of documents certified, `oracle` the greatest share
that is as precise as asked, by the truth. `worst_label` is the precision of the label that fares
worst among those certified, beside the mean over all. `needed` and `took` are the medians of the
verdicts that were foretold for the first certificate, and that it took, where it came.
"""

from __future__ import annotations

import argparse
import json
from typing import get_args

import numpy as np

from autolabel_core.foundation.score_names import DeclaredScore
from autolabel_core.foundation.statistics import exact_lower_bound
from autolabel_core.matching.certification import OPEN, evidence, plan_certification
from autolabel_core.matching.certification_draws import (
    next_verdicts,
    verdicts_to_first_certificate,
)
from autolabel_core.matching.decision import Rule
from autolabel_core.matching.decision_engine import KEPT_NEIGHBOURS as KEPT
from autolabel_core.matching.decision_engine import DecisionEngine
from autolabel_core.matching.nearest import nearest
from autolabel_core.matching.scores.choice import fit_score
from autolabel_core.models.extractors import embed_checked, load_extractor
from benchmarks.datasets import agnews, digits, objects10

SEEDS, VERDICTS, AT_ONCE = 200, 200, 10
PRECISION, DELTA = 0.95, 0.1
LABELS_A_CLASS = (5, 10, 20)
FEWEST_OF_A_LABEL = 20
"""A label with fewer certified documents is too small to be called the worst."""


def certify(
    vectors: np.ndarray, truth: np.ndarray, score: DeclaredScore, a_class: int, seed: int
) -> dict:
    """Certify one draw of references; return what was certified and what is so."""
    rng = np.random.default_rng(seed)
    chosen = [rng.permutation(np.flatnonzero(truth == name))[:a_class] for name in np.unique(truth)]
    held = np.sort(np.concatenate(chosen))
    rest = np.setdiff1d(np.arange(len(truth)), held)
    engine = DecisionEngine(
        vectors[held],
        truth[held],
        Rule(0.0, score=score),
        None
        if score == "nearest"
        else fit_score(score, vectors[held], truth[held], vectors.mean(axis=0)),
    )
    own = engine.decide_references()
    found = engine.decide_documents(vectors[rest], nearest(vectors[rest], vectors[held], KEPT))
    labels, scores = found.label, found.confidence.astype(np.float64)
    right = labels == truth[rest]
    plan, rows = plan_certification(
        scores,
        own.confidence.astype(np.float64),
        own.label == truth[held],
        PRECISION,
        DELTA,
        rng,
    )
    verdicts, took = np.full(len(rows), OPEN), None
    needed = verdicts_to_first_certificate(plan, verdicts, np.random.default_rng(seed))
    for given in range(AT_ONCE, VERDICTS + 1, AT_ONCE):
        draws = next_verdicts(plan, verdicts).draws[:AT_ONCE]
        verdicts[draws] = right[rows[draws]]
        if took is None and plan.certified(evidence(plan, verdicts).capital):
            took = given
    zones = plan.certified(evidence(plan, verdicts).capital)
    labelled = scores >= (plan.thresholds[zones - 1] if zones else np.inf)
    falling = np.argsort(-scores, kind="stable")
    precise = np.cumsum(right[falling]) / np.arange(1, len(rest) + 1) >= PRECISION
    widest = np.flatnonzero(precise)
    return {
        "coverage": labelled.mean(),
        "oracle": (widest[-1] + 1) / len(rest) if len(widest) else 0.0,
        "precision": right[labelled].mean() if zones else None,
        "worst_label": _worst(labels[labelled], right[labelled]),
        "verdicts": int((verdicts != OPEN).sum()),
        "needed": needed,
        "took": took,
    }


def _worst(labels: np.ndarray, right: np.ndarray) -> float | None:
    rates = [
        right[labels == name].mean()
        for name in np.unique(labels)
        if (labels == name).sum() >= FEWEST_OF_A_LABEL
    ]
    return min(rates) if rates else None


def report(
    name: str,
    vectors: np.ndarray,
    truth: np.ndarray,
    score: DeclaredScore,
    a_class: int,
    seeds: int,
) -> None:
    """Print one line."""
    draws = [certify(vectors, truth, score, a_class, seed) for seed in range(seeds)]
    certified = [draw for draw in draws if draw["precision"] is not None]
    violations = sum(draw["precision"] < PRECISION for draw in certified)
    coverage = float(np.mean([draw["coverage"] for draw in draws]))
    oracle = float(np.mean([draw["oracle"] for draw in draws]))
    line = {
        "set": name,
        "score": score,
        "labels_a_class": a_class,
        "seeds": seeds,
        "violations": violations / seeds,
        "violations_at_most": 1 - exact_lower_bound(seeds - violations, seeds, 0.05),
        "certified": len(certified) / seeds,
        "coverage": coverage,
        "oracle": oracle,
        "of_the_oracle": coverage / oracle if oracle else None,
        "precision": _mean(certified, "precision"),
        "worst_label": _mean(certified, "worst_label"),
        "verdicts": _mean(draws, "verdicts"),
        "needed": _median(certified, "needed"),
        "took": _median(certified, "took"),
    }
    shown = {k: round(v, 3) if isinstance(v, float) else v for k, v in line.items()}
    print(json.dumps(shown), flush=True)


def _values(draws: list[dict], name: str) -> list[float]:
    return [float(draw[name]) for draw in draws if draw[name] is not None]


def _mean(draws: list[dict], name: str) -> float | None:
    values = _values(draws, name)
    return float(np.mean(values)) if values else None


def _median(draws: list[dict], name: str) -> float | None:
    values = _values(draws, name)
    return float(np.median(values)) if values else None


def main() -> None:
    """Measure digits, and photographs and texts where there is a folder of them."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", help="Folder with objects10 and agnews.")
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--score", choices=get_args(DeclaredScore), default="auto")
    parser.add_argument("--set", dest="only", help="One of digits, objects10, agnews.")
    arguments = parser.parse_args()
    sets = {
        "digits": digits(),
        "objects10": objects10(arguments.data),
        "agnews": agnews(arguments.data),
    }
    for name, found in sets.items():
        if found is None or arguments.only not in (None, name):
            continue
        kind, model = ("text", "hashed") if name == "agnews" else ("image", "descriptor")
        vectors = embed_checked(load_extractor(f"{kind}_extractor", "v1", model, {}), found[0])
        for a_class in LABELS_A_CLASS:
            truth = found[1].astype(object)
            report(name, vectors, truth, arguments.score, a_class, arguments.seeds)


if __name__ == "__main__":
    main()
