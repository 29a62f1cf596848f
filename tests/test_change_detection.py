"""Changes in uploads: found soon, dated, told apart, and rarely seen where there are none."""

import math

import numpy as np
import pytest

from autolabel_core.matching.change_detection import LOTS, Uploads, detect_changes
from autolabel_core.matching.change_kind import Sample, change_figures
from autolabel_core.matching.conformal_ranks import conformal_ranks, ranks_of_labels, ranks_within
from autolabel_core.matching.drift import POWERS
from autolabel_core.matching.share_bets import STRENGTHS

ALARM = math.log(100)
A_DAY = 40
SHARES = (0.4, 0.3, 0.2, 0.1)
LOWER = np.array([0.0, 0.02, 0.04, 0.06])


def uploads(rng, days, similarity=lambda day, usual: usual, shares=lambda day: SHARES, first=200):
    """Days of documents with four labels; the first day has more."""
    part = np.repeat(np.arange(days), [first] + [A_DAY] * (days - 1))
    label = np.concatenate([rng.choice(4, np.sum(part == d), p=shares(d)) for d in range(days)])
    usual = rng.beta(12, 3, len(part)) - LOWER[label]
    changed = np.concatenate([similarity(d, usual[part == d]) for d in range(days)])
    score = changed + rng.normal(0, 0.02, len(part))
    return Uploads(part, np.arange(days), label, changed, score)


def lots_for(found, seed=0):
    return np.random.default_rng(seed).random((LOTS, len(found.part)))


def detect(found, alarm=ALARM):
    return detect_changes(found, alarm, lots_for(found))


def naive_rank(before, value, lot):
    lower = sum(other < value for other in before)
    equal = sum(other == value for other in before) + 1
    return (lower + lot * equal) / (len(before) + 1)


def naive_capital(found, until):
    """The capital at the end of a part, document by document and share by share."""
    lots, label = lots_for(found), found.label.tolist()
    labels, first = max(label) + 1, int(np.sum(found.part == 0))
    sizes = np.bincount(label[:first], minlength=labels) + 0.5
    edges = np.cumsum(sizes / sizes.sum())
    total = 0.0
    for begin in range(1, until + 1):
        powers = [np.ones(3) for _ in range(3 + labels)]
        likely, hits = np.ones(len(STRENGTHS)), np.zeros(labels)
        for i in np.flatnonzero((found.part >= begin) & (found.part <= until)).tolist():
            mine = [j for j in range(i) if label[j] == label[i]]
            ranks = [
                naive_rank(found.similarity[:i], found.similarity[i], lots[0, i]),
                naive_rank(found.similarity[mine], found.similarity[i], lots[1, i]),
                naive_rank(found.score[mine], found.score[i], lots[2, i]),
            ]
            for name in range(labels):
                has = [other == name for other in label[:i]]
                ranks.append(1 - naive_rank(has, label[i] == name, lots[3, i]))
            for capital, rank in zip(powers, ranks, strict=True):
                capital *= [p * rank ** (p - 1) for p in POWERS]
            cell = int(np.searchsorted(edges[:-1], naive_rank(label[:i], label[i], lots[3, i])))
            size = sizes[cell] / sizes.sum()
            for place, strength in enumerate(STRENGTHS):
                prior = strength * labels
                likely[place] *= (hits[cell] + prior * size) / (hits.sum() + prior) / size
            hits[cell] += 1
        each = [*(np.mean(of) for of in powers[:3]), np.mean(powers[3:]), np.mean(likely)]
        total += np.mean(each) / 366 * 6 / math.pi**2
    return total


def test_the_capital_is_that_of_betting_document_by_document():
    rng = np.random.default_rng(1)
    part = np.repeat(np.arange(4), [60, 9, 14, 11])
    similarity = np.round(rng.random(len(part)), 1)
    found = Uploads(part, np.arange(4), rng.integers(0, 3, len(part)), similarity, similarity**2)
    highest = max(naive_capital(found, until) for until in (1, 2, 3))
    assert math.exp(detect(found, 1e9).log_capital) == pytest.approx(max(highest, 1.0))
    below = detect(found, math.log(highest) - 1e-6)
    assert below.changes[0].log_capital == pytest.approx(math.log(highest))


def test_ranks_are_those_of_counting_also_over_many_blocks():
    rng = np.random.default_rng(2)
    values, lots = rng.integers(0, 40, 1500).astype(float), rng.random(1500)
    groups = rng.integers(0, 3, 1500)
    expected = [naive_rank(values[:i].tolist(), values[i], lots[i]) for i in range(100, 1500)]
    assert conformal_ranks(values[:100], values[100:], lots[100:]) == pytest.approx(expected)
    of_own = [
        naive_rank(values[:i][groups[:i] == groups[i]].tolist(), values[i], lots[i])
        for i in range(100, 1500)
    ]
    assert ranks_within(groups, values, 100, lots) == pytest.approx(of_own)
    assert ranks_of_labels(groups, 100, lots).shape == (1400, 3)


