import numpy as np
import pytest

from projcomp.evaluation import intervals
from projcomp.evaluation.intervals import (
    bootstrap_difference,
    bootstrap_mean,
    bootstrap_spearman,
    difference_of_rates,
    wilson,
)


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [  # Newcombe (1998), Table I, method 3
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_as_published(successes, trials, low, high):
    assert wilson(successes, trials, 0.95) == pytest.approx((low, high), abs=5e-5)


def test_wilson_without_trials_says_nothing():
    assert wilson(0, 0, 0.95) == (0.0, 1.0)


@pytest.mark.parametrize("arguments", [(-1, 5, 0.95), (6, 5, 0.95), (1, 5, 0.0), (1, 5, 1.0)])
def test_wilson_refuses_nonsense(arguments):
    with pytest.raises(ValueError, match="expected"):
        wilson(*arguments)


def test_bootstrap_of_a_large_normal_sample_is_the_normal_interval():
    values = np.random.default_rng(0).normal(3.0, 2.0, 400)
    low, high = bootstrap_mean(values, 0.9, 4000, rng=np.random.default_rng(1))
    half = 1.6449 * values.std() / np.sqrt(400)
    assert low == pytest.approx(values.mean() - half, abs=0.012)
    assert high == pytest.approx(values.mean() + half, abs=0.012)


def test_bootstrap_is_decided_by_its_stream():
    values = np.sqrt(np.arange(30.0))
    first = bootstrap_mean(values, 0.95, 500, rng=np.random.default_rng(1))
    assert first == bootstrap_mean(values, 0.95, 500, rng=np.random.default_rng(1))
    assert first != bootstrap_mean(values, 0.95, 500, rng=np.random.default_rng(2))


def test_no_bootstrap_depends_on_how_much_is_drawn_at_a_time(monkeypatch):
    values = np.random.default_rng(0).normal(size=(2, 40))

    def bounds():
        streams = [np.random.default_rng(number) for number in range(3)]
        return [
            bootstrap_mean(values[0], 0.95, 300, rng=streams[0]),
            bootstrap_difference(*values, 0.95, 300, paired=False, rng=streams[1]),
            bootstrap_spearman(*values, 0.95, 300, rng=streams[2]),
        ]

    together = bounds()
    monkeypatch.setattr(intervals, "_CHUNK", 280)  # seven resamples
    assert bounds() == together


def test_bootstrap_needs_values():
    with pytest.raises(ValueError, match="at least one"):
        bootstrap_mean(np.empty(0), 0.95, 100, rng=np.random.default_rng(0))


def outcomes(hits: int, number: int) -> np.ndarray:
    return (np.arange(number) < hits).astype(float)


@pytest.mark.parametrize(
    ("first", "second", "low", "high"),
    [  # Newcombe (1998), Statistics in Medicine 17, 873: Table II, method 10
        ((56, 70), (48, 80), 0.0524, 0.3339),
        ((9, 10), (3, 10), 0.1705, 0.8090),
        ((10, 10), (0, 20), 0.6791, 1.0),
    ],
)
def test_the_difference_of_two_rates_as_published(first, second, low, high):
    found = difference_of_rates(outcomes(*first), outcomes(*second), 0.95, paired=False)
    assert found == pytest.approx((low, high), abs=5e-5)


def test_the_interval_of_paired_rates_is_narrower_where_pairs_agree_and_covers():
    """Coverage by simulation: the truth lies within in about as many of the trials as it says."""
    rng, covered, narrower = np.random.default_rng(0), 0, 0
    for _ in range(600):
        shared, own = rng.random(60), rng.random((2, 60))
        mixed = np.where(rng.random((2, 60)) < 0.7, shared, own)
        first, second = mixed[0] < 0.8, mixed[1] < 0.6
        low, high = difference_of_rates(first, second, 0.9, paired=True)
        apart = difference_of_rates(first, second, 0.9, paired=False)
        covered += low <= 0.2 <= high
        narrower += high - low <= apart[1] - apart[0] + 1e-12
    assert 0.87 < covered / 600 < 0.97
    assert narrower / 600 > 0.99


def test_rates_that_are_both_one_leave_a_difference_unsure():
    low, high = difference_of_rates(np.ones(50), np.ones(50), 0.95, paired=True)
    assert low < -0.03
    assert high > 0.03


def test_a_paired_difference_of_means_is_that_of_the_differences():
    rng = np.random.default_rng(0)
    level = rng.normal(0, 10, 200)
    first, second = level + 1 + rng.normal(0, 0.1, 200), level

    def ends(paired):
        rng = np.random.default_rng(1)
        return bootstrap_difference(first, second, 0.95, 1000, paired=paired, rng=rng)

    middle, half = (first - second).mean(), 1.96 * 0.1 / 200**0.5
    assert ends(True) == pytest.approx((middle - half, middle + half), abs=0.004)
    assert ends(False)[1] - ends(False)[0] > 2
