"""How well wrong labels are found: `python -m benchmarks.label_doubts [--data FOLDER]`.

One JSON line for each set, number of labels a class and share of wrong names, over DRAWS draws.
`average_precision` is that of the list (1: all wrong labels first), `chance` that of a list in any
order. Where cleanlab is installed, it ranks the same labels in the same process, by its
`get_label_quality_scores`: with the probe's out-of-fold probabilities (`same_probabilities`, the
best of its three methods) and with those of scikit-learn's logistic regression in five folds
(`logistic_regression`, likewise the best). Install it beside the project, in an environment of its
own, since it brings packages that the project does not want:

    python -m venv beside
    echo SITE_PACKAGES_OF_THE_PROJECT > beside/lib/python3.11/site-packages/project.pth
    beside/bin/pip install --no-deps cleanlab tqdm termcolor
    beside/bin/python -m benchmarks.label_doubts

A line `review` for each set says what looking at the first fifth of the list brings back: the share
right on everything else, labelled by the nearest reference (`nearest`) and by the probe (`probe`),
with clean names, with 20 % wrong ones, and after the wrong ones among the first fifth were
corrected; `of_clean` is the last against the first.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from contextlib import suppress

import numpy as np

from autolabel_core.matching.doubts.held_out import held_out_labels
from autolabel_core.matching.doubts.ranking import AnnotatorLabel, rank_doubts
from autolabel_core.matching.nearest import nearest
from autolabel_core.matching.scores.choice import fit_score
from autolabel_core.matching.scores.fit import learning_set, settle
from autolabel_core.matching.scores.ranking import LikeliestLabels
from autolabel_core.matching.scores.ridge import held_out_products, spanned
from autolabel_core.models.extractors import embed_checked, load_extractor
from benchmarks.datasets import agnews, digits, objects10, photographs

DRAWS = 10
SHARES = (0.1, 0.2)
SIZES = {"digits": (10, 30), "photographs": (10,), "objects10": (10, 30), "agnews": (10, 40)}
METHODS = ("self_confidence", "normalized_margin", "confidence_weighted_entropy")
REVIEWED = 0.2


def renamed(codes: np.ndarray, names: int, share: float, rng: np.random.Generator) -> np.ndarray:
    """Return codes of which a share is another one, any of the others alike."""
    wrong = rng.permutation(len(codes))[: round(share * len(codes))]
    given = codes.copy()
    given[wrong] = (given[wrong] + rng.integers(1, names, len(wrong))) % names
    return given


def drawn(codes: np.ndarray, a_class: int, rng: np.random.Generator) -> np.ndarray:
    """Return rows, so many of each class."""
    each = [rng.permutation(np.flatnonzero(codes == code))[:a_class] for code in np.unique(codes)]
    return np.sort(np.concatenate(each))


def order_of(vectors: np.ndarray, given: np.ndarray, names: np.ndarray) -> np.ndarray:
    """Return rows in the order of the list, all labels given by one person."""
    labels = names[given].astype(object)
    given_by_one = [AnnotatorLabel(row, "annotator", label) for row, label in enumerate(labels)]
    return rank_doubts(held_out_labels(vectors, labels), given_by_one).order


def average_precision(order: np.ndarray, is_wrong: np.ndarray) -> float:
    """Return the mean, over the wrong ones, of the share of wrong ones down to each."""
    hits = is_wrong[order]
    shares = np.cumsum(hits) / np.arange(1, len(hits) + 1)
    return float(shares[hits].mean())


def probe_probabilities(vectors: np.ndarray, given: np.ndarray, names: np.ndarray) -> np.ndarray:
    """Return the out-of-fold probabilities (r, labels) of the probe alone."""
    known = learning_set(vectors, names[given].astype(object))
    setting = settle("probe", known).setting
    (products,) = held_out_products(known.spanned, [setting.penalty])
    likeliest = LikeliestLabels.of(products)
    found = np.zeros((len(given), known.labels))
    np.put_along_axis(found, likeliest.code, likeliest.probabilities(setting.temperature), axis=1)
    return np.nan_to_num(found, nan=1 / known.labels)


def regression_probabilities(vectors: np.ndarray, given: np.ndarray) -> np.ndarray:
    """Return the out-of-fold probabilities of logistic regression, as cleanlab's guides do it.

    It learns in the space that the rows span, where its solution is the same and costs less.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import cross_val_predict

    folds = max(2, min(5, int(np.bincount(given).min())))
    model = LogisticRegression(C=100, max_iter=500)
    nothing = np.zeros(len(given), np.int64)
    rows = spanned(vectors, given, np.ones(len(given)), nothing, int(given.max()) + 1).features
    return np.asarray(cross_val_predict(model, rows, given, cv=folds, method="predict_proba"))


