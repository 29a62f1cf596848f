"""Parts of scores beside naive references: ranking, ridge, folds, risk and coverage."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.score_samples import KINDS, clouds, unit

from autolabel_core.matching.nearest import nearest, nearest_among_themselves
from autolabel_core.matching.scores.folds import (
    NEVER_HELD_OUT,
    folds_of,
    near_duplicate_groups,
    some_of_each,
)
from autolabel_core.matching.scores.ranking import LABELS_COMPARED, rank_products, votes
from autolabel_core.matching.scores.ridge import (
    held_out_products,
    probe_weights,
    spanned,
)
from autolabel_core.matching.scores.risk_coverage import area_under_risk_coverage
from autolabel_core.matching.scores.strangers import auroc_of_strangers, weighted_auroc
from autolabel_core.matching.scores.trials import class_means


def test_products_are_ranked_as_a_softmax_over_the_likeliest_labels():
    rng = np.random.default_rng(0)
    for labels in (2, LABELS_COMPARED, 40):
        weights = rng.normal(size=(labels, 9)).astype(np.float32)
        vectors = unit(rng.normal(size=(30, 8)))
        found = rank_products(vectors, weights, 0.3)
        for i, row in enumerate(vectors.astype(np.float64)):
            products = weights[:, :8].astype(np.float64) @ row + weights[:, 8]
            likeliest = np.sort(products)[::-1][:LABELS_COMPARED]
            share = np.exp((likeliest - likeliest[0]) / 0.3)
            assert found.code[i] == products.argmax()
            assert found.probability[i] == pytest.approx(1 / share.sum(), abs=1e-5)
            assert found.runner_up[i] == pytest.approx(share[1] / share.sum(), abs=1e-5)


@pytest.mark.parametrize("best_only", [False, True])
def test_votes_are_counted_as_by_hand(best_only):
    rng = np.random.default_rng(2)
    references, queries = unit(rng.normal(size=(25, 5))), unit(rng.normal(size=(20, 5)))
    codes = rng.integers(0, 4, 25)
    importance = rng.uniform(0.2, 1.0, 25)
    close = nearest(queries, references, 10)
    cast = votes(close, codes, importance, 0.1, best_only)
    found = cast.ranked()
    for i in range(len(queries)):
        weight = {}
        for position, cosine in zip(close.position[i], close.score[i], strict=True):
            code = int(codes[position])
            vote = np.exp((float(cosine) - float(close.score[i, 0])) / 0.1) * importance[position]
            if best_only and code in weight:
                continue
            weight[code] = weight.get(code, 0.0) + vote
        total = sum(weight.values())
        best = max(weight, key=weight.get)
        others = [value for code, value in weight.items() if code != best]
        assert found.code[i] == best
        assert found.probability[i] == pytest.approx(weight[best] / total, rel=1e-5)
        assert found.runner_up[i] == pytest.approx(max(others, default=0.0) / total, abs=1e-6)
        asked = cast.probability_of(np.full(len(queries), 2))[i]
        assert asked == pytest.approx(weight.get(2, 0.0) / total, abs=1e-9)


def test_a_class_mean_is_the_direction_of_its_references():
    vectors, labels = clouds(np.random.default_rng(3), 4)
    codes = np.unique(labels, return_inverse=True)[1]
    for code, mean in enumerate(class_means(vectors, codes, KINDS)):
        own = np.mean([vectors[i].astype(float) for i in range(12) if codes[i] == code], axis=0)
        assert mean == pytest.approx(own / np.linalg.norm(own), abs=1e-6)


def naive_ridge(rows, codes, weights, labels, penalty):
    """Solve the penalised least squares with its constant as one linear system."""
    x = np.concatenate([rows, np.ones((len(rows), 1))], axis=1)
    y = np.eye(labels)[codes]
    w = np.diag(weights)
    ridge = np.diag([penalty * weights.sum()] * rows.shape[1] + [0.0])
    return np.linalg.solve(x.T @ w @ x + ridge, x.T @ w @ y)


@pytest.mark.parametrize("d", [5, 60])
def test_the_probe_is_the_ridge_that_a_linear_system_gives(d):
    vectors, labels = clouds(np.random.default_rng(4), 7, d=d)
    codes = np.unique(labels, return_inverse=True)[1]
    weights = np.random.default_rng(5).uniform(0.5, 1.0, len(codes))
    folds = np.arange(len(codes)) % 4
    folds[:3] = NEVER_HELD_OUT
    prepared = spanned(vectors, codes, weights, folds, KINDS)
    expected = naive_ridge(vectors.astype(float), codes, weights, KINDS, 0.03)
    assert probe_weights(prepared, 0.03) == pytest.approx(expected.T, abs=1e-5)
    products, _ = held_out_products(prepared, [0.03, 0.1])
    assert products == pytest.approx(held_out_products(prepared, [0.03])[0], abs=1e-9, nan_ok=True)
    assert np.isnan(products[:3]).all()
    for fold in range(4):
        inside, out = folds != fold, folds == fold
        refitted = naive_ridge(
            vectors[inside].astype(float), codes[inside], weights[inside], KINDS, 0.03
        )
        # The penalty is a share of the weight of what is learned from.
        by_hand = vectors[out].astype(float) @ refitted[:-1] + refitted[-1]
        assert products[out] == pytest.approx(by_hand, abs=1e-8)


def test_near_duplicates_are_in_one_fold_and_an_only_reference_is_never_held_out():
    rng = np.random.default_rng(9)
    vectors, labels = clouds(rng, 6)
    twins = unit(vectors[:4] + 0.01 * rng.normal(size=(4, 12)))
    vectors = np.concatenate([vectors, twins, unit(rng.normal(size=(1, 12)))])
    labels = np.concatenate([labels, labels[:4], np.array(["rare"], dtype=object)])
    codes = np.unique(labels.astype(str), return_inverse=True)[1]
    groups = near_duplicate_groups(nearest_among_themselves(vectors, 10))
    folds = folds_of(codes, groups)
    assert groups[18:22].tolist() == [0, 1, 2, 3]
    assert folds[18:22].tolist() == folds[:4].tolist()
    assert folds[-1] == NEVER_HELD_OUT
    for code in range(KINDS):
        assert len(np.unique(folds[codes == code])) >= 5


def test_a_label_of_one_group_alone_is_never_held_out():
    vectors, labels = clouds(np.random.default_rng(10), 3)
    vectors[labels == "kind 001"] = vectors[labels == "kind 001"][0]
    codes = np.unique(labels, return_inverse=True)[1]
    folds = folds_of(codes, near_duplicate_groups(nearest_among_themselves(vectors, 10)))
    assert set(folds[codes == 1]) == {NEVER_HELD_OUT}


@given(st.lists(st.integers(0, 5), min_size=1, max_size=60), st.integers(2, 20))
def test_of_many_references_each_label_keeps_its_share_and_at_least_two(codes, most):
    codes = np.array(codes)
    rows = some_of_each(codes, most)
    assert len(set(rows.tolist())) == len(rows) and (np.diff(rows) > 0).all()
    for code in np.unique(codes):
        assert (codes[rows] == code).sum() >= min(2, (codes == code).sum())


def test_strangers_are_told_as_by_comparing_each_reference_with_each():
    rng = np.random.default_rng(20)
    vectors, labels = clouds(rng, 6, noise=0.3)
    codes = np.unique(labels, return_inverse=True)[1]
    groups = np.arange(len(codes))
    groups[1] = 0
    centre = vectors.mean(axis=0)
    centred = vectors.astype(float) - centre
    centred /= np.linalg.norm(centred, axis=1, keepdims=True)
    known, strange = [], []
    for i in range(len(codes)):
        others = [j for j in range(len(codes)) if groups[j] != groups[i]]
        foreign = [j for j in others if codes[j] != codes[i]]
        known.append(np.sort(centred[others] @ centred[i])[-3:].mean())
        strange.append(np.sort(centred[foreign] @ centred[i])[-3:].mean())
    wins = [float(k > s) for k in known for s in strange]
    found = auroc_of_strangers(vectors, centre, codes, groups)
    assert found == pytest.approx(np.mean(wins), abs=1e-6)
    assert auroc_of_strangers(vectors[:1], centre, codes[:1], groups[:1]) is None
    assert weighted_auroc([1, 2], [1, 0], [1, 3]) == pytest.approx((3 + 0.5 + 3 * 4) / 16)


def naive_area(confidence, correct, weights):
    """Average the risk over every order of equal items."""
    rng = np.random.default_rng(0)
    areas = []
    for _ in range(400):
        order = np.lexsort((rng.random(len(confidence)), -np.asarray(confidence)))
        w = np.asarray(weights, float)[order]
        wrong = ~np.asarray(correct, bool)[order] * w
        areas.append(np.average(np.cumsum(wrong) / np.cumsum(w), weights=w))
    return np.mean(areas)


@given(
    st.lists(
        st.tuples(st.sampled_from([0.1, 0.4, 0.8, 0.9]), st.booleans()), min_size=1, max_size=12
    )
)
@settings(max_examples=30, deadline=None)
def test_the_area_lies_near_the_mean_over_all_orders_of_equals(items):
    confidence, correct = zip(*items, strict=True)
    found = area_under_risk_coverage(confidence, correct)
    assert found == pytest.approx(naive_area(confidence, correct, np.ones(len(items))), abs=0.2)
    assert area_under_risk_coverage(confidence, [True] * len(items)) == 0.0
    assert area_under_risk_coverage(confidence, [False] * len(items)) == pytest.approx(1.0)


def test_without_equals_the_area_is_the_mean_risk():
    rng = np.random.default_rng(11)
    confidence, correct = rng.permutation(500) / 500, rng.random(500) < 0.8
    assert area_under_risk_coverage(confidence, correct) == pytest.approx(
        naive_area(confidence, correct, np.ones(500)), abs=2e-3
    )
