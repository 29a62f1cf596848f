import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autolabel_core.matching.decision import Rule, decide
from autolabel_core.matching.nearest import Nearest

NAN = math.nan


def decided(labels, scores, rule=None):
    """Decide one document whose neighbours, best first, carry these labels and scores."""
    k = max(len(scores), 1)
    position = np.full((1, k), -1, np.int32)
    score = np.full((1, k), -np.inf, np.float32)
    position[0, : len(scores)] = range(len(scores))
    score[0, : len(scores)] = scores
    found = decide(Nearest(position, score), np.array(labels, dtype=object), rule or Rule(0.5))
    return {
        "label": found.label[0],
        "position": int(found.position[0]),
        "confidence": float(found.confidence[0]),
        "matched": bool(found.matched[0]),
        "margin": float(found.margin[0]),
        "bound": float(found.margin_lower_bound[0]),
    }


@pytest.mark.parametrize(
    ("score", "rule", "matched"),
    [
        (0.5, Rule(0.5), True),
        (0.25, Rule(0.5), False),
        (-1.0, Rule(-1.0), True),
        (0.5, Rule(0.75, {"a": 0.5}), True),
        (0.5, Rule(0.25, {"a": 0.75}), False),
        (0.5, Rule(0.25, {"b": 0.75}), True),
        (0.5, Rule(0.25, min_score=0.75), False),
        (0.5, Rule(0.25, min_score=0.5), True),
        (0.5, Rule(0.75, min_score=0.25), False),
        (0.5, Rule(0.25, {"a": 0.25}, min_score=0.75), False),
        (float(np.float32(0.3)), Rule(0.3), bool(np.float32(0.3) >= 0.3)),
    ],
)
def test_the_stricter_of_threshold_and_floor_decides_equality_included(score, rule, matched):
    found = decided(["a"], [score], rule)
    assert found["matched"] == matched
    assert found["label"] == "a"
    assert found["confidence"] == score


def test_an_unmatched_document_keeps_its_confidence_below_the_floor():
    found = decided(["a"], [0.21875], Rule(0.3, min_score=0.3))
    assert (found["matched"], found["confidence"], found["position"]) == (False, 0.21875, 0)


@pytest.mark.parametrize(
    ("labels", "scores", "top_k", "label", "position", "margin"),
    [
        (["a", "b", "b"], [0.75, 0.5, 0.5], 1, "a", 0, 0.25),
        (["a", "b", "b"], [0.75, 0.5, 0.5], 3, "b", 1, -0.25),
        (["a", "b"], [0.5, 0.5], 2, "a", 0, 0.0),
        (["a", "b", "a"], [0.5, 0.5, 0.25], 2, "a", 0, 0.0),
        (["a", "b", "b"], [0.5, 0.25, 0.25], 3, "a", 0, 0.25),
        (["a", "b", "b"], [-0.25, -0.5, -0.5], 3, "a", 0, 0.25),
        (["a", "b", "b"], [0.75, 0.5, 0.5], 50, "b", 1, -0.25),
    ],
)
def test_the_nearest_few_vote_with_their_cosines(labels, scores, top_k, label, position, margin):
    found = decided(labels, scores, Rule(0.0, top_k=top_k))
    assert (found["label"], found["position"], found["margin"]) == (label, position, margin)


def test_the_margin_is_to_the_best_other_label_or_at_least_to_the_last_kept():
    assert decided(["a", "a", "b"], [0.75, 0.5, 0.25])["margin"] == 0.5
    alone = decided(["a", "a"], [0.75, 0.5])
    assert math.isnan(alone["margin"])
    assert alone["bound"] == 0.25
    assert math.isnan(decided(["a", "b"], [0.75, 0.5])["bound"])


def test_without_references_nothing_is_decided():
    found = decided([], [])
    assert found["label"] is None
    assert (found["position"], found["matched"]) == (-1, False)
    assert all(math.isnan(found[name]) for name in ("confidence", "margin", "bound"))


def test_no_documents_give_no_decisions():
    nobody = Nearest(np.zeros((0, 10), np.int32), np.zeros((0, 10), np.float32))
    assert len(decide(nobody, np.array(["a"], dtype=object), Rule(0.5)).label) == 0


def naive(labels, scores, rule):
    if not scores:
        return None, -1, NAN, False, NAN, NAN
    voters = list(zip(labels, scores, range(len(scores)), strict=True))[: max(rule.top_k, 1)]
    votes: dict[str, float] = {}
    for name, score, _ in voters:
        votes[name] = votes.get(name, 0.0) + max(score, 0.0)
    best = max(votes.values())
    label, score, position = next(v for v in voters if votes[v[0]] == best)
    threshold = rule.label_thresholds.get(label, rule.threshold)
    threshold = threshold if rule.min_score is None else max(threshold, rule.min_score)
    others = [s for name, s in zip(labels, scores, strict=True) if name != label]
    margin = score - max(others) if others else NAN
    bound = NAN if others else score - scores[-1]
    return label, position, score, score >= threshold, margin, bound


eighths = st.integers(-8, 8).map(lambda n: n / 8)


@given(
    st.lists(st.tuples(st.sampled_from("abc"), eighths), max_size=10),
    eighths,
    st.dictionaries(st.sampled_from("abc"), eighths),
    st.none() | eighths,
    st.integers(1, 12),
)
def test_it_agrees_with_the_rule_written_out(neighbours, threshold, own, min_score, top_k):
    neighbours.sort(key=lambda pair: -pair[1])
    labels, scores = [name for name, _ in neighbours], [score for _, score in neighbours]
    rule = Rule(threshold, own, min_score, top_k)
    assert list(decided(labels, scores, rule).values()) == pytest.approx(
        list(naive(labels, scores, rule)), nan_ok=True
    )
