"""Euler, SDE and ancestral steps against what they do to Gaussians and mixtures, exactly."""

import math
from itertools import pairwise

import pytest
import torch
from oracle import field_of, levels, start, streams, two_modes

from projcomp.composition.mixtures import GaussianMixture
from projcomp.errors import ConfigError
from projcomp.samplers.euler import euler
from projcomp.samplers.heun import Heun
from projcomp.samplers.noise import NoiseStreams
from projcomp.samplers.process import sample
from projcomp.samplers.sde import Ancestral, ReverseSde
from projcomp.samplers.start import start_noise

STD = 0.5
GAUSSIAN = GaussianMixture.isotropic([[0.7]], STD)


def gaussian_variance(sigmas, xi=None):
    """Variance after linear steps on N(m, STD^2): each multiplies and adds, exactly.

    ``xi`` None is the ancestral sampler.
    """
    variance = STD**2 + sigmas[0] ** 2
    for a, b in pairwise(sigmas):
        dv, total = a**2 - b**2, STD**2 + a**2
        if xi is None:
            variance = variance * (1 - dv / total) ** 2 + dv * b**2 / a**2
        else:
            variance = variance * (1 - (1 + xi) / 2 * dv / total) ** 2 + xi * dv
    return variance


@pytest.mark.parametrize("xi", [0.0, 0.4, 1.0])
def test_the_sde_has_exactly_its_steps_variance(xi):
    sigmas = levels(12, sigma_min=0.1)
    x = 0.7 + start(20_000, 1, sigma=math.hypot(STD, sigmas[0]))
    end = sample(field_of(GAUSSIAN), x, sigmas, ReverseSde(xi), noise=streams(20_000, 1)).x
    assert end.mean().item() == pytest.approx(0.7, abs=0.02)
    assert end.var().item() == pytest.approx(gaussian_variance(sigmas.tolist(), xi), rel=0.04)


def test_the_ancestral_sampler_has_exactly_its_steps_variance():
    sigmas = levels(12, sigma_min=0.1)
    x = 0.7 + start(20_000, 1, sigma=math.hypot(STD, sigmas[0]))
    end = sample(field_of(GAUSSIAN), x, sigmas, Ancestral(), noise=streams(20_000, 1)).x
    assert end.var().item() == pytest.approx(gaussian_variance(sigmas.tolist()), rel=0.04)


@pytest.mark.parametrize("num_steps", [1, 5])
def test_ancestral_steps_of_gaussian_data_are_exact_however_few(num_steps):
    sigmas = levels(num_steps + 1, sigma_min=0.1)
    x = 0.7 + start(40_000, 1, sigma=math.hypot(STD, sigmas[0]))
    end = sample(field_of(GAUSSIAN), x, sigmas, Ancestral(STD), noise=streams(40_000, 1)).x
    assert end.mean().item() == pytest.approx(0.7, abs=0.01)
    assert end.std().item() == pytest.approx(math.hypot(STD, 0.1), rel=0.015)


@pytest.mark.parametrize("xi", [0.0, 0.4, 1.0, None])
def test_steps_variances_converge_to_the_gaussians_with_order_one(xi):
    """The recursion above is what the samplers do; as the steps shrink it must become exact."""
    errors = []
    for num_steps in (64, 128, 256, 512):
        sigmas = levels(num_steps, sigma_min=0.1).tolist()
        errors.append(abs(gaussian_variance(sigmas, xi) - (STD**2 + 0.1**2)))
    ratios = [math.log2(a / b) for a, b in pairwise(errors)]
    assert ratios[-1] == pytest.approx(1.0, abs=0.15)


def test_euler_converges_with_order_one():
    x = torch.linspace(-30, 30, 9, dtype=torch.float64)[:, None]
    errors = []
    for num_steps in (64, 128, 256, 512):
        sigmas = levels(num_steps, sigma_min=0.05)
        scale = math.sqrt((STD**2 + 0.05**2) / (STD**2 + sigmas[0] ** 2))
        end = sample(field_of(GAUSSIAN), x, sigmas, euler).x
        errors.append((end - (0.7 + (x - 0.7) * scale)).abs().max().item())
    ratios = [math.log2(a / b) for a, b in pairwise(errors)]
    assert ratios[-1] == pytest.approx(1.0, abs=0.1)


