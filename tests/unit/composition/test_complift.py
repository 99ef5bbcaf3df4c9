"""Acceptance by denoising error, where the answer is known."""

import pytest
import torch
from oracle import start

from projcomp.composition.complift import acceptance_rate, accepted, lifts
from projcomp.composition.mixtures import GaussianMixture, stacked_scores
from projcomp.errors import ConfigError

ANYWHERE = GaussianMixture.isotropic([[-2.0, 0.0], [2.0, 0.0], [0.0, 2.0]], 0.2)
RIGHT = GaussianMixture.isotropic([[2.0, 0.0]], 0.2)
LEFT_OR_RIGHT = GaussianMixture.isotropic([[-2.0, 0.0], [2.0, 0.0]], 0.2)
SIGMAS = [0.5, 1.0, 2.0]


def lift_of(points):
    x0 = torch.tensor(points).double()
    noises = [start(len(x0), 2, seed=k) for k in range(3)]
    return lifts(stacked_scores([ANYWHERE, RIGHT, LEFT_OR_RIGHT]), x0, SIGMAS, noises)


def test_samples_that_meet_every_condition_are_accepted():
    points = [[2.0, 0.0]] * 50 + [[-2.0, 0.0]] * 50 + [[0.0, 2.0]] * 50
    lift = lift_of(points)
    assert lift.shape == (2, 150)
    taken = accepted(lift)
    assert taken[:50].double().mean() > 0.7
    assert taken[50:].double().mean() < 0.1
    assert acceptance_rate(lift) == pytest.approx(taken.double().mean().item())
    assert (lift[1, 50:100] > 0).double().mean() > 0.7  # the left is one of the two


def test_the_lift_is_a_difference_of_errors():
    x0, noise = start(4, 2), start(4, 2, seed=9)
    got = lifts(stacked_scores([ANYWHERE, RIGHT]), x0, [0.7], [noise])
    x = x0 + 0.7 * noise
    errors = [(p.denoised(x, 0.7) - x0).square().sum(1) for p in (ANYWHERE, RIGHT)]
    torch.testing.assert_close(got[0], (errors[0] - errors[1]) / 0.7**2)


def test_the_lift_is_the_mean_over_the_noise_levels():
    x0, noises = start(4, 2), [start(4, 2, seed=seed) for seed in (9, 10)]
    scores = stacked_scores([ANYWHERE, RIGHT])
    each = [lifts(scores, x0, [s], [n]) for s, n in zip([0.7, 0.3], noises, strict=True)]
    together = lifts(scores, x0, [0.7, 0.3], noises)
    torch.testing.assert_close(together, torch.stack(each).mean(0))
    assert (each[0] - each[1]).abs().min() > 1e-6


def test_no_noise_level_is_an_error():
    with pytest.raises(ConfigError, match="at least one noise level"):
        lifts(stacked_scores([ANYWHERE, RIGHT]), start(2, 2), [], [])
