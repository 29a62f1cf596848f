"""Which threshold is certified: rarely one that is not precise enough, and about when foretold."""

import math
from itertools import pairwise

import numpy as np
import pytest

from autolabel_core.matching.betting import log_capital
from autolabel_core.matching.certification import (
    OPEN,
    RIGHT,
    WRONG,
    evidence,
    fewest_verdicts,
    plan_certification,
    zone_thresholds,
)
from autolabel_core.matching.certification_draws import (
    is_refuted,
    next_verdicts,
    verdicts_to_first_certificate,
)

PRECISION, DELTA = 0.95, 0.1
AT_ONCE = 10


def population(rng, size, low, high):
    """Scores from 0 to 1; the chance of being right rises with the score from low to high."""
    scores = rng.random(size)
    return scores, rng.random(size) < low + (high - low) * scores


def planned(rng, low, high, size=2000, references=200):
    scores, right = population(rng, size, low, high)
    own_scores, own_right = population(rng, references, low, high)
    plan, rows = plan_certification(scores, own_scores, own_right, PRECISION, DELTA, rng)
    return plan, right[rows].astype(int), scores, right


def judge(plan, truth, verdicts, most):
    """Give so many verdicts as they are asked for; returns whether more could be asked."""
    for _ in range(0, most, AT_ONCE):
        draws = next_verdicts(plan, verdicts).draws[:AT_ONCE]
        if not len(draws):
            return False
        verdicts[draws] = truth[draws]
    return True


def certified_precision(plan, verdicts, scores, right):
    zones = plan.certified(evidence(plan, verdicts).capital)
    if not zones:
        return None
    return float(right[scores >= plan.thresholds[zones - 1]].mean())


@pytest.mark.parametrize(("low", "high"), [(0.95, 0.95), (0.90, 0.96), (0.85, 1.0)])
def test_certificates_that_are_wrong_are_rare(low, high):
    """Also where nothing, or hardly anything, is as precise as asked."""
    seeds, wrong = 100, 0
    for seed in range(seeds):
        rng = np.random.default_rng(seed)
        plan, truth, scores, right = planned(rng, low, high)
        verdicts = np.full(len(truth), OPEN)
        judge(plan, truth, verdicts, 200)
        found = certified_precision(plan, verdicts, scores, right)
        wrong += found is not None and found < PRECISION
    assert wrong / seeds <= DELTA + 2 * math.sqrt(DELTA * (1 - DELTA) / seeds)


def test_what_is_precise_enough_is_certified_nearly_all():
    shares = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        plan, truth, scores, _ = planned(rng, 0.98, 1.0)
        verdicts = np.full(len(truth), OPEN)
        judge(plan, truth, verdicts, 200)
        zones = plan.certified(evidence(plan, verdicts).capital)
        shares.append(plan.sizes[zones - 1] / len(scores) if zones else 0.0)
    assert np.mean(shares) >= 0.8


@pytest.mark.parametrize(("low", "high"), [(0.97, 1.0), (0.95, 1.0), (1.0, 1.0)])
@pytest.mark.parametrize("begun", [0, 40])
def test_the_forecast_is_within_a_quarter_of_what_it_takes(low, high, begun):
    foretold, taken = [], []
    for seed in range(25):
        rng = np.random.default_rng(seed)
        plan, truth, _, _ = planned(rng, low, high)
        verdicts = np.full(len(truth), OPEN)
        for count in range(600):
            if count == begun:
                needed = verdicts_to_first_certificate(plan, verdicts, np.random.default_rng(1))
                foretold.append(math.inf if needed is None else needed)
            capital = evidence(plan, verdicts).capital
            if plan.certified(capital):
                break
            draws = next_verdicts(plan, verdicts).draws[:1]
            if not len(draws):
                count = math.inf
                break
            verdicts[draws] = truth[draws]
        taken.append(count - begun)
    assert np.median(foretold) == pytest.approx(np.median(taken), rel=0.25)


def test_each_zone_is_certified_by_its_own_documents_in_the_order_of_the_draw():
    rng = np.random.default_rng(3)
    plan, truth, _, _ = planned(rng, 0.9, 1.0)
    verdicts = np.where(np.arange(len(truth)) < 150, truth, OPEN)
    found = evidence(plan, verdicts)
    for zone, size in enumerate(plan.sizes):
        mine = [v for v, z in zip(verdicts, plan.zones, strict=True) if z <= zone]
        mine = [v for v in mine if v != OPEN]
        path = log_capital([v == RIGHT for v in mine], int(size), PRECISION)
        assert found.capital[zone] == path.max()
        assert (found.judged[zone], found.wrong[zone]) == (len(mine), mine.count(WRONG))


def test_leaving_out_the_difficult_ones_gains_nothing():
    rng = np.random.default_rng(4)
    plan, truth, _, _ = planned(rng, 0.8, 0.95)
    honest = np.where(np.arange(len(truth)) < 200, truth, OPEN)
    picky = np.where(honest == WRONG, OPEN, honest)
    assert (evidence(plan, picky).capital == evidence(plan, honest).capital).all()


def test_one_certificate_needs_the_ones_before_it():
    plan, _, _, _ = planned(np.random.default_rng(5), 0.9, 1.0)
    capital = np.full(len(plan.sizes), plan.enough)
    assert plan.certified(capital) == len(plan.sizes)
    capital[2] = plan.enough - 1e-9
    assert plan.certified(capital) == 2


def test_a_zone_that_is_far_too_imprecise_is_refuted_soon():
    refuted = 0
    for seed in range(20):
        plan, truth, _, _ = planned(np.random.default_rng(seed), 0.6, 0.7)
        verdicts = np.full(len(truth), OPEN)
        assert not judge(plan, truth, verdicts, 100)
        refuted += is_refuted(plan, verdicts)
        assert next_verdicts(plan, verdicts).zone is None
    assert refuted == 20


def test_zones_grow_from_what_can_be_certified_to_everything():
    scores = np.random.default_rng(0).random(5000)
    thresholds = zone_thresholds(scores, 58)
    sizes = [(scores >= threshold).sum() for threshold in thresholds]
    assert (np.diff(thresholds) < 0).all()
    assert sizes[0] >= 58
    assert sizes[-1] == 5000
    assert all(later <= 1.15 * earlier for earlier, later in pairwise(sizes))


@pytest.mark.parametrize("size", [1, 57, 58, 61])
def test_few_documents_and_equal_scores_make_zones_too(size):
    rng = np.random.default_rng(0)
    scores = np.full(size, 0.5)
    plan, rows = plan_certification(scores, np.ones(0), np.ones(0, bool), PRECISION, DELTA, rng)
    assert plan.sizes.tolist() == [size]
    assert sorted(rows.tolist()) == list(range(size))
    verdicts = np.ones(size, int)
    assert bool(plan.certified(evidence(plan, verdicts).capital)) == (size >= 58)


@pytest.mark.parametrize(("precision", "delta"), [(0.5, 0.5), (0.95, 0.1), (0.99, 0.05)])
def test_so_many_right_verdicts_certify_and_one_fewer_does_not(precision, delta):
    fewest = fewest_verdicts(precision, delta)
    path = log_capital([1] * fewest, fewest, precision)
    assert path[-1] >= math.log(1 / delta) > path[-2]
