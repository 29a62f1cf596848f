"""What to label next: lazily the same as naively, typical first, then doubtful, no two alike."""

from __future__ import annotations

import numpy as np
import pytest

from autolabel_core.matching.next_labels.candidates import candidates_of
from autolabel_core.matching.next_labels.coverage import pick_by_coverage
from autolabel_core.matching.next_labels.doubt import doubt_of
from autolabel_core.matching.next_labels.pace import pace_of
from autolabel_core.matching.next_labels.selection import choose
from autolabel_core.matching.scores.choice import fit_score

DIMENSIONS = 24


def unit(rows):
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def groups(sizes, spread=0.15, seed=0):
    """Documents in groups around directions at right angles; give them and their group."""
    rng = np.random.default_rng(seed)
    middles = np.repeat(np.eye(len(sizes), DIMENSIONS), sizes, axis=0)
    truth = np.repeat(np.arange(len(sizes)), sizes)
    return unit(middles + spread * rng.normal(size=middles.shape)), truth


def naive_picks(similarity, doubt, covered, allowed, most):
    """Compute every gain anew for each pick."""
    covered, picks = covered.copy(), []
    while len(picks) < most:
        gains = [
            float((np.maximum(row - covered, np.float32(0)) * doubt).sum())
            if may and covered[j] < 1
            else -1.0
            for j, (row, may) in enumerate(zip(similarity, allowed, strict=True))
        ]
        if max(gains, default=-1.0) < 0:
            break
        picks.append(int(np.argmax(gains)))
        covered = np.maximum(covered, similarity[picks[-1]])
    return picks


@pytest.mark.parametrize("seed", range(30))
def test_lazy_picks_are_those_of_computing_every_gain(seed):
    rng = np.random.default_rng(seed)
    rows = unit(rng.normal(size=(int(rng.integers(1, 60)), 5)))
    rows = rows[rng.integers(0, len(rows), 80)] if seed % 2 else rows  # with equal documents
    similarity = candidates_of(rows).similarity
    doubt = rng.choice([0, 0.5, 1], len(rows)).astype(np.float32)
    covered = (rng.random(len(rows)) * rng.integers(0, 2)).astype(np.float32)
    allowed = rng.random(len(rows)) < 0.8
    picks = pick_by_coverage(similarity, doubt, covered, allowed, 40)
    assert [p.position for p in picks] == naive_picks(similarity, doubt, covered, allowed, 40)
    assert sum(p.gain for p in picks) <= 1 + 1e-5


def test_similarity_sees_from_the_middle_and_calls_near_duplicates_equal():
    rows, _ = groups([20, 20])
    nearly = unit(rows[:1] + 1e-3)
    shared = unit(np.concatenate([rows, nearly]) + 3 * np.ones(DIMENSIONS))
    similarity = candidates_of(shared).similarity
    assert (similarity == similarity.T).all() and (np.diag(similarity) == 1).all()
    assert similarity[0, 40] == 1
    assert 0 < similarity[0, 1] < 1
    assert similarity[0, 25] < 0.1, "what all share says nothing"


@pytest.mark.parametrize("rows", [np.ones((5, 3)), np.ones((1, 3)), np.zeros((0, 3))])
def test_equal_documents_are_asked_about_once(rows):
    candidates = candidates_of(unit(rows) if len(rows) else rows.astype(np.float32))
    nothing = doubt_of(candidates, np.zeros((0, 3), np.float32), None)
    choices = choose(candidates, nothing, np.zeros(len(rows), bool), 9)
    assert [(c.position, c.reason) for c in choices] == [(0, "typical")][: len(rows)]


def no_doubt_known(candidates):
    return doubt_of(candidates, np.zeros((0, DIMENSIONS), np.float32), None)


def test_without_labels_each_group_is_met_once_the_largest_first():
    vectors, truth = groups([50, 30, 20, 10])
    candidates = candidates_of(vectors)
    choices = choose(candidates, no_doubt_known(candidates), np.zeros(110, bool), 4)
    assert truth[[c.position for c in choices]].tolist() == [0, 1, 2, 3]
    assert [c.reason for c in choices] == ["typical"] * 4
    assert [c.gain for c in choices] == sorted([c.gain for c in choices], reverse=True)
    assert choices[0].alike > choices[3].alike


def referenced(vectors, truth, rows):
    return fit_score("probe", vectors[rows], truth[rows].astype(str).astype(object), np.zeros(24))


