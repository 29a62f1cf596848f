"""What scores say: of held-out references, of rare labels, of strangers, in any batch."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.score_samples import SCORES, clouds, fitted, unit

from autolabel_core.matching.decision import Rule
from autolabel_core.matching.decision_engine import DecisionEngine
from autolabel_core.matching.nearest import nearest
from autolabel_core.matching.scores.choice import PREFERRED
from autolabel_core.matching.scores.fit import learning_set, settle
from autolabel_core.matching.scores.similarity import Pool


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
