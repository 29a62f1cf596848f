"""The bet against a doubted precision: what it pays, and that it hardly ever wins wrongly."""

import math

import numpy as np
import pytest

from autolabel_core.matching.betting import FRACTIONS, log_capital

PRECISION, DELTA = 0.9, 0.1


def naive(verdicts, population, precision):
    """Bet by bet, in plain numbers, as the docstring says."""
    purses = [1.0] * len(FRACTIONS)
    path, right = [1.0], 0
    for seen, verdict in enumerate(verdicts):
        left = (precision * population - right) / (population - seen)
        odds = max(precision, left)
        for i, fraction in enumerate(FRACTIONS):
            stake = min(fraction / precision, 1 / odds)
            purses[i] *= max(1 + stake * (verdict - odds), 0.0)
        right += verdict
        path.append(sum(purses) / len(purses))
    return path


@pytest.mark.parametrize("seed", range(20))
def test_the_capital_is_that_of_betting_verdict_by_verdict(seed):
    rng = np.random.default_rng(seed)
    verdicts = (rng.random(40) < rng.uniform(0.5, 1.0)).astype(int).tolist()
    population = int(rng.integers(40, 200))
    precision = float(rng.uniform(0.3, 0.99))
    found = np.exp(log_capital(verdicts, population, precision))
    assert found == pytest.approx(naive(verdicts, population, precision), rel=1e-9, abs=1e-300)


def test_no_verdict_is_no_evidence_and_right_ones_are_evidence():
    assert log_capital([], 10, 0.9).tolist() == [0.0]
    path = log_capital([1] * 100, 1000, 0.95)
    assert (np.diff(path) > 0).all()
    assert int(np.argmax(path >= math.log(10))) == 58


def test_a_wrong_verdict_ruins_the_boldest_alone():
    path = log_capital([1] * 50 + [0] + [1] * 200, 10_000, 0.95)
    assert path[51] < path[50]
    assert path[-1] >= math.log(10)


@pytest.mark.parametrize("population", [150, 2000])
def test_a_justified_doubt_is_hardly_ever_given_up_however_long_one_goes_on(population):
    """Just as precise as doubted, judged to the last document, looked at after every verdict."""
    wins = 0
    truth = np.arange(population) < PRECISION * population
    for seed in range(2000):
        drawn = truth[np.random.default_rng(seed).permutation(population)][:400]
        wins += bool(log_capital(drawn, population, PRECISION).max() >= math.log(1 / DELTA))
    assert wins / 2000 <= DELTA + 3 * math.sqrt(DELTA * (1 - DELTA) / 2000)


def test_a_sample_of_a_sample_is_no_better():
    """The documents are a sample themselves: the claim about all like them is as rarely wrong."""
    wins = 0
    for seed in range(2000):
        drawn = np.random.default_rng(seed).random(200) < PRECISION
        wins += bool(log_capital(drawn, 200, PRECISION).max() >= math.log(1 / DELTA))
    assert wins / 2000 <= DELTA + 3 * math.sqrt(DELTA * (1 - DELTA) / 2000)


def test_what_cannot_be_is_refused():
    with pytest.raises(ValueError, match="at most 2 verdicts, found 3"):
        log_capital([1, 1, 1], 2, 0.9)
    for precision in (0.0, 1.0, 1.5):
        with pytest.raises(ValueError, match="precision between 0 and 1"):
            log_capital([1], 2, precision)