def test_like_uploads_raise_less_than_one_alarm_in_a_hundred_years():
    alarms = sum(
        bool(detect(uploads(np.random.default_rng(seed), 60)).changes) for seed in range(150)
    )
    assert alarms <= 3, "sixty days each: a sixth of a year, so that 1.5 would be one in a hundred"


@pytest.mark.parametrize(
    "change",
    [
        {"similarity": lambda day, usual: usual - 0.15 * (day >= 8)},
        {"shares": lambda day: SHARES[::-1] if day >= 8 else SHARES},
        {
            "similarity": lambda day, usual: np.where(
                np.arange(len(usual)) % 4 < (day >= 8), 0, usual
            )
        },
    ],
)
def test_a_change_is_noticed_within_a_week_and_dated_to_the_day(change):
    for seed in range(5):
        found = detect(uploads(np.random.default_rng(seed), 16, **change))
        assert found.changes, seed
        assert abs(found.changes[0].first - 8) <= 1
        assert found.changes[0].noticed <= 15
        assert not found.changes[0].is_over


def test_the_return_to_normal_ends_a_change_and_is_none_itself():
    def low_for_some_days(day, usual):
        return usual - 0.3 * (8 <= day < 12)

    found = detect(uploads(np.random.default_rng(3), 30, low_for_some_days))
    [change] = found.changes
    assert (change.first, change.last, change.is_over) == (8, 11, True)


def test_a_second_change_is_another_one():
    def low_twice(day, usual):
        return usual - 0.3 * (8 <= day < 12 or day >= 20)

    found = detect(uploads(np.random.default_rng(4), 24, low_twice))
    assert [change.first for change in found.changes] == [8, 20]
    assert [change.is_over for change in found.changes] == [True, False]


def test_little_before_is_nothing_to_compare_with():
    part = np.repeat([0, 1], [20, 20])
    few = Uploads(part, np.arange(2), part * 0, part * 1.0, part * 1.0)
    found = detect(few)
    assert (len(found.changes), found.judged, found.log_capital) == (0, 0, 0.0)
    assert detect(Uploads(*[np.zeros(0, np.int64)] * 3, np.zeros(0), np.zeros(0))).judged == 0


def points(rng, centres, spread=0.15):
    vectors = centres + spread * rng.normal(size=centres.shape)
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def sample(label, vectors, references):
    return Sample(label, (vectors @ references.T).max(axis=1).astype(float), vectors)


@pytest.mark.parametrize("seed", range(5))
def test_kinds_are_told_apart(seed):
    rng = np.random.default_rng(seed)
    axes = np.eye(12)
    references = points(rng, np.repeat(axes[:4], 10, axis=0))
    old = rng.integers(0, 4, 400)
    before = sample(old, points(rng, axes[old]), references)
    new = rng.integers(0, 4, 300)

    stranger = np.arange(300) < 75
    mixed = points(rng, np.where(stranger[:, None], axes[8], axes[new]))
    figures = change_figures(before, sample(new, mixed, references))
    assert figures.kind == "new_class"
    assert figures.far == pytest.approx(0.25, abs=0.08)
    assert np.mean(stranger[figures.far_rows]) > 0.8

    tinted = points(rng, axes[new] + 0.8 * axes[9])
    assert change_figures(before, sample(new, tinted, references)).kind == "shifted_camera"

    other = rng.choice(4, 300, p=[0.7, 0.1, 0.1, 0.1])
    figures = change_figures(before, sample(other, points(rng, axes[other]), references))
    assert figures.kind == "changed_mix"


def test_only_a_new_class_at_all_is_a_new_class():
    rng = np.random.default_rng(0)
    axes = np.eye(12)
    references = points(rng, np.repeat(axes[:4], 10, axis=0))
    old = rng.integers(0, 4, 400)
    before = sample(old, points(rng, axes[old]), references)
    vectors = points(rng, np.repeat(axes[8:9], 200, axis=0))
    label = (vectors @ references.T).argmax(axis=1) // 10
    assert change_figures(before, sample(label, vectors, references)).kind == "new_class"


def test_a_change_that_lasts_is_one_and_later_the_new_normal():
    def lower_for_good(day, usual):
        return usual - 0.3 * (day >= 8)

    found = detect(uploads(np.random.default_rng(5), 25, lower_for_good))
    assert [(change.first, change.is_over) for change in found.changes] == [(8, False)]


def test_equal_similarities_and_labels_that_were_not_there_before_are_not_lower():
    rng = np.random.default_rng(0)
    vectors = points(rng, np.eye(12)[rng.integers(0, 4, 200)])
    same = Sample(np.zeros(200, np.int64), np.full(200, 0.9), vectors)
    assert change_figures(same, same).lower == 0.0
    usual, new = rng.normal(0.8, 0.05, 200), np.arange(200) % 2
    after = Sample(new, np.where(new, usual, usual - 0.5), vectors)
    before = Sample(np.zeros(200, np.int64), rng.normal(0.8, 0.05, 200), vectors)
    assert change_figures(before, after).lower == pytest.approx(0.5)
