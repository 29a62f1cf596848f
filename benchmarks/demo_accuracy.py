"""The demo's accuracy over ten draws, not its own draw alone: `python -m benchmarks.demo_accuracy`.

The same decisions as the demo's, without files and Dagster. Accuracy is over images that no person
labelled; left unknown counts as wrong.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from autolabel_app.demos.labelling import CORRECTIONS, LABELS_PER_DIGIT, PRECISION
from autolabel_core.matching.decision import Decisions, Rule, decide
from autolabel_core.matching.nearest import nearest, nearest_among_themselves
from autolabel_core.matching.thresholds import propose_threshold
from autolabel_core.models.extractors import embed_checked, load_extractor
from benchmarks.datasets import digits
from benchmarks.matching import say

DRAWS = 10
KEPT = 10


def main() -> None:
    """Print mean accuracies."""
    images, truth = digits(side_px=32)
    extractor = load_extractor("image_extractor", "v1", None, {})
    vectors = embed_checked(extractor, images)
    truth = truth.astype(object)
    every = [all_digits(vectors, truth, np.random.default_rng(seed)) for seed in range(DRAWS)]
    say("digits, 10 labels a class, nearest reference", float(np.mean(every)), "accuracy")
    stories = [story(vectors, truth, np.random.default_rng(seed)) for seed in range(DRAWS)]
    before, after = np.mean(stories, axis=0)
    say("demo, one digit unlabelled, before corrections", float(before), "accuracy")
    say("demo, after corrections", float(after), "accuracy")
    say("demo, after corrections, worst draw", float(np.min(stories, axis=0)[1]), "accuracy")


def choose(
    truth: npt.NDArray[np.object_], labels: list[str], rng: np.random.Generator
) -> npt.NDArray[np.int64]:
    """Return the rows of ten random images of each label."""
    rows = [
        rng.choice(np.flatnonzero(truth == name), LABELS_PER_DIGIT, replace=False)
        for name in labels
    ]
    return np.sort(np.concatenate(rows))


def all_digits(
    vectors: npt.NDArray[np.float32], truth: npt.NDArray[np.object_], rng: np.random.Generator
) -> float:
    """Return the accuracy with ten labels of every digit and no threshold."""
    held = choose(truth, sorted(set(truth)), rng)
    left = np.setdiff1d(np.arange(len(truth)), held)
    found = nearest(vectors[left], vectors[held], 1)
    return float((truth[held][found.position[:, 0]] == truth[left]).mean())


def story(
    vectors: npt.NDArray[np.float32], truth: npt.NDArray[np.object_], rng: np.random.Generator
) -> tuple[float, float]:
    """Return the demo's accuracy before and after corrections for one draw."""
    withheld = str(rng.integers(10))
    held = choose(truth, sorted(set(truth) - {withheld}), rng)
    own = decide(nearest_among_themselves(vectors[held], KEPT), truth[held], Rule(-1.0))
    correct = own.label == truth[held]
    threshold = propose_threshold(own.confidence, correct, PRECISION).threshold
    rule = Rule(threshold)
    left, decisions = decided(vectors, truth, held, rule)
    before = accuracy(truth, left, decisions)
    unknown = np.flatnonzero(~decisions.matched)
    matched = np.flatnonzero(decisions.matched)
    unknown = unknown[np.argsort(decisions.confidence[unknown])][: CORRECTIONS // 2]
    margins = np.where(np.isnan(decisions.margin), np.inf, decisions.margin)
    matched = matched[np.argsort(margins[matched])][: CORRECTIONS // 2]
    held = np.sort(np.concatenate([held, left[unknown], left[matched]]))
    left, decisions = decided(vectors, truth, held, rule)
    return before, accuracy(truth, left, decisions)


def decided(
    vectors: npt.NDArray[np.float32],
    truth: npt.NDArray[np.object_],
    held: npt.NDArray[np.int64],
    rule: Rule,
) -> tuple[npt.NDArray[np.int64], Decisions]:
    """Decide every image that is no reference."""
    left = np.setdiff1d(np.arange(len(truth)), held)
    return left, decide(nearest(vectors[left], vectors[held], KEPT), truth[held], rule)


def accuracy(
    truth: npt.NDArray[np.object_], left: npt.NDArray[np.int64], decisions: Decisions
) -> float:
    """Return the share that is labelled, and rightly."""
    return float((decisions.matched & (decisions.label == truth[left])).mean())


if __name__ == "__main__":
    main()
