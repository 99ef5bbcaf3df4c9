"""Noise levels, converters and the Heun sampler, against exact solutions of the ODE."""

import math
from itertools import pairwise

import pytest
import torch

from projcomp.composition.linear import LinearField
from projcomp.composition.mixtures import GaussianMixture, stacked_scores
from projcomp.composition.product import product_field
from projcomp.diffusion.convert import denoised_to_score, score_to_denoised
from projcomp.diffusion.noise_levels import edm_sigmas
from projcomp.errors import ConfigError
from projcomp.samplers.heun import Heun
from projcomp.samplers.process import sample
from projcomp.samplers.start import start_noise


def sample_heun(field, x, sigmas):
    return sample(field, x, sigmas, Heun())


def field_of(mixture):
    return LinearField(stacked_scores([mixture]), (1.0,))


def test_noise_levels_are_edms():
    sigmas = edm_sigmas(32, 0.002, 80.0, 7.0)
    assert sigmas.shape == (33,)
    assert sigmas.dtype == torch.float64
    assert (sigmas.diff() < 0).all()
    assert sigmas[0].item() == pytest.approx(80.0, rel=1e-12)
    assert sigmas[31].item() == pytest.approx(0.002, rel=1e-9)
    assert sigmas[32].item() == 0.0
    roots = sigmas[:-1] ** (1 / 7)
    torch.testing.assert_close(roots.diff(), roots.diff()[:1].expand(31), rtol=1e-9, atol=0)


def test_one_noise_level_is_the_greatest():
    assert edm_sigmas(1, 0.002, 80.0, 7.0).tolist() == [80.0, 0.0]
    assert edm_sigmas(32, 0.002, 80.0, 7.0)[-2] == 0.002, (
        "to the bit, so that windows can end there"
    )


@pytest.mark.parametrize(
    ("arguments", "key"),
    [((0, 0.002, 80.0, 7.0), "num_steps"), ((8, 80.0, 1.0, 7.0), "sigma_min")],
)
def test_impossible_noise_levels_name_the_setting(arguments, key):
    with pytest.raises(ConfigError, match=f"^{key}: expected"):
        edm_sigmas(*arguments)


