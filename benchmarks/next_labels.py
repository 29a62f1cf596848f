"""How many labels `next` saves: `python -m benchmarks.next_labels [--data FOLDER] [--draws N]`.

For each draw two thirds of a set, at most POOL documents, are offered to label, in rounds up to the
BUDGETS; the others are labelled by the probe and judged. Beside `next` stand labels at random, the
greatest entropy, the least margin, and k-centre (the document that is least like all labelled
ones); those that need references begin at random. One JSON line for each set:

- `accuracy`: by method, at each budget, mean over the draws.
- `area`: the mean of that curve over the number of labels.
- `labels_needed`: for the accuracy that random labels reach with 80 and with 160, how many `next`
  needs, and that as a share.
- `worst_against_random`: the least difference over all budgets, and in standard errors of it.

The last line times the selection: comparing the documents of a part, fitting and asking the
references, choosing.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Sequence

import numpy as np

from autolabel_core.matching.next_labels.candidates import Candidates, candidates_of
from autolabel_core.matching.next_labels.doubt import doubt_of
from autolabel_core.matching.next_labels.selection import choose
from autolabel_core.matching.scores.choice import fit_score
from autolabel_core.matching.scores.fit import one_thread
from autolabel_core.matching.scores.fitted import FittedScore
from autolabel_core.models.extractors import embed_checked, load_extractor
from autolabel_core.tables.label_candidates import PART_SIZE
from benchmarks.datasets import agnews, digits, objects10, photographs

BUDGETS = (20, 40, 60, 80, 100, 120, 160, 200, 240, 300)
POOL = 1500
TARGETS = (80, 160)
VIEWS_EACH = 60


class Round:
    """What a method may know before it chooses: the pool, what is labelled, the probe."""

    def __init__(self, pool: Candidates, rng: np.random.Generator) -> None:
        self.pool = pool
        self.rng = rng
        self.labelled: list[int] = []
        self.score: FittedScore | None = None

    def unlabelled(self) -> np.ndarray:
        """Return the rows of the pool that have no label yet."""
        return np.setdiff1d(np.arange(len(self.pool.vectors)), self.labelled)

    def probabilities(self, rows: np.ndarray) -> np.ndarray:
        """Return the probability of each label (rows, labels)."""
        assert self.score is not None
        products = (
            self.pool.vectors[rows] @ self.score.weights[:, :-1].T + self.score.weights[:, -1]
        )
        odds = np.exp((products - products.max(axis=1, keepdims=True)) / self.score.temperature)
        return odds / odds.sum(axis=1, keepdims=True)


Method = Callable[[Round, int], Sequence[int]]


def by_next(state: Round, count: int) -> Sequence[int]:
    """Choose as `autolabel next` does."""
    doubt = doubt_of(state.pool, state.pool.vectors[state.labelled], state.score)
    answered = np.isin(np.arange(len(state.pool.vectors)), state.labelled)
    chosen = [choice.position for choice in choose(state.pool, doubt, answered, count)]
    # Where all others are near-duplicates, a person would stop; the curve goes on at random.
    rest = np.setdiff1d(state.unlabelled(), chosen)
    return [*chosen, *state.rng.permutation(rest)[: count - len(chosen)].tolist()]


def at_random(state: Round, count: int) -> Sequence[int]:
    """Choose at random."""
    return state.rng.permutation(state.unlabelled())[:count].tolist()


def by_entropy(state: Round, count: int) -> Sequence[int]:
    """Choose those whose probabilities are spread over the labels most."""
    if state.score is None or len(state.score.labels) < 2:
        return at_random(state, count)
    rows = state.unlabelled()
    shares = state.probabilities(rows)
    entropy = -(shares * np.log(np.maximum(shares, 1e-12))).sum(axis=1)
    return rows[np.argsort(-entropy, kind="stable")[:count]].tolist()


def by_margin(state: Round, count: int) -> Sequence[int]:
    """Choose those whose likeliest label leads the next one least."""
    if state.score is None or len(state.score.labels) < 2:
        return at_random(state, count)
    rows = state.unlabelled()
    shares = np.sort(state.probabilities(rows), axis=1)
    margin = shares[:, -1] - shares[:, -2]
    return rows[np.argsort(margin, kind="stable")[:count]].tolist()


def by_k_centre(state: Round, count: int) -> Sequence[int]:
    """Choose the one that is least like all labelled ones, then the next such."""
    chosen = list(state.labelled) or at_random(state, 1)
    picked = [] if state.labelled else list(chosen)
    closest = state.pool.similarity[chosen].max(axis=0)
    closest[chosen] = 2.0
    while len(picked) < count:
        picked.append(int(closest.argmin()))
        closest = np.maximum(closest, state.pool.similarity[picked[-1]])
        closest[picked[-1]] = 2.0
    return picked


METHODS: dict[str, Method] = {
    "next": by_next,
    "random": at_random,
    "entropy": by_entropy,
    "margin": by_margin,
    "k_centre": by_k_centre,
}


def curve(
    method: Method, pool: Candidates, truth: np.ndarray, rest: tuple, seed: int
) -> list[float]:
    """Return the share right of the rest at each budget."""
    state = Round(pool, np.random.default_rng(seed))
    shares = []
    for budget in BUDGETS:
        state.labelled += method(state, budget - len(state.labelled))
        known = np.array(state.labelled)
        state.score = fit_score(
            "probe", pool.vectors[known], truth[known].astype(object), pool.centre
        )
        products = rest[0] @ state.score.weights[:, :-1].T + state.score.weights[:, -1]
        named = np.array(state.score.labels)[products.argmax(axis=1)]
        shares.append(float((named == rest[1]).mean()))
    return shares


def compare(name: str, vectors: np.ndarray, truth: np.ndarray, draws: int) -> None:
    """Print the line of a set."""
    curves: dict[str, list[list[float]]] = {method: [] for method in METHODS}
    for seed in range(draws):
        order = np.random.default_rng(seed).permutation(len(truth))
        size = min(POOL, 2 * len(truth) // 3)
        chosen, rest = order[:size], order[size:]
        pool = candidates_of(vectors[chosen])
        for method, choose_rows in METHODS.items():
            judged = vectors[rest], truth[rest]
            curves[method].append(curve(choose_rows, pool, truth[chosen], judged, 1000 + seed))
    found = {method: np.array(rows) for method, rows in curves.items()}
    means = {method: rows.mean(axis=0) for method, rows in found.items()}
    difference = found["next"] - found["random"]
    error = difference.std(axis=0, ddof=1) / draws**0.5 if draws > 1 else np.ones(len(BUDGETS))
    worst = int((difference.mean(axis=0) / np.maximum(error, 1e-9)).argmin())
    line = {
        "set": name,
        "documents": len(truth),
        "labels": len(np.unique(truth)),
        "draws": draws,
        "budgets": BUDGETS,
        "accuracy": {m: [round(float(v), 4) for v in values] for m, values in means.items()},
        "area": {m: round(_area(values), 4) for m, values in means.items()},
        "labels_needed": {
            str(target): _needed(means["next"], means["random"][BUDGETS.index(target)], target)
            for target in TARGETS
        },
        "worst_against_random": {
            "labels": BUDGETS[worst],
            "difference": round(float(difference.mean(axis=0)[worst]), 4),
            "standard_errors": round(float(difference.mean(axis=0)[worst] / error[worst]), 1),
        },
    }
    print(json.dumps(line), flush=True)


def _area(values: np.ndarray) -> float:
    return float(np.trapezoid(values, BUDGETS) / (BUDGETS[-1] - BUDGETS[0]))


def _needed(values: np.ndarray, wanted: float, target: int) -> dict[str, float | None]:
    """Return where a curve first reaches an accuracy, and that as a share of the target."""
    reached = np.flatnonzero(values >= wanted)
    if not len(reached):
        return {"labels": None, "share": None}
    i = int(reached[0])
    labels = float(BUDGETS[0])
    if i:
        gap = (wanted - values[i - 1]) / (values[i] - values[i - 1])
        labels = BUDGETS[i - 1] + gap * (BUDGETS[i] - BUDGETS[i - 1])
    return {
        "accuracy": round(float(wanted), 4),
        "labels": round(labels),
        "share": round(labels / target, 2),
    }


def time_selection(dimensions: int = 2640) -> None:
    """Print the CPU seconds of comparing a part, and of choosing 20 of it."""
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(PART_SIZE, dimensions)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    labels = np.array([f"label {i % 20}" for i in range(300)], dtype=object)
    with one_thread():
        began = time.process_time()
        part = candidates_of(vectors)
        compared = time.process_time()
        score = fit_score("probe", vectors[:300], labels, part.centre)
        doubt = doubt_of(part, vectors[:300], score)
        doubted = time.process_time()
        choose(part, doubt, np.arange(len(vectors)) < 300, 20)
        chosen = time.process_time()
    line = {
        "compare": round(compared - began, 3),
        "fit_and_doubt": round(doubted - compared, 3),
        "choose": round(chosen - doubted, 3),
    }
    print(json.dumps({"part": PART_SIZE, "dimensions": dimensions, "cpu_s": line}), flush=True)


def main() -> None:
    """Measure each set that is there."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", help="Folder with objects10 and agnews.")
    parser.add_argument("--draws", type=int, default=20)
    parser.add_argument("--sets", nargs="*", help="Names of sets; by default all.")
    arguments = parser.parse_args()
    sets = {
        "digits": digits,
        "photographs": lambda: photographs(VIEWS_EACH),
        "objects10": lambda: objects10(arguments.data),
        "agnews": lambda: agnews(arguments.data),
    }
    for name, load in sets.items():
        if arguments.sets and name not in arguments.sets:
            continue
        found = load()
        if found is None:
            continue
        kind = "text" if name == "agnews" else "image"
        vectors = embed_checked(load_extractor(f"{kind}_extractor", "v1", None, {}), found[0])
        compare(name, vectors, found[1], arguments.draws)
    time_selection()


if __name__ == "__main__":
    main()