def test_one_label_says_nothing_of_others_and_its_like_is_not_asked_about():
    vectors, truth = groups([50, 30, 20])
    candidates, rows = candidates_of(vectors), np.array([0])
    doubt = doubt_of(candidates, vectors[rows], referenced(vectors, truth, rows))
    assert (doubt.doubt == 1).all() and not doubt.has_labels
    choices = choose(candidates, doubt, np.arange(100) == 0, 2)
    assert truth[[c.position for c in choices]].tolist() == [1, 2]


def test_what_lies_between_labels_is_asked_about_before_what_is_sure():
    vectors, truth = groups([60, 60], spread=0.1)
    rng = np.random.default_rng(1)
    between = unit(vectors[:6] + vectors[60:66] + 0.1 * rng.normal(size=(6, DIMENSIONS)))
    everything = np.concatenate([vectors, between])
    rows = np.concatenate([np.arange(10), np.arange(60, 70)])
    candidates = candidates_of(everything)
    doubt = doubt_of(candidates, vectors[rows], referenced(vectors, truth, rows))
    choices = choose(candidates, doubt, np.isin(np.arange(126), rows), 3)
    assert all(c.position >= 120 for c in choices)
    assert doubt.doubt[120:].min() > np.quantile(doubt.doubt[:120], 0.95)


def test_a_crowd_unlike_every_reference_is_a_candidate_for_a_new_label():
    vectors, truth = groups([40, 40, 25])
    rows = np.concatenate([np.arange(8), np.arange(40, 48)])
    candidates = candidates_of(vectors)
    doubt = doubt_of(candidates, vectors[rows], referenced(vectors, truth, rows))
    first = choose(candidates, doubt, np.isin(np.arange(105), rows), 1)[0]
    assert (truth[first.position], first.reason) == (2, "unknown")
    assert first.alike >= 20


def test_what_was_labelled_since_the_last_sweep_and_what_is_asked_already_cover_their_like():
    vectors, truth = groups([30, 30, 30])
    candidates = candidates_of(vectors)
    answered = np.arange(90) == 5
    choices = choose(candidates, no_doubt_known(candidates), answered, 1, beside=vectors[40:41])
    assert truth[choices[0].position] == 2


def test_nothing_is_asked_where_nothing_may_be():
    candidates = candidates_of(groups([5])[0])
    assert choose(candidates, no_doubt_known(candidates), np.ones(5, bool), 3) == []
    assert choose(candidates, no_doubt_known(candidates), np.zeros(5, bool), 0) == []


def at(second):
    return f"2026-01-01T{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}+00:00"


def test_lists_and_pauses_say_nothing_of_how_fast_people_decide():
    one_by_one = [("ann", at(4 * n)) for n in range(11)]
    a_list = [("ann", at(60))] * 40
    after_a_pause = [("ann", at(3600 + 8 * n)) for n in range(2)]
    others = [("ben", at(8000 + 100 * n)) for n in range(3)]
    pace = pace_of([*one_by_one, *a_list, *after_a_pause, *others])
    assert (pace.seconds, pace.decisions) == (4.0, 13)
    assert (pace.low, pace.high) == (4.0, 4.0)
    assert pace_of(one_by_one[:10]) is None
    assert pace_of(a_list) is None and pace_of([]) is None
    by_a_program = [("bot", f"2026-01-01T00:00:00.{n:02d}0000+00:00") for n in range(90)]
    assert pace_of(by_a_program) is None
    assert pace.duration(30) == "about 2.0 minutes (2.0 to 2.0)"
    assert pace.duration(300) == "about 20 minutes (20 to 20)"


def test_what_judges_the_rule_is_not_chosen_and_answers_no_doubt_about_its_like():
    vectors, truth = groups([30, 20, 20])
    candidates = candidates_of(vectors)
    judging = np.arange(70) < 5
    for answered in (np.zeros(70, bool), judging):
        first = choose(candidates, no_doubt_known(candidates), answered, 1, judging=judging)[0]
        assert truth[first.position] == 0 and first.position >= 5
    twins = candidates_of(np.concatenate([vectors, vectors[:1]]))
    judging = np.arange(71) < 1
    chosen = choose(twins, no_doubt_known(twins), np.zeros(71, bool), 71, judging=judging)
    assert 70 not in [choice.position for choice in chosen]