@pytest.mark.parametrize("predictor", [ReverseSde(), ReverseSde(0.5), Ancestral(), Heun(churn=0.3)])
def test_a_mixtures_weights_come_out(predictor):
    target = two_modes(weights=(0.3, 0.7))
    count = 4000
    x = start(count, 2, sigma=20.0)
    end = sample(field_of(target), x, levels(96), predictor, noise=streams(count, 2)).x
    right = (end[:, 0] > 0).double().mean().item()
    assert right == pytest.approx(0.7, abs=0.03)  # four standard errors
    for side, sign in ((end[:, 0] > 0, 1.0), (end[:, 0] < 0, -1.0)):
        assert end[side].mean(0).tolist() == pytest.approx([sign, 0.0], abs=0.04)
        assert end[side].std(0).tolist() == pytest.approx([0.3, 0.3], abs=0.03)


@pytest.mark.parametrize("predictor", [ReverseSde(), Ancestral(), euler, Heun()])
def test_the_step_to_zero_lands_on_the_denoised_mean(predictor):
    x = start(5, 2)
    sigmas = torch.tensor([0.4, 0.0], dtype=torch.float64)
    end = sample(field_of(two_modes()), x, sigmas, predictor, noise=streams(5, 2)).x
    torch.testing.assert_close(end, two_modes().denoised(x, 0.4))


@pytest.mark.parametrize("predictor", [ReverseSde(), Ancestral(), Heun(churn=0.2)])
def test_a_stochastic_sampler_needs_streams(predictor):
    with pytest.raises(ConfigError, match=r"^sampler: expected random streams"):
        sample(field_of(two_modes()), start(2, 2), levels(3), predictor)


@pytest.mark.parametrize(
    "predictor", [Heun(), Heun(churn=0.2), euler, ReverseSde(), ReverseSde(0.3), Ancestral()]
)
def test_a_sample_is_the_same_in_every_batch(predictor):
    field = field_of(two_modes())

    def run(seeds):
        noise = NoiseStreams(seeds, (2,), dtype=torch.float64)
        x = 20.0 * start_noise(seeds, (2,)).double()
        return sample(field, x, levels(80), predictor, noise=noise).x

    together = run(range(64))
    for i in (0, 17, 63):
        torch.testing.assert_close(run([i])[0], together[i], rtol=1e-12, atol=1e-12)


def test_streams_are_normal_uniform_and_independent_of_the_start():
    noise = NoiseStreams(range(3000), (2,))
    drawn = torch.stack([noise.normal() for _ in range(70)])
    assert drawn.shape == (70, 3000, 2)
    assert drawn.mean().abs() < 0.01
    assert drawn.std().item() == pytest.approx(1.0, abs=0.01)
    flat = drawn.double().flatten(1)
    products = flat @ flat.T / flat.shape[1]
    assert (products - products.diagonal().diag()).abs().max() < 0.08
    first = start_noise(range(3000), (2,)).double().flatten()
    assert (flat @ first / len(first)).abs().max() < 0.08
    uniform = torch.stack([noise.uniform() for _ in range(70)])
    assert uniform.min() >= 0
    assert uniform.max() < 1
    assert uniform.mean().item() == pytest.approx(0.5, abs=0.01)
    assert uniform.var().item() == pytest.approx(1 / 12, abs=0.002)


class Still:
    """A field of no score that writes down where it was asked."""

    stateful, start_scale = False, 1.0

    def __init__(self):
        self.asked = []

    def init(self, x, sigma):
        return None

    def score(self, step, state):
        self.asked.append(step.sigma)
        return torch.zeros_like(step.x), None

    def observe(self, step, dx, state):
        return None


def test_churn_raises_the_noise_between_its_bounds_only():
    field, sigmas = Still(), torch.tensor([8.0, 4.0, 2.0, 1.0, 0.0]).double()
    sampler = Heun(churn=0.25, churn_min=2.0, churn_max=4.0, churn_noise=1.1)
    end = sample(field, torch.zeros(4000, 2).double(), sigmas, sampler, noise=streams(4000, 2)).x
    assert field.asked == [8.0, 4.0, 5.0, 2.0, 2.5, 1.0, 1.0]
    added = 1.1**2 * ((5.0**2 - 4.0**2) + (2.5**2 - 2.0**2))
    assert end.var().item() == pytest.approx(added, rel=0.05)


def test_churn_is_never_more_than_sqrt_2_minus_1():
    field, sigmas = Still(), torch.tensor([1.0, 0.0]).double()
    sample(field, torch.zeros(4, 2).double(), sigmas, Heun(churn=3.0), noise=streams(4, 2))
    assert field.asked == [pytest.approx(2**0.5)]
