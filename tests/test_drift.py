"""Whether later documents are less sure: rarely said when they are not, and soon when they are."""

import math

import numpy as np
import pytest

from autolabel_core.matching.drift import POWERS, log_drift_capital

ALARM = math.log(100)


def naive(before, after, rng):
    lots = rng.random(len(after))
    seen, capital, path = list(before), [1.0] * len(POWERS), [1.0]
    for value, lot in zip(after, lots, strict=True):
        lower = sum(other < value for other in seen)
        equal = sum(other == value for other in seen) + 1
        rank = (lower + lot * equal) / (len(seen) + 1)
        capital = [c * p * rank ** (p - 1) for c, p in zip(capital, POWERS, strict=True)]
        seen.append(value)
        path.append(sum(capital) / len(capital))
    return path


@pytest.mark.parametrize("seed", range(5))
def test_the_capital_is_that_of_ranking_one_by_one_also_with_ties(seed):
    rng = np.random.default_rng(seed)
    before, after = rng.integers(0, 8, 20) / 8, rng.integers(0, 8, 30) / 8
    found = log_drift_capital(before, after, np.random.default_rng(7))
    assert np.exp(found) == pytest.approx(naive(before, after, np.random.default_rng(7)))


def test_like_documents_raise_an_alarm_once_in_a_hundred_at_most():
    alarms = 0
    for seed in range(1000):
        rng = np.random.default_rng(seed)
        path = log_drift_capital(rng.random(100), rng.random(200), rng)
        alarms += bool(path.max() >= ALARM)
    assert alarms <= 10 + 3 * math.sqrt(10)


def test_less_sure_ones_raise_it_within_a_hundred():
    for seed in range(50):
        rng = np.random.default_rng(seed)
        path = log_drift_capital(rng.beta(8, 2, 500), rng.beta(4, 3, 100), rng)
        assert path.max() >= ALARM


def test_nothing_before_and_nothing_after_is_no_drift():
    assert log_drift_capital([], [], np.random.default_rng(0)).tolist() == [0.0]
    assert log_drift_capital([], [0.5] * 5, np.random.default_rng(0)).max() < ALARM
