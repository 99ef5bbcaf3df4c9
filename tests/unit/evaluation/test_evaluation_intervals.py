import numpy as np
import pytest

from projcomp.evaluation.intervals import bootstrap_mean, wilson


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


def test_bootstrap_needs_values():
    with pytest.raises(ValueError, match="at least one"):
        bootstrap_mean(np.empty(0), 0.95, 100, rng=np.random.default_rng(0))
