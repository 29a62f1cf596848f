"""Doubt about labels: what the other references say of each, and what is most doubtful."""

import numpy as np
import pytest
from support.score_samples import clouds, unit

from autolabel_core.matching.doubts.held_out import LEAST_WEIGHT, PROBE_SHARE, held_out_labels
from autolabel_core.matching.doubts.ranking import AnnotatorLabel, near_duplicates, rank_doubts
from autolabel_core.matching.scores.fit import learning_set, settle
from autolabel_core.matching.scores.trials import VOTERS

RNG = np.random.default_rng


def flipped(labels, share, rng):
    """Labels of which a share is wrong, and which those are."""
    names = np.unique(labels.astype(str))
    code = np.searchsorted(names, labels.astype(str))
    wrong = rng.permutation(len(labels))[: round(share * len(labels))]
    code[wrong] = (code[wrong] + rng.integers(1, len(names), len(wrong))) % len(names)
    is_wrong = np.zeros(len(labels), bool)
    is_wrong[wrong] = True
    return names[code].astype(object), is_wrong


def by_one(labels):
    return [AnnotatorLabel(row, "ann", label) for row, label in enumerate(labels)]


# --- what the others say


def naive_held_out(vectors, labels):
    """One reference after the other: a weighted ridge without its fold, and a vote outside."""
    known = learning_set(vectors, labels)
    learned, voted = settle("probe", known).setting, settle("vote", known).setting
    names = known.labels
    count = np.bincount(known.codes, minlength=names)
    weights = 1 / count[known.codes]
    probe = np.zeros((len(labels), names))
    for _ in range(3):
        for row in range(len(labels)):
            inside = known.folds != known.folds[row]
            x, w = vectors[inside].astype(float), weights[inside]
            y = np.eye(names)[known.codes[inside]]
            total = w.sum()
            mean_x, mean_y = w @ x / total, w @ y / total
            cx = x - mean_x
            system = (cx.T * w) @ cx / total + learned.penalty * np.eye(x.shape[1])
            solution = np.linalg.solve(system, (cx.T * w) @ (y - mean_y) / total)
            product = (vectors[row] - mean_x) @ solution + mean_y
            share = np.exp((product - product.max()) / learned.temperature)
            probe[row] = share / share.sum()
        own = probe[np.arange(len(labels)), known.codes]
        trust = np.sqrt(np.maximum(own, LEAST_WEIGHT))
        whole = np.array([trust[known.codes == code].sum() for code in range(names)])
        weights = trust / whole[known.codes]
    vote = np.zeros_like(probe)
    for row in range(len(labels)):
        inside = np.flatnonzero(known.folds != known.folds[row])
        cosine = vectors[inside].astype(float) @ vectors[row].astype(float)
        best = np.argsort(-cosine, kind="stable")[:VOTERS]
        for place in best:
            code = known.codes[inside[place]]
            weight = np.exp((cosine[place] - cosine[best[0]]) / voted.temperature)
            vote[row, code] += weight / np.sqrt(count[code])
        vote[row] /= vote[row].sum()
    return PROBE_SHARE * probe + (1 - PROBE_SHARE) * vote


@pytest.mark.parametrize("seed", range(3))
def test_others_are_asked_as_a_naive_refit_without_the_fold_asks_them(seed):
    vectors, truth = clouds(RNG(seed), 8, noise=0.3)
    labels, _ = flipped(truth, 0.2, RNG(seed))
    found = held_out_labels(vectors, labels)
    expected = naive_held_out(vectors, labels)
    rows = np.arange(len(labels))
    for code in range(expected.shape[1]):
        mine = found.probability_of(rows, np.full(len(rows), code))
        np.testing.assert_allclose(mine, expected[:, code], atol=1e-6)
    assert np.all(np.diff(found.probability, axis=1) <= 0)


def test_the_same_references_give_the_same_bytes():
    vectors, labels = clouds(RNG(0), 10)
    first, second = held_out_labels(vectors, labels), held_out_labels(vectors, labels)
    assert first.probability.tobytes() == second.probability.tobytes()


@pytest.mark.parametrize("labels", [["a"], ["a", "a", "a"], ["a", "b"], ["a", "a", "b"]])
def test_a_label_without_a_second_thing_is_not_judged(labels):
    vectors = unit(RNG(1).normal(size=(len(labels), 4)))
    found = held_out_labels(vectors, np.array(labels, dtype=object))
    ranked = rank_doubts(found, by_one(labels))
    if len(set(labels)) == 1:
        assert np.isnan(found.probability).all()
        assert ranked.proposed == [None] * len(labels)
    assert np.isnan(ranked.held_out[-1])
    assert np.all((ranked.doubt >= 0) & (ranked.doubt <= 1))


def test_more_labels_than_are_kept_do_no_harm():
    vectors, labels = clouds(RNG(2), 3, labels=40, d=64, noise=0.05)
    wrong = 7
    labels[wrong] = next(name for name in labels if name != labels[wrong])
    ranked = rank_doubts(held_out_labels(vectors, labels), by_one(labels))
    assert ranked.order[0] == wrong


@pytest.mark.parametrize("seed", range(4))
def test_wrong_labels_come_first_with_the_right_one_proposed(seed):
    from sklearn.metrics import average_precision_score

    vectors, truth = clouds(RNG(seed), 20, labels=5, d=24)
    labels, is_wrong = flipped(truth, 0.2, RNG(seed))
    ranked = rank_doubts(held_out_labels(vectors, labels), by_one(labels))
    place = np.empty(len(labels))
    place[ranked.order] = np.arange(len(labels))
    assert average_precision_score(is_wrong, -place) > 0.95
    assert np.mean([ranked.proposed[row] == truth[row] for row in np.flatnonzero(is_wrong)]) > 0.9
    assert ranked.doubt[is_wrong].min() > np.median(ranked.doubt[~is_wrong])


def test_near_duplicates_do_not_speak_for_each_other_but_against():
    vectors, labels = clouds(RNG(3), 10)
    twice = np.concatenate([vectors, vectors[:1], vectors[:1]])
    same = np.concatenate([labels, labels[:1], labels[:1]])
    other = next(name for name in labels if name != labels[0])
    differs = same.copy()
    differs[-1] = other
    agreed = rank_doubts(held_out_labels(twice, same), by_one(same))
    contradicted = rank_doubts(held_out_labels(twice, differs), by_one(differs))
    last = len(twice) - 1
    assert near_duplicates(held_out_labels(twice, differs)) == [
        (0, last - 1),
        (0, last),
        (last - 1, last),
    ]
    assert contradicted.order[0] == last
    assert contradicted.proposed[last] == labels[0]
    assert contradicted.doubt[0] > agreed.doubt[0]


def test_a_label_that_only_another_person_gave_is_proposed():
    vectors, labels = clouds(RNG(4), 10)
    given = [
        *by_one(labels),
        AnnotatorLabel(5, "ben", "something new"),
        AnnotatorLabel(5, "cy", "something new"),
    ]
    ranked = rank_doubts(held_out_labels(vectors, labels), given)
    plain = rank_doubts(held_out_labels(vectors, labels), by_one(labels))
    assert ranked.proposed[5] == "something new"
    assert ranked.doubt[5] > plain.doubt[5]
    assert set(ranked.accuracy) == {"ann", "ben", "cy"}
