"""Scores beside naive references: ranking, ridge, folds, and the area under risk and coverage."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autolabel_core.matching.decision import Rule
from autolabel_core.matching.decision_engine import DecisionEngine
from autolabel_core.matching.nearest import nearest
from autolabel_core.matching.scores.choice import PREFERRED, fit_score
from autolabel_core.matching.scores.fit import learning_set, settle
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
from autolabel_core.matching.scores.similarity import Pool
from autolabel_core.matching.scores.trials import class_means

SCORES = ("nearest", "vote", "class_mean", "probe")
KINDS = 3


def unit(rows):
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def clouds(rng, a_label, labels=KINDS, d=12, noise=0.12):
    """References around one direction a label, sorted by nothing."""
    middles = np.random.default_rng(7).normal(size=(labels, d))
    codes = np.repeat(np.arange(labels), a_label)
    rows = unit(middles)[codes] + noise * rng.normal(size=(len(codes), d))
    order = rng.permutation(len(codes))
    names = np.array([f"kind {code:03}" for code in codes[order]], dtype=object)
    return unit(rows[order]), names


def fitted(score, vectors, labels, centre=None):
    return fit_score(score, vectors, labels, np.zeros(vectors.shape[1], np.float32))


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


@pytest.mark.parametrize("score", SCORES)
@given(cuts=st.lists(st.integers(0, 60), max_size=4))
@settings(max_examples=15, deadline=None)
def test_a_document_is_ranked_alike_alone_and_in_any_batch(score, cuts):
    rng = np.random.default_rng(1)
    references, labels = clouds(rng, 8)
    engine = DecisionEngine(
        references, labels, Rule(0.5, score=score), fitted(score, references, labels)
    )
    queries, _ = clouds(rng, 20)
    whole = engine.decide(queries)
    edges = [0, *sorted(cuts), len(queries)]
    parts = [engine.decide(queries[a:b]) for a, b in itertools.pairwise(edges)]
    for name, values in vars(whole).items():
        joined = np.concatenate([getattr(part, name) for part in parts])
        assert joined.tolist() == values.tolist() or joined.tobytes() == values.tobytes()


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
    prepared = spanned(vectors, codes, weights, KINDS)
    expected = naive_ridge(vectors.astype(float), codes, weights, KINDS, 0.03)
    assert probe_weights(prepared, 0.03) == pytest.approx(expected.T, abs=1e-5)
    folds = np.arange(len(codes)) % 4
    folds[:3] = NEVER_HELD_OUT
    (products,) = held_out_products(prepared, folds, [0.03])
    assert np.isnan(products[:3]).all()
    for fold in range(4):
        inside, out = folds != fold, folds == fold
        refitted = naive_ridge(
            vectors[inside].astype(float), codes[inside], weights[inside], KINDS, 0.03
        )
        # The penalty is a share of the weight of what is learned from.
        by_hand = vectors[out].astype(float) @ refitted[:-1] + refitted[-1]
        assert products[out] == pytest.approx(by_hand, abs=1e-8)


@pytest.mark.parametrize("score", SCORES)
def test_labels_at_random_are_right_at_random_where_they_were_held_out(score):
    """A shortcut that has seen the answers is right about all of them."""
    rng = np.random.default_rng(6)
    vectors = unit(rng.normal(size=(120, 200)))
    labels = np.array([f"kind {i % 4}" for i in range(120)], dtype=object)
    known = learning_set(vectors, labels)
    settled = settle(score, known)
    right = settled.held_out.code == known.codes[settled.judged]
    assert right.mean() < 0.45
    assert settled.held_out.probability.mean() < 0.6


@pytest.mark.parametrize("score", SCORES)
def test_a_reference_with_a_wrong_name_is_doubted_by_the_others(score):
    rng = np.random.default_rng(8)
    vectors, labels = clouds(rng, 10)
    truth = labels.copy()
    labels[0] = next(name for name in set(truth) if name != truth[0])
    engine = DecisionEngine(vectors, labels, Rule(0.5, score=score), fitted(score, vectors, labels))
    decided = engine.decide_references()
    assert decided.label[0] == truth[0]
    assert np.mean(decided.label == truth) > 0.9
    names = [None if p < 0 else labels[p] for p in decided.position]
    assert [a == b for a, b in zip(names, decided.label, strict=True)] == [True] * len(labels)
    assert 0 not in decided.position[:1]


def test_near_duplicates_are_in_one_fold_and_an_only_reference_is_never_held_out():
    rng = np.random.default_rng(9)
    vectors, labels = clouds(rng, 6)
    twins = unit(vectors[:4] + 0.01 * rng.normal(size=(4, 12)))
    vectors = np.concatenate([vectors, twins, unit(rng.normal(size=(1, 12)))])
    labels = np.concatenate([labels, labels[:4], np.array(["rare"], dtype=object)])
    codes = np.unique(labels.astype(str), return_inverse=True)[1]
    groups = near_duplicate_groups(vectors)
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
    folds = folds_of(codes, near_duplicate_groups(vectors))
    assert set(folds[codes == 1]) == {NEVER_HELD_OUT}


@given(st.lists(st.integers(0, 5), min_size=1, max_size=60), st.integers(2, 20))
def test_of_many_references_each_label_keeps_its_share_and_at_least_two(codes, most):
    codes = np.array(codes)
    rows = some_of_each(codes, most)
    assert len(set(rows.tolist())) == len(rows) and (np.diff(rows) > 0).all()
    for code in np.unique(codes):
        assert (codes[rows] == code).sum() >= min(2, (codes == code).sum())


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


def patches(rng, n):
    """Two labels in 24 patches of a space of 6 dimensions: no plane parts them."""
    middles = np.random.default_rng(0).normal(size=(24, 6))
    patch = np.arange(n) % 24
    vectors = unit(unit(middles)[patch] + 0.15 * rng.normal(size=(n, 6)))
    return vectors, np.where(patch % 2 == 0, "even", "odd").astype(object)


def test_auto_leaves_the_probe_only_for_what_is_better_beyond_noise():
    rng = np.random.default_rng(12)
    easy = fitted("auto", *clouds(rng, 20))
    assert easy.name == PREFERRED[0] == "probe"
    hard = fitted("auto", *patches(rng, 240))
    assert hard.name in ("vote", "nearest")
    figures = hard.choice.figures
    assert set(figures) == set(PREFERRED)
    assert figures[hard.name].aurc == min(f.aurc for f in figures.values())
    assert f"{figures['probe'].aurc:.4f}" in hard.choice.reason


def test_too_few_references_to_compare_are_said():
    vectors, labels = clouds(np.random.default_rng(13), 2)
    choice = fitted("auto", vectors, labels).choice
    assert (choice.score, choice.judged, choice.figures) == ("probe", 6, None)
    assert choice.reason.startswith("6 references can be judged by others, and 20 are needed")


@pytest.mark.parametrize("score", [*SCORES, "auto"])
@pytest.mark.parametrize("counts", [(1, 1), (1, 40), (5, 200, 2), (1,) * 30, (2,) * 60])
def test_any_mix_of_references_can_be_fitted(score, counts):
    rng = np.random.default_rng(14)
    middles = unit(rng.normal(size=(len(counts), 16)))
    codes = np.repeat(np.arange(len(counts)), counts)
    vectors = unit(middles[codes] + 0.1 * rng.normal(size=(len(codes), 16)))
    labels = np.array([f"kind {code:03}" for code in codes], dtype=object)
    engine = DecisionEngine(vectors, labels, Rule(0.0, score=score), fitted(score, vectors, labels))
    decided = engine.decide(middles)
    assert np.mean(decided.label == [f"kind {code:03}" for code in range(len(counts))]) > 0.9
    assert (decided.label == labels[decided.position]).all()
    assert ((decided.probability >= 0) & (decided.probability <= 1)).all()
    assert (decided.margin <= decided.confidence + 1e-6).all() and (decided.margin >= 0).all()


@pytest.mark.parametrize("score", [*SCORES, "auto"])
def test_one_label_alone_labels_nothing(score):
    vectors, labels = clouds(np.random.default_rng(15), 8, labels=1)
    engine = DecisionEngine(vectors, labels, Rule(0.0, score=score), fitted(score, vectors, labels))
    decided = engine.decide(vectors[:3] + 0)
    assert decided.label.tolist() == ["kind 000"] * 3
    assert not decided.matched.any() and np.isnan(decided.confidence).all()
    match = engine.match(vectors[:1])[0]
    assert (match.label, match.matched, match.probability) == ("kind 000", False, None)


@pytest.mark.parametrize("score", ["vote", "class_mean", "probe"])
def test_the_rare_label_is_not_outvoted_by_a_hundredfold(score):
    rng = np.random.default_rng(16)
    middles = unit(rng.normal(size=(2, 10)))
    codes = np.repeat([0, 1], [5, 500])
    vectors = unit(middles[codes] + 0.15 * rng.normal(size=(505, 10)))
    labels = np.array(["rare", "common"], dtype=object)[codes]
    queries = unit(middles[np.repeat([0, 1], 200)] + 0.15 * rng.normal(size=(400, 10)))
    engine = DecisionEngine(vectors, labels, Rule(0, score=score), fitted(score, vectors, labels))
    found = engine.decide(queries).label
    assert np.mean(found[:200] == "rare") > 0.9
    assert np.mean(found[200:] == "common") > 0.9


def test_similarity_is_the_mean_of_three_cosines_seen_from_the_middle():
    rng = np.random.default_rng(17)
    shift = rng.normal(size=8)
    references, queries = (
        unit(rng.normal(size=(9, 8)) + shift),
        unit(rng.normal(size=(5, 8)) + shift),
    )
    centre = references.mean(axis=0)
    pool = Pool.around(centre, references)
    close = nearest(queries, references, 9)
    found = pool.similarity(queries, close)
    for i, query in enumerate(queries.astype(float)):
        one = query - centre
        cosines = [
            one @ (r - centre) / np.linalg.norm(one) / np.linalg.norm(r - centre)
            for r in references.astype(float)
        ]
        assert found[i] == pytest.approx(np.mean(np.sort(cosines)[-3:]), abs=1e-5)


@pytest.mark.parametrize("score", ["vote", "class_mean", "probe"])
def test_a_stranger_is_unknown_however_sure_the_score_is(score):
    rng = np.random.default_rng(18)
    vectors, labels = clouds(rng, 20, noise=0.1)
    engine = DecisionEngine(vectors, labels, Rule(0.0, score=score), fitted(score, vectors, labels))
    strangers = unit(rng.normal(size=(200, 12)))
    known, _ = clouds(rng, 60, noise=0.1)
    assert engine.decide(strangers).matched.mean() < 0.05
    assert engine.decide(known).matched.mean() > 0.9
    lax = DecisionEngine(
        vectors, labels, Rule(0.0, score=score, similarity_threshold=-1.0), engine.score
    )
    assert lax.decide(strangers).matched.all()


def test_the_nearest_reference_of_the_label_is_found_beyond_the_neighbours():
    rng = np.random.default_rng(19)
    crowd = unit(np.array([1.0, 0.0, 0.0]) + 0.01 * rng.normal(size=(30, 3)))
    others = unit(np.array([[0.0, 1.0, 0.0], [0.1, 1.0, 0.0], [0.0, 0.9, 0.4]]))
    vectors = np.concatenate([crowd, others])
    labels = np.array(["crowd"] * 30 + ["other"] * 3, dtype=object)
    engine = DecisionEngine(vectors, labels, Rule(0.0, score="class_mean"))
    score = fitted("class_mean", vectors, labels)
    engine = DecisionEngine(vectors, labels, engine.rule, score)
    query = unit(np.array([[0.5, 0.9, 0.0]]))
    alone = nearest(query, crowd, 10)  # neighbours of one label only
    decided = engine.decide_documents(query, alone)
    best = 30 + int((others @ query[0]).argmax())
    assert (decided.label[0], decided.position[0]) == ("other", best)
