"""Which score orders labels best, and what it costs: `python -m benchmarks.scores [--data FOLDER]`.

One JSON line for each set and number of labels a class, over DRAWS draws: for each score the area
under risk and coverage (`aurc`, × 1000, smaller is better), the share right (`accuracy`) and the
mean probability (`said`: near the accuracy where it is honest), and what `auto` took. `cosine` is
the nearest reference ranked by its cosine, the rule of collections that name no score. A line
`unknown` for each set: with a third of the classes unlabelled, how well the similarity, the plain
cosine and the probe's probability tell their documents from the others (AUROC). The first lines
time one pass of the probe over `--rows` vectors of 1,360 numbers (20 labels), and fitting.
"""

from __future__ import annotations

import argparse
import json
import time

import numpy as np

from autolabel_core.matching.nearest import nearest
from autolabel_core.matching.scores.choice import fit_score
from autolabel_core.matching.scores.ranking import rank_products
from autolabel_core.matching.scores.risk_coverage import area_under_risk_coverage
from autolabel_core.models.extractors import embed_checked, load_extractor
from benchmarks.datasets import agnews, digits, objects10

DRAWS = 5
LABELS_A_CLASS = (1, 3, 10, 20)
SCORES = ("nearest", "vote", "class_mean", "probe", "auto")
DIMENSIONS, LABELS = 1360, 20


def drawn(truth: np.ndarray, a_class: int, rng: np.random.Generator) -> tuple:
    """Return rows of references, so many of each class, and the other rows."""
    chosen = [rng.permutation(np.flatnonzero(truth == name))[:a_class] for name in np.unique(truth)]
    labelled = np.sort(np.concatenate(chosen))
    return labelled, np.setdiff1d(np.arange(len(truth)), labelled)


def judge(vectors: np.ndarray, truth: np.ndarray, a_class: int, seed: int) -> dict:
    """Return area, share right and mean probability of each score for one draw."""
    labelled, rest = drawn(truth, a_class, np.random.default_rng(seed))
    references, labels = vectors[labelled], truth[labelled].astype(object)
    close = nearest(vectors[rest], references, 10)
    right = labels[close.position[:, 0]] == truth[rest]
    area = area_under_risk_coverage(close.score[:, 0], right)
    found = {"cosine": (area, right.mean(), None)}
    for name in SCORES:
        score = fit_score(name, references, labels, vectors.mean(axis=0))
        ranked = score.rank(vectors[rest], close)
        right = score.label_array[ranked.code] == truth[rest]
        area = area_under_risk_coverage(ranked.probability, right)
        found[name] = (area, right.mean(), ranked.probability.mean())
        if name == "auto":
            found["took"] = score.name
    return found


def compare(name: str, vectors: np.ndarray, truth: np.ndarray) -> None:
    """Print a line for each number of labels a class."""
    for a_class in LABELS_A_CLASS:
        draws = [judge(vectors, truth, a_class, seed) for seed in range(DRAWS)]
        line: dict[str, object] = {"set": name, "labels_a_class": a_class}
        for score in ("cosine", *SCORES):
            areas, shares, said = zip(*(draw[score] for draw in draws), strict=True)
            line[score] = {
                "aurc": round(1000 * float(np.mean(areas)), 2),
                "accuracy": round(float(np.mean(shares)), 4),
                "said": None if score == "cosine" else round(float(np.mean(said)), 4),
            }
        line["auto took"] = [draw["took"] for draw in draws]
        print(json.dumps(line), flush=True)


def auroc(known: np.ndarray, unknown: np.ndarray) -> float:
    """Return how often a known item ranks above an unknown one."""
    order = np.concatenate([known, unknown]).argsort().argsort() + 1
    above = order[: len(known)].sum() - len(known) * (len(known) + 1) / 2
    return float(above / (len(known) * len(unknown)))


def tell_strangers(name: str, vectors: np.ndarray, truth: np.ndarray) -> None:
    """Print how well documents of unlabelled classes are told from the others."""
    figures: dict[str, list[float]] = {"similarity": [], "cosine": [], "probability": []}
    labels = np.unique(truth)
    for seed in range(DRAWS):
        rng = np.random.default_rng(seed)
        known = rng.permutation(labels)[: len(labels) - max(1, len(labels) // 3)]
        labelled, rest = drawn(truth, 10, rng)
        labelled = labelled[np.isin(truth[labelled], known)]
        score = fit_score(
            "probe", vectors[labelled], truth[labelled].astype(object), vectors.mean(axis=0)
        )
        close = nearest(vectors[rest], vectors[labelled], 10)
        is_known = np.isin(truth[rest], known)
        for which, values in (
            ("similarity", score.pool.similarity(vectors[rest], close)),
            ("cosine", close.score[:, 0]),
            ("probability", score.rank(vectors[rest], close).probability),
        ):
            figures[which].append(auroc(values[is_known], values[~is_known]))
    means = {which: round(float(np.mean(values)), 4) for which, values in figures.items()}
    print(json.dumps({"set": name, "unknown": means}), flush=True)


def time_probe(rows: int) -> None:
    """Print the CPU seconds of one pass over vectors, and of fitting 200 and 2,000 references."""
    rng = np.random.default_rng(0)
    block = rng.normal(size=(min(rows, 50_000), DIMENSIONS)).astype(np.float32)
    block /= np.linalg.norm(block, axis=1, keepdims=True)
    weights = rng.normal(size=(LABELS, DIMENSIONS + 1)).astype(np.float32) / DIMENSIONS**0.5
    rank_products(block[:1000], weights, 0.05)  # loads what is compiled
    began = time.process_time()
    for start in range(0, rows, len(block)):
        rank_products(block[: rows - start], weights, 0.05)
    line = {"pass": {"rows": rows, "dimensions": DIMENSIONS, "labels": LABELS}}
    print(json.dumps({**line, "cpu_s": round(time.process_time() - began, 2)}), flush=True)
    for count in (200, 2000):
        labels = np.array([f"label {i % LABELS}" for i in range(count)], dtype=object)
        began = time.process_time()
        fit_score("auto", block[:count], labels, np.zeros(DIMENSIONS, np.float32))
        seconds = round(time.process_time() - began, 2)
        print(json.dumps({"fit": "auto", "references": count, "cpu_s": seconds}), flush=True)


def main() -> None:
    """Measure digits, and photographs and texts where there is a folder of them."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", help="Folder with objects10 and agnews.")
    parser.add_argument("--rows", type=int, default=1_000_000, help="Vectors of the timed pass.")
    parser.add_argument("--model", help="Model of the image extractor; by default its default.")
    arguments = parser.parse_args()
    time_probe(arguments.rows)
    sets = {
        "digits": digits(),
        "objects10": objects10(arguments.data),
        "agnews": agnews(arguments.data),
    }
    for name, found in sets.items():
        if found is None:
            continue
        kind, model = ("text", "hashed") if name == "agnews" else ("image", arguments.model)
        extractor = load_extractor(f"{kind}_extractor", "v1", model, {})
        vectors, truth = embed_checked(extractor, found[0]), found[1]
        compare(name, vectors, truth)
        tell_strangers(name, vectors, truth)


if __name__ == "__main__":
    main()
