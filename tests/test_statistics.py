from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import beta

from autolabel_core.foundation.statistics import (
    coverage,
    exact_lower_bound,
    field_distribution,
    quantiles,
    wilson_interval,
)


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [
        (0, 0, 0.0, 1.0),
        (0, 10, 0.0, 0.2775),
        (10, 10, 0.7225, 1.0),
        (95, 100, 0.8882, 0.9785),
        (5, 10, 0.2366, 0.7634),
    ],
)
def test_the_interval_has_the_published_ends(successes, trials, low, high):
    assert wilson_interval(successes, trials) == pytest.approx((low, high), abs=5e-5)


@given(st.integers(0, 500), st.integers(0, 500), st.floats(0.5, 0.999))
def test_the_interval_solves_its_equation_and_holds_the_rate(successes, more, confidence):
    trials = successes + more
    low, high = wilson_interval(successes, trials, confidence)
    assert 0.0 <= low <= high <= 1.0
    if not trials:
        return
    rate = successes / trials
    assert low <= rate <= high
    from statistics import NormalDist

    z = NormalDist().inv_cdf((1 + confidence) / 2)
    for end in (low, high):
        assert (rate - end) ** 2 == pytest.approx(z * z * end * (1 - end) / trials, abs=1e-9)


def test_more_trials_narrow_the_interval():
    widths = [high - low for low, high in (wilson_interval(9 * n, 10 * n) for n in (1, 10, 100))]
    assert widths == sorted(widths, reverse=True)


@pytest.mark.parametrize(("successes", "trials"), [(-1, 3), (4, 3)])
def test_impossible_counts_are_refused(successes, trials):
    with pytest.raises(ValueError, match=f"found {successes} of {trials}"):
        wilson_interval(successes, trials)


@pytest.mark.parametrize("confidence", [0.0, 1.0])
def test_an_impossible_confidence_is_refused(confidence):
    with pytest.raises(ValueError, match="between 0 and 1"):
        wilson_interval(1, 2, confidence)


@pytest.mark.parametrize(
    ("successes", "trials", "error", "low"),
    [(8, 8, 0.05, 0.05 ** (1 / 8)), (0, 5, 0.1, 0.0), (9, 10, 0.025, 0.5550)],
)
def test_the_exact_bound_has_the_published_ends(successes, trials, error, low):
    assert exact_lower_bound(successes, trials, error) == pytest.approx(low, abs=1e-4)


@pytest.mark.parametrize(
    ("successes", "trials", "error"), [(3, 2, 0.1), (-1, 2, 0.1), (1, 2, 0.0), (1, 2, 1.0)]
)
def test_an_impossible_bound_is_refused(successes, trials, error):
    with pytest.raises(ValueError, match="found"):
        exact_lower_bound(successes, trials, error)


def test_quantiles_leave_out_what_is_no_number():
    values = [3.0, 1.0, float("nan"), 2.0, float("inf")]
    assert quantiles(values, (0.0, 0.5, 1.0)) == {0.0: 1.0, 0.5: 2.0, 1.0: 3.0}
    assert quantiles([]) == {}
    assert quantiles(np.full((2, 2), math.nan)) == {}


def test_a_distribution_counts_exact_texts_most_frequent_first():
    found = field_distribution(["b", "a", None, "b", "A", None])
    assert list(found.items()) == [("b", 2), (None, 2), ("A", 1), ("a", 1)]
    assert field_distribution([]) == {}


@pytest.mark.parametrize(("covered", "total", "share"), [(0, 0, 0.0), (1, 4, 0.25), (4, 4, 1.0)])
def test_coverage_is_a_share(covered, total, share):
    assert coverage(covered, total) == share


@given(st.integers(1, 400), st.data(), st.sampled_from([0.05, 0.001, 1e-5]))
def test_the_exact_bound_is_that_of_the_beta_distribution(trials, data, error):
    successes = data.draw(st.integers(1, trials))
    expected = beta.ppf(error, successes, trials - successes + 1)
    assert exact_lower_bound(successes, trials, error) == pytest.approx(expected, rel=1e-6)
