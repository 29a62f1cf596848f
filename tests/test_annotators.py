"""Several annotators: how often each is right, which label is probable, how far they agree."""

import numpy as np
import pytest
from hypothesis import given as drawn
from hypothesis import strategies as st

from autolabel_core.matching.doubts.agreement import cohen_kappa, krippendorff_alpha
from autolabel_core.matching.doubts.annotators import (
    LEAST_PROBABILITY,
    CodedLabels,
    estimate_accuracy,
    weigh,
)

RNG = np.random.default_rng
ITEMS, LABELS, PEOPLE = 5, 3, 3
spoken = st.lists(
    st.tuples(st.integers(0, ITEMS - 1), st.integers(0, PEOPLE - 1), st.integers(0, LABELS - 1)),
    min_size=1,
    max_size=12,
    unique_by=lambda word: word[:2],
)


def labels_of(said, prior):
    item, annotator, code = (np.array(column, np.int64) for column in zip(*said, strict=True))
    return CodedLabels(item, annotator, code, prior[item, code], LABELS, ITEMS, PEOPLE)


def naive_weigh(said, prior, accuracy):
    """Every label of every item, one after the other."""
    found = np.zeros((ITEMS, LABELS))
    floor = LEAST_PROBABILITY / LABELS
    for item in range(ITEMS):
        own = {code for i, _, code in said if i == item}
        named = {code: min(max(prior[item, code], floor), 1 - LEAST_PROBABILITY) for code in own}
        rest = max(0.0, 1 - sum(named.values()))
        unnamed = sum(prior[item, code] for code in range(LABELS) if code not in own)
        for label in range(LABELS):
            before = named.get(label)
            if before is None:
                before = prior[item, label] * rest / unnamed if unnamed else 0.0
            for i, person, code in said:
                if i == item:
                    right = accuracy[person]
                    before *= right if code == label else (1 - right) / (LABELS - 1)
            found[item, label] = before
        found[item] /= found[item].sum()
    return found


@drawn(spoken, st.integers(0, 1000))
def test_given_weigh_as_the_rule_of_bayes_says_label_by_label(said, seed):
    rng = RNG(seed)
    prior = rng.dirichlet(np.ones(LABELS), size=ITEMS)
    accuracy = rng.uniform(0.2, 0.99, PEOPLE)
    weighed = weigh(labels_of(said, prior), accuracy)
    expected = naive_weigh(said, prior, accuracy)
    for (item, _, code), probability in zip(said, weighed.probability, strict=True):
        assert probability == pytest.approx(expected[item, code], abs=1e-9)


@drawn(spoken, st.integers(0, 1000))
def test_accuracies_are_those_of_a_naive_estimate_in_turn(said, seed):
    prior = RNG(seed).dirichlet(np.ones(LABELS), size=ITEMS)
    accuracy = np.full(PEOPLE, 0.9)
    for _ in range(100):
        probable = naive_weigh(said, prior, accuracy)
        accuracy = np.array(
            [
                (9 + sum(probable[i, c] for i, p, c in said if p == person))
                / (10 + sum(1 for _, p, _ in said if p == person))
                for person in range(PEOPLE)
            ]
        )
    np.testing.assert_allclose(estimate_accuracy(labels_of(said, prior)), accuracy, atol=1e-6)


def test_accuracies_of_simulated_people_are_found():
    rng, items, labels = RNG(0), 600, 4
    true = rng.integers(0, labels, items)
    accuracy = np.array([0.95, 0.8, 0.5])
    said = [
        (i, p, true[i] if rng.random() < right else (true[i] + rng.integers(1, labels)) % labels)
        for i in range(items)
        for p, right in enumerate(accuracy)
    ]
    item, person, code = (np.array(column, np.int64) for column in zip(*said, strict=True))
    given = CodedLabels(
        item, person, code, np.full(len(said), np.nan), labels, items, len(accuracy)
    )
    np.testing.assert_allclose(estimate_accuracy(given), accuracy, atol=0.04)


def test_a_hundred_people_who_agree_overflow_nothing():
    count = 300
    person = np.arange(count)
    given = CodedLabels(person * 0, person, person * 0, np.full(count, 0.5), 2, 1, count)
    weighed = weigh(given, np.full(count, 0.99))
    assert np.all(weighed.probability == 1.0)
    assert np.isfinite(weighed.scale).all()


# --- agreement


@drawn(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("abc")), min_size=2))
def test_kappa_is_that_of_another_program(pairs):
    from sklearn.metrics import cohen_kappa_score

    first, second = (list(labels) for labels in zip(*pairs, strict=True))
    mine = cohen_kappa(first, second)
    if mine is None:
        assert set(first) == set(second)
        assert len(set(first)) == 1
    else:
        assert mine == pytest.approx(cohen_kappa_score(first, second))


def naive_alpha(items):
    """By every ordered pair of labels of an item, and of all items."""
    paired = [list(item.values()) for item in items if len(item) > 1]
    everything = [label for labels in paired for label in labels]
    observed = sum(
        sum(a != b for i, a in enumerate(labels) for j, b in enumerate(labels) if i != j)
        / (len(labels) - 1)
        for labels in paired
    ) / len(everything)
    expected = sum(
        a != b for i, a in enumerate(everything) for j, b in enumerate(everything) if i != j
    ) / (len(everything) * (len(everything) - 1))
    return 1 - observed / expected


@drawn(st.lists(st.dictionaries(st.sampled_from("xyz"), st.sampled_from("abc")), max_size=12))
def test_alpha_is_that_of_counting_every_pair(items):
    labels = {label for item in items if len(item) > 1 for label in item.values()}
    mine = krippendorff_alpha(items)
    if len(labels) < 2:
        assert mine is None
    else:
        assert mine == pytest.approx(naive_alpha(items))


def test_alpha_of_the_example_of_the_paper():
    """Krippendorff (2011), section C: four observers, twelve units, alpha = 0.743."""
    units = [
        dict(zip("ABCD", column, strict=True))
        for column in (
            "1.11",
            "2232",
            "3333",
            "3333",
            "2222",
            "1234",
            "4444",
            "1112",
            "2222",
            ".555",
            "..11",
            "..3.",
        )
    ]
    items = [{who: label for who, label in unit.items() if label != "."} for unit in units]
    assert krippendorff_alpha(items) == pytest.approx(0.743, abs=5e-4)
