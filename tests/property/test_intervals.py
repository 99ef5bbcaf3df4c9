import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from projcomp.evaluation.intervals import bootstrap_mean, wilson

confidences = st.floats(0.5, 0.999)


@st.composite
def counts(draw):
    trials = draw(st.integers(1, 2000))
    return draw(st.integers(0, trials)), trials


@given(counts(), confidences)
def test_wilson_contains_the_rate_and_stays_in_the_unit_interval(count, confidence):
    successes, trials = count
    low, high = wilson(successes, trials, confidence)
    assert 0 <= low <= successes / trials <= high <= 1
    assert low < high


@given(counts(), confidences)
def test_wilson_ends_solve_the_score_equation(count, confidence):
    from scipy.stats import norm

    successes, trials = count
    z = norm.ppf(0.5 + confidence / 2)
    for end in wilson(successes, trials, confidence):
        if 0 < end < 1:
            score = (successes / trials - end) / np.sqrt(end * (1 - end) / trials)
            assert abs(score) == pytest.approx(z, rel=1e-6)


@given(counts(), confidences)
def test_wilson_is_symmetric(count, confidence):
    successes, trials = count
    low, high = wilson(successes, trials, confidence)
    mirrored = wilson(trials - successes, trials, confidence)
    assert mirrored == pytest.approx((1 - high, 1 - low), abs=1e-12)


@given(counts(), confidences, confidences)
def test_wilson_widens_with_confidence(count, one, other):
    less, more = sorted([one, other])
    narrow, wide = wilson(*count, less), wilson(*count, more)
    assert wide[0] <= narrow[0] + 1e-12
    assert narrow[1] <= wide[1] + 1e-12


@given(st.integers(1, 500), confidences)
def test_wilson_rises_with_successes(trials, confidence):
    ends = np.array([wilson(s, trials, confidence) for s in range(trials + 1)])
    assert (np.diff(ends, axis=0) > 0).all()


@pytest.mark.parametrize("trials", [50, 100, 400])
def test_wilson_covers_as_often_as_it_says_on_average(trials):
    ends = np.array([wilson(s, trials, 0.95) for s in range(trials + 1)])
    rates = np.linspace(0.02, 0.98, 97)
    covers = (ends[:, :1] <= rates) & (rates <= ends[:, 1:])
    chances = binom.pmf(np.arange(trials + 1)[:, None], trials, rates)
    coverage = (covers * chances).sum(0)
    assert coverage.mean() == pytest.approx(0.95, abs=0.01)
    assert coverage.min() > 0.88


values = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=40)


@settings(deadline=None)
@given(values, confidences, st.integers(0, 2**32))
def test_bootstrap_holds_the_mean_within_the_range(numbers, confidence, seed):
    numbers = np.array(numbers)
    low, high = bootstrap_mean(numbers, confidence, 200, rng=np.random.default_rng(seed))
    assert low <= numbers.mean() <= high
    slack = 1e-9 * (1 + np.abs(numbers).max())
    assert numbers.min() - slack <= low
    assert high <= numbers.max() + slack


@settings(deadline=None)
@given(values, confidences, confidences, st.integers(0, 2**32))
def test_bootstrap_widens_with_confidence(numbers, one, other, seed):
    less, more = sorted([one, other])
    narrow, wide = (
        bootstrap_mean(np.array(numbers), c, 200, rng=np.random.default_rng(seed))
        for c in (less, more)
    )
    assert wide[0] <= narrow[0]
    assert narrow[1] <= wide[1]


def test_bootstrap_covers_about_as_often_as_it_says():
    rng = np.random.default_rng(0)
    held = 0
    for _ in range(400):
        low, high = bootstrap_mean(rng.poisson(3.0, 64), 0.9, 300, rng=rng)
        held += low <= 3.0 <= high
    assert 0.84 < held / 400 < 0.94
