from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.foundation.statistics import wilson_interval
from autolabel_core.matching.threshold_changes import ChangedLabels, what_would_change
from autolabel_core.matching.thresholds import (
    Thresholds,
    precision_coverage_curve,
    propose_per_label,
    propose_threshold,
)

scores = st.sampled_from([0.1, 0.2, 0.3, 0.30000001, 0.9, -0.5, math.nan, -math.inf]) | st.floats(
    -1, 1
)
figures = st.lists(
    st.tuples(scores, st.booleans(), st.sampled_from("abc")), min_size=1, max_size=40
)


def naive_proposal(rows, precision):
    """Every score tried as the threshold, one after another."""
    tried = []
    for threshold in sorted({score for score, _ in rows if math.isfinite(score)}):
        matched = [right for score, right in rows if score >= threshold]
        tried.append((threshold, sum(matched), len(matched)))
    good = [entry for entry in tried if entry[1] / entry[2] >= precision]
    best = max((hits / matched for _, hits, matched in tried), default=0.0)
    usable = good or [entry for entry in tried if entry[1] / entry[2] == best]
    return usable[0 if best else -1] if usable else None, bool(good)


def check(proposal, rows, precision):
    (threshold, hits, matched), reached = naive_proposal(rows, precision)
    assert proposal.threshold == threshold
    assert proposal.reached is reached
    assert proposal.precision == hits / matched
    # So many right or more is as rare as the part of the error that one threshold has.
    distinct = len({score for score, _ in rows if math.isfinite(score)})
    rare = binom.sf(hits - 1, matched, proposal.precision_low)
    assert rare == pytest.approx(0.05 / distinct if hits else 1.0)
    assert proposal.promised == (proposal.precision_low >= precision)
    assert proposal.matched == matched
    assert proposal.coverage == matched / len(rows)
    assert proposal.support == len(rows)


@given(figures, st.sampled_from([0.5, 0.8, 0.95, 1.0]))
def test_the_proposal_is_what_trying_every_score_finds(rows, precision):
    score, correct, _ = map(list, zip(*rows, strict=True))
    pairs = list(zip(score, correct, strict=True))
    if naive_proposal(pairs, precision)[0] is None:
        with pytest.raises(AutolabelError, match="Label at least two references"):
            propose_threshold(score, correct, precision)
    else:
        check(propose_threshold(score, correct, precision), pairs, precision)


@given(figures)
def test_each_label_gets_what_its_own_items_give(rows):
    finite = [row for row in rows if math.isfinite(row[0])]
    if not finite:
        return
    proposal = propose_per_label(*map(list, zip(*rows, strict=True)), precision=0.8)
    for label in {row[2] for row in finite}:
        mine = [row[:2] for row in finite if row[2] == label]
        assert (label in proposal.fallback) == (len(mine) < 5)
        if len(mine) >= 5:
            check(proposal.per_label[label], mine, 0.8)
            own, overall = proposal.per_label[label], proposal.overall
            is_given = own.promised or (own.reached and own.threshold > overall.threshold)
            expected = own.threshold if is_given else overall.threshold
            assert proposal.thresholds().of(label) == expected
            assert (label in proposal.missed) == (not own.reached)
        else:
            assert proposal.thresholds().of(label) == proposal.overall.threshold
    check(proposal.overall, [row[:2] for row in rows], 0.8)


def test_ties_are_matched_together_or_not_at_all():
    proposal = propose_threshold([0.9, 0.5, 0.5, 0.5], [True, True, True, False], 0.9)
    assert (proposal.threshold, proposal.coverage) == (0.9, 0.25)


def test_a_dip_below_the_precision_does_not_end_the_search():
    score = [0.9, 0.8, 0.7, 0.6, 0.5]
    proposal = propose_threshold(score, [True, False, True, True, True], 0.8)
    assert (proposal.threshold, proposal.precision) == (0.5, 0.8)


def test_where_nothing_reaches_the_precision_the_best_is_given_and_said_so():
    proposal = propose_threshold([0.9, 0.8, 0.7], [False, True, False], 0.95)
    assert (proposal.threshold, proposal.precision, proposal.reached) == (0.8, 0.5, False)


def test_a_label_that_misses_the_precision_is_given_no_threshold_of_its_own():
    """The worst label would get the laxest number: its most precise part is all that it has."""
    sure = [(0.8 + i / 100, True, "a") for i in range(10)]
    wrong = [(0.3 + i / 100, i % 2 == 0, "b") for i in range(10)]
    proposal = propose_per_label(*map(list, zip(*sure + wrong, strict=True)), precision=0.95)
    assert proposal.missed == ("b",)
    assert dict(proposal.thresholds().per_label) == {}
    assert proposal.thresholds().of("b") == proposal.overall.threshold > 0.35