def by_cleanlab(given: np.ndarray, probabilities: np.ndarray, is_wrong: np.ndarray) -> list[float]:
    """Return the average precision of each of cleanlab's rankings."""
    from cleanlab.rank import get_label_quality_scores

    scores = (get_label_quality_scores(given, probabilities, method=m) for m in METHODS)
    return [average_precision(np.argsort(s, kind="stable"), is_wrong) for s in scores]


def has_cleanlab() -> bool:
    """Say whether cleanlab can be imported, and how to get it where it cannot."""
    with suppress(ImportError):
        import cleanlab

        print(json.dumps({"cleanlab": cleanlab.__version__}), flush=True)
        return True
    why = "not installed; this module's text says how to put it beside the project. Left out"
    print(json.dumps({"cleanlab": why}), flush=True)
    return False


def find(name: str, vectors: np.ndarray, truth: np.ndarray, peer: bool) -> None:
    """Print how well the lists find wrong names, ours and where it is there cleanlab's."""
    names, codes = np.unique(truth, return_inverse=True)
    for a_class in SIZES[name]:
        for share in SHARES:
            figures: dict[str, list] = {}
            for seed in range(DRAWS):
                rng = np.random.default_rng(seed)
                rows = drawn(codes, a_class, rng)
                x, given = vectors[rows], renamed(codes[rows], len(names), share, rng)
                is_wrong = given != codes[rows]
                began = time.process_time()
                ours = average_precision(order_of(x, given, names), is_wrong)
                figures.setdefault("cpu_s", []).append(time.process_time() - began)
                figures.setdefault("average_precision", []).append(ours)
                if not peer:
                    continue
                for title, probabilities in (
                    ("same_probabilities", probe_probabilities(x, given, names)),
                    ("logistic_regression", regression_probabilities(x, given)),
                ):
                    found = by_cleanlab(given, probabilities, is_wrong)
                    figures.setdefault(title, []).append(found)
            line = {"set": name, "labels_a_class": a_class, "wrong": share, "chance": share}
            for title, values in figures.items():
                # The best of cleanlab's methods is the one that is best over all draws.
                line[title] = round(float(np.mean(values, axis=0).max()), 4)
            print(json.dumps(line), flush=True)


def right(vectors: np.ndarray, codes: np.ndarray, rows: np.ndarray, given: np.ndarray) -> Iterator:
    """Yield the share right on all other documents, by the nearest and by the probe."""
    rest = np.setdiff1d(np.arange(len(codes)), rows)
    close = nearest(vectors[rest], vectors[rows], 10)
    yield float((given[close.position[:, 0]] == codes[rest]).mean())
    labels = np.array([f"{code:06d}" for code in given], dtype=object)
    score = fit_score("probe", vectors[rows], labels, np.zeros(vectors.shape[1], np.float32))
    ranked = score.rank(vectors[rest], close)
    predicted = np.array([int(label) for label in score.labels])[ranked.code]
    yield float((predicted == codes[rest]).mean())


def review(name: str, vectors: np.ndarray, truth: np.ndarray) -> None:
    """Print what looking at the first fifth of the list brings back."""
    names, codes = np.unique(truth, return_inverse=True)
    shares = []
    for seed in range(DRAWS):
        rng = np.random.default_rng(seed)
        rows = drawn(codes, 10, rng)
        clean, given = codes[rows], renamed(codes[rows], len(names), 0.2, rng)
        looked = order_of(vectors[rows], given, names)[: round(REVIEWED * len(rows))]
        after = given.copy()
        after[looked] = clean[looked]
        states = (clean, given, after)
        shares.append([list(right(vectors, codes, rows, state)) for state in states])
    clean, wrong, after = np.mean(shares, axis=0)
    line: dict[str, object] = {"set": name, "review": "10 labels a class, a fifth looked at"}
    for place, rule in enumerate(("nearest", "probe")):
        line[rule] = {
            "clean": round(float(clean[place]), 4),
            "wrong": round(float(wrong[place]), 4),
            "reviewed": round(float(after[place]), 4),
            "of_clean": round(float(after[place] / clean[place]), 4),
        }
    print(json.dumps(line), flush=True)


def main() -> None:
    """Measure digits and photographs of packages, and others where there is a folder of them."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", help="Folder with objects10 and agnews.")
    data = parser.parse_args().data
    peer = has_cleanlab()
    sets = {
        "digits": digits(),
        "photographs": photographs(),
        "objects10": objects10(data),
        "agnews": agnews(data),
    }
    for name, found in sets.items():
        if found is None:
            continue
        kind, model = ("text", "hashed") if name == "agnews" else ("image", None)
        extractor = load_extractor(f"{kind}_extractor", "v1", model, {})
        vectors, truth = embed_checked(extractor, found[0]), found[1]
        find(name, vectors, truth, peer)
        review(name, vectors, truth)


if __name__ == "__main__":
    main()