@pytest.mark.parametrize("sigma", [0.3, torch.tensor([0.1, 2.0, 30.0])])
def test_converters_are_inverse_and_agree_with_the_oracle(sigma):
    x = torch.tensor([[0.5], [-1.0], [20.0]], dtype=torch.float64)
    levels = sigma if isinstance(sigma, torch.Tensor) else torch.full((3,), sigma)
    variance = 0.4**2 + levels.double()[:, None] ** 2
    score = (1.5 - x) / variance
    denoised = 1.5 + (x - 1.5) * 0.4**2 / variance
    torch.testing.assert_close(denoised_to_score(denoised, x, sigma), score, rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(score_to_denoised(score, x, sigma), denoised, rtol=1e-6, atol=1e-6)


def test_converter_takes_stacked_models():
    x = torch.randn(3, 2, 4, 4, generator=torch.Generator().manual_seed(0))
    sigma = torch.tensor([0.1, 1.0, 5.0])
    stacked = denoised_to_score(torch.stack([x + 1, x - 2]), x, sigma)
    for b in range(3):
        assert torch.allclose(stacked[0, b], 1 / sigma[b] ** 2 * torch.ones(2, 4, 4))
        assert torch.allclose(stacked[1, b], -2 / sigma[b] ** 2 * torch.ones(2, 4, 4))


def slope(errors):
    return [math.log2(a / b) for a, b in pairwise(errors)]


def test_heun_converges_with_order_two_on_a_gaussian():
    """The path is x = m + (x_T - m) sqrt((v + sigma^2) / (v + sigma_T^2)), exactly."""
    mean, std = 0.7, 0.5
    field = field_of(GaussianMixture.isotropic([[mean]], std))
    x = torch.linspace(-160, 160, 9, dtype=torch.float64)[:, None]
    errors = []
    for num_steps in (32, 64, 128, 256):
        sigmas = edm_sigmas(num_steps, 0.05, 80.0, 7.0)[:-1]
        exact = mean + (x - mean) * math.sqrt((std**2 + 0.05**2) / (std**2 + 80.0**2))
        errors.append((sample_heun(field, x, sigmas).x - exact).abs().max().item())
    assert slope(errors)[-1] == pytest.approx(2.0, abs=0.1)
    assert errors[-1] < 1e-3


def test_heun_converges_with_order_two_on_a_mixture():
    """In one dimension the ODE keeps quantiles: F(x; sigma) stays what it was at the start."""
    means, std, shares = [-1.0, 0.3, 2.0], 0.4, [0.2, 0.5, 0.3]
    field = field_of(GaussianMixture.isotropic([[m] for m in means], std, shares))

    def quantile(x, sigma):
        z = (x - torch.tensor(means).double()) / math.sqrt(std**2 + sigma**2)
        return (torch.tensor(shares).double() * torch.special.ndtr(z)).sum(1, keepdim=True)

    x = torch.linspace(-15, 15, 31, dtype=torch.float64)[:, None]
    errors = []
    for num_steps in (32, 64, 128, 256):
        sigmas = edm_sigmas(num_steps, 0.05, 10.0, 7.0)[:-1]
        end = sample_heun(field, x, sigmas).x
        errors.append((quantile(end, 0.05) - quantile(x, 10.0)).abs().max().item())
    assert slope(errors)[-1] == pytest.approx(2.0, abs=0.15)
    assert errors[-1] < 1e-3


def test_heun_samples_have_the_targets_moments():
    covariance = torch.tensor([[0.5, 0.2], [0.2, 0.3]], dtype=torch.float64)
    mean = torch.tensor([[0.7, -0.4]], dtype=torch.float64)
    target = GaussianMixture(torch.zeros(1).double(), mean, covariance[None])
    x = 80.0 * start_noise(range(4000), (2,)).double()
    samples = sample_heun(field_of(target), x, edm_sigmas(32, 0.002, 80.0, 7.0)).x
    torch.testing.assert_close(samples.mean(0), mean[0], rtol=0, atol=0.04)
    torch.testing.assert_close(samples.T.cov(), covariance, rtol=0.08, atol=0.02)


def test_heun_samples_the_product_of_figure_11():
    """[B, Fig. 11 left]: ones at the composed places; under Bayes they stay far below."""
    dim, std, chosen = 8, 0.1, [0, 2, 4, 6]
    eye = torch.eye(dim)
    parts = [GaussianMixture.isotropic(eye[i : i + 1], std) for i in chosen]
    empty = GaussianMixture.isotropic(torch.zeros(1, dim), std)
    unconditional = GaussianMixture.isotropic(eye, std)
    x = 80.0 * start_noise(range(500), (dim,)).double()
    sigmas = edm_sigmas(32, 0.002, 80.0, 7.0)
    means = {}
    for name, background in {"empty": empty, "bayes": unconditional}.items():
        field = product_field(stacked_scores([background, *parts]), [1.0] * 4)
        samples = sample_heun(field, x, sigmas).x
        means[name] = samples.mean(0)
        if name == "empty":
            assert samples.std(0).mean().item() == pytest.approx(std, rel=0.05)
    expected = torch.zeros(dim, dtype=torch.float64)
    expected[chosen] = 1.0
    torch.testing.assert_close(means["empty"], expected, rtol=0, atol=0.03)
    assert means["bayes"][chosen].max() < 0.6


@pytest.mark.parametrize("num_steps", [1, 2, 18, 32])
def test_heun_evaluates_twice_but_once_at_the_end(num_steps):
    calls = []

    def scores(x, sigma):
        calls.append(sigma)
        return -x[None] / (1 + sigma**2)

    sigmas = edm_sigmas(num_steps, 0.002, 80.0, 7.0)
    result = sample_heun(LinearField(scores, (1.0,)), torch.ones(2, 3), sigmas)
    assert result.num_evaluations == len(calls) == 2 * num_steps - 1
    assert min(calls) > 0


def test_last_step_lands_on_the_denoised_mean():
    mixture = GaussianMixture.isotropic([[-1.0], [1.0]], 0.3)
    x = torch.tensor([[0.2], [3.0]], dtype=torch.float64)
    end = sample_heun(field_of(mixture), x, torch.tensor([0.5, 0.0], dtype=torch.float64)).x
    torch.testing.assert_close(end, mixture.denoised(x, 0.5))


class Recorder:
    """A field of known score that remembers every displacement it is told of."""

    def __init__(self, stateful=False):
        self.stateful, self.start_scale = stateful, 1.0

    def init(self, x, sigma):
        return [(sigma, x)]

    def score(self, step, state):
        return -step.x / (1 + step.sigma**2), state

    def observe(self, step, dx, state):
        return [*state, (step.sigma_next, state[-1][1] + dx)]


def test_heun_tells_the_field_of_the_steps_really_made():
    x = torch.ones(2, 1, dtype=torch.float64)
    sigmas = edm_sigmas(5, 0.1, 10.0, 7.0)
    result = sample_heun(Recorder(), x, sigmas)
    assert [sigma for sigma, _ in result.state] == sigmas.tolist()
    torch.testing.assert_close(result.state[-1][1], result.x)


def test_heun_refuses_a_stateful_field():
    with pytest.raises(ConfigError, match=r"^sampler: expected one that evaluates once") as caught:
        sample_heun(Recorder(stateful=True), torch.ones(1, 1), edm_sigmas(2, 0.1, 1.0, 7.0))
    assert "\n" not in str(caught.value)


def test_start_noise_is_each_samples_own():
    together = start_noise([3, 9, 27], (3, 8, 8))
    assert together.dtype == torch.float32
    assert torch.equal(together[1], start_noise([9], (3, 8, 8))[0])
    assert not torch.equal(together[0], together[1])
    many = start_noise(range(2000), (3,))
    assert many.mean().abs() < 0.05
    assert many.std().item() == pytest.approx(1.0, abs=0.05)


def test_a_sample_is_the_same_at_batch_1_and_64():
    """Exactly so for an elementwise field of several composed models."""

    def scores(x, sigma):
        means = torch.linspace(-1, 1, 5).reshape(5, 1, 1, 1, 1)
        return (means - x) / (0.3 + sigma**2)

    field = product_field(scores, [1.0] * 4)
    sigmas = edm_sigmas(6, 0.002, 80.0, 7.0)
    noise = 80 * start_noise(range(64), (3, 5, 5))
    together = sample_heun(field, noise, sigmas).x
    for i in (0, 17, 63):
        assert torch.equal(together[i : i + 1], sample_heun(field, noise[i : i + 1], sigmas).x)


def test_a_path_keeps_no_graph_of_someone_elses_network():
    network = torch.nn.Linear(2, 2).double()
    field = LinearField(lambda x, sigma: network(x)[None] / sigma, (1.0,))
    end = sample(field, torch.randn(4, 2).double(), edm_sigmas(5, 0.1, 2.0, 7.0), Heun()).x
    assert not end.requires_grad