def test_the_bound_counts_every_threshold_that_might_have_been_chosen():
    """Eight of eight right, chosen among 200: far less is promised than if they were drawn."""
    score = [1 - i / 1000 for i in range(200)]
    proposal = propose_threshold(score, [i < 8 for i in range(200)], 0.95)
    assert (proposal.matched, proposal.support, proposal.precision) == (8, 200, 1.0)
    assert proposal.precision_low == pytest.approx((0.05 / 200) ** (1 / 8))
    assert proposal.reached and not proposal.promised
    many = propose_threshold([1 - i / 1000 for i in range(400)], [True] * 400, 0.95)
    assert many.promised and many.precision_low >= 0.95


def test_the_bound_holds_for_the_precision_that_is_true():
    """Scores say nothing here: whatever threshold looks precise, the truth is one half."""
    rng = np.random.default_rng(0)
    draws = [propose_threshold(rng.random(100), rng.random(100) < 0.5, 0.95) for _ in range(200)]
    assert np.mean([draw.precision_low <= 0.5 for draw in draws]) >= 0.95
    naive = [wilson_interval(round(d.precision * d.matched), d.matched)[0] <= 0.5 for d in draws]
    assert np.mean(naive) < 0.95


@pytest.mark.parametrize("precision", [0.0, 1.1])
def test_a_precision_that_is_no_share_is_refused(precision):
    with pytest.raises(ValueError, match="above 0 and up to 1"):
        propose_threshold([0.5], [True], precision)


def test_lengths_must_agree():
    with pytest.raises(ValueError, match="found 2 and 1"):
        precision_coverage_curve([0.1, 0.2], [True])
    with pytest.raises(ValueError, match="Expected 1 labels, found 2"):
        propose_per_label([0.1], [True], ["a", "b"])


@given(figures)
def test_the_curve_covers_ever_more_and_its_envelope_never_rises(rows):
    score, correct, _ = map(list, zip(*rows, strict=True))
    curve = precision_coverage_curve(score, correct)
    assert np.all(np.diff(curve.thresholds) < 0)
    assert np.all(np.diff(curve.coverage) > 0)
    assert np.all(np.diff(curve.envelope) <= 0)
    assert np.all(curve.envelope >= curve.precision)
    for threshold, matched in zip(curve.thresholds, curve.matched, strict=True):
        assert matched == sum(value >= threshold for value in score)


def test_no_figures_give_an_empty_curve():
    assert precision_coverage_curve([], []).thresholds.size == 0


DOCUMENTS = [
    (0.5, "auto", "cat"),
    (0.35, "auto", "cat"),
    (0.32, None, "dog"),
    (0.1, "human", "cat"),
    (0.9, "promoted", "dog"),
    (None, None, None),
    (0.4, "auto", "dog"),
]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (0.3, 0.3, (0, 0, 7)),
        (0.3, 0.4, (0, 2, 5)),
        (0.4, 0.3, (2, 0, 5)),
        (0.4, Thresholds(0.4, {"dog": 0.3}), (1, 0, 6)),
        (Thresholds(0.4, {"dog": 0.3}), Thresholds(0.3, {"dog": 0.45}), (1, 2, 4)),
    ],
)
def test_a_change_of_threshold_is_counted_before_it_is_made(old, new, expected):
    change = what_would_change(*map(list, zip(*DOCUMENTS, strict=True)), old, new)
    assert (change.newly_labelled, change.newly_unlabelled, change.unchanged) == expected


def test_a_change_is_counted_for_each_predicted_label():
    change = what_would_change(*map(list, zip(*DOCUMENTS, strict=True)), 0.3, 0.4)
    assert change.per_label == {"cat": ChangedLabels(0, 1, 2), "dog": ChangedLabels(0, 1, 2)}


@given(
    st.lists(
        st.tuples(
            st.none() | st.floats(0, 1),
            st.sampled_from(["human", "promoted", "auto", None]),
            st.sampled_from(["a", "b", None]),
        ),
        max_size=30,
    ),
    st.floats(0, 1),
    st.floats(0, 1),
)
def test_the_counts_are_those_of_deciding_one_by_one(documents, old, new):
    steps = []
    for score, source, label in documents:
        free = score is not None and label is not None and source not in ("human", "promoted")
        steps.append((score >= new) - (score >= old) if free else 0)
    change = (
        what_would_change(*(list(column) for column in zip(*documents, strict=True)), old, new)
        if documents
        else what_would_change([], [], [], old, new)
    )
    assert change.newly_labelled == steps.count(1)
    assert change.newly_unlabelled == steps.count(-1)
    assert change.unchanged == steps.count(0)
