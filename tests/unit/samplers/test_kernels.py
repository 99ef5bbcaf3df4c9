"""Markov chains at one noise level: what they keep, exactly."""

import math

import pytest
import torch
from oracle import field_of, levels, start, streams, two_modes

from projcomp.composition.linear import LinearField
from projcomp.composition.mixtures import GaussianMixture, stacked_scores
from projcomp.diffusion.field import Step
from projcomp.errors import ConfigError
from projcomp.samplers.euler import euler
from projcomp.samplers.hmc import Hmc
from projcomp.samplers.langevin import Langevin
from projcomp.samplers.line_integral import log_density_change
from projcomp.samplers.mala import Mala
from projcomp.samplers.noise import NoiseStreams
from projcomp.samplers.process import Corrector, sample
from projcomp.samplers.sde import ReverseSde
from projcomp.samplers.start import start_noise

COUNT = 8_000
SIGMA = 0.6
STANDARD = GaussianMixture.isotropic([[0.5]], math.sqrt(1 - SIGMA**2))  # variance 1 at SIGMA


def run(kernel, field, x, num_steps, sigma=SIGMA):
    def score(at):
        return field.score(Step(at, sigma, sigma), None)[0]

    return kernel(score, x, sigma, streams(len(x), *x.shape[1:]), num_steps)


@pytest.mark.parametrize("eta", [0.2, 1.0])
def test_langevin_ends_at_its_known_biased_variance(eta):
    end = run(Langevin(eta), field_of(STANDARD), start(COUNT, 1), 60).x
    assert end.mean().item() == pytest.approx(0.5, abs=0.04)
    assert end.var().item() == pytest.approx(1 / (1 - eta * SIGMA**2 / 2), rel=0.06)


@pytest.mark.parametrize(
    "kernel", [Mala(0.2), Mala(2.0), Hmc(0.5), Hmc(1.2, keep=0.7), Hmc(0.3, 6, 0.9)]
)
def test_adjusted_chains_keep_the_variance_at_any_step(kernel):
    """A published MALA ends at 27 to 139 here."""
    move = run(kernel, field_of(STANDARD), start(COUNT, 1), 80)
    assert move.x.mean().item() == pytest.approx(0.5, abs=0.04)
    assert move.x.var().item() == pytest.approx(1.0, rel=0.06)
    assert move.acceptance.shape == (COUNT,)
    assert 0.2 < move.acceptance.mean() < 1.0


def test_a_rejected_trajectory_turns_the_momentum_round():
    """From the middle of a narrow Gaussian all long steps are rejected; the next sets out back."""
    asked = []

    def score(x):
        asked.append(x)
        return -1e6 * x

    middle = torch.zeros(500, 1).double()
    chain = Hmc(1.0, leapfrog=1, keep=0.999)(score, middle, 1.0, streams(500, 1), 2)
    assert chain.acceptance.mean() < 0.01
    # the start; the first proposal, three points of its line; the second proposal
    first, second = asked[1], asked[5]
    assert ((first + second).abs() < 0.3).all()
    assert first.std() > 0.9


@pytest.mark.parametrize("kernel", [Mala(0.3), Hmc(0.5, keep=0.5)])
def test_adjusted_chains_keep_a_mixture(kernel):
    """Started from the mixture itself, its moments stay, fourth ones included."""
    target = two_modes(distance=0.6, std=0.3).noised(0.3)
    rng = torch.Generator().manual_seed(1)
    which = torch.rand(COUNT, generator=rng) < 0.7
    means = torch.where(which, 0.6, -0.6).double()
    x = start(COUNT, 2, sigma=math.hypot(0.3, 0.3))
    x = torch.stack([x[:, 0] + means, x[:, 1]], 1)
    end = run(kernel, field_of(two_modes(distance=0.6)), x, 40, sigma=0.3).x
    assert (end != x).any(1).double().mean() > 0.95
    for power in (1, 2, 4):
        expected = (x[:, 0] ** power).mean().item()
        assert (end[:, 0] ** power).mean().item() == pytest.approx(expected, rel=0.06), power
    assert target.means.shape == (2, 2)


@pytest.mark.parametrize("kernel", [Langevin(0.3), Mala(0.5), Hmc(0.5, keep=0.5)])
def test_a_chain_is_the_same_in_every_batch(kernel):
    field, seeds = field_of(two_modes()), range(64)
    starts = start_noise(seeds, (2,)).double()

    def end(rows):
        noise = NoiseStreams([seeds[row] for row in rows], (2,), dtype=torch.float64)
        return kernel(
            lambda x: field.score(Step(x, 0.3, 0.3), None)[0], starts[rows], 0.3, noise, 9
        )

    together = end(list(range(64)))
    for row in (0, 17, 63):
        alone = end([row])
        torch.testing.assert_close(alone.x[0], together.x[row], rtol=1e-12, atol=1e-12)
        if alone.acceptance is not None:
            assert alone.acceptance[0] == together.acceptance[row]


def test_line_integrals_are_exact_to_degree_seven():
    """The score of x^8 is of degree 7; that of x^10 is not."""
    x, y = start(200, 3), start(200, 3, seed=1)
    for power, exact in ((8, True), (10, False)):

        def score(z, power=power):
            return power * z ** (power - 1)

        got = log_density_change(score, x, y, score(x), score(y))
        expected = (y**power - x**power).sum(1)
        assert torch.allclose(got, expected, rtol=1e-9, atol=1e-6) == exact


def test_line_integrals_are_good_over_a_proposal():
    mixture = two_modes(distance=0.5, std=0.5)
    x = start(200, 2)
    y = x + 0.4 * start(200, 2, seed=1)

    def score(z):
        return mixture.score(z, 0.2)

    got = log_density_change(score, x, y, score(x), score(y))
    expected = mixture.log_density(y, 0.2) - mixture.log_density(x, 0.2)
    assert expected.abs().mean() > 0.5
    assert (got - expected).abs().max() < 1e-3


def test_one_decision_per_sample():
    """A batch in which half of the samples must refuse and the other half accept."""
    field = LinearField(lambda x, sigma: -x[None] * x.new_tensor([[1e-6], [1e6]]), (1.0,))
    move = run(Mala(1.0), field, torch.ones(2, 1).double() * 1e-3, 50)
    assert move.acceptance[0] > 0.95
    assert move.acceptance[1] < 0.05


def test_a_corrector_repairs_what_coarse_steps_spoil():
    target = two_modes(weights=(0.5, 0.5))
    sigmas, count = levels(8, sigma_min=0.2), 4000
    spreads = {}
    for name, corrector in {"none": None, "mala": Corrector(Mala(1.0), 10)}.items():
        x = start(count, 2, sigma=20.0)
        end = sample(
            field_of(target),
            x,
            sigmas,
            ReverseSde(),
            noise=streams(count, 2),
            corrector=corrector,
        )
        spreads[name] = abs(end.x[:, 1].std().item() - math.hypot(0.3, 0.2))
    assert spreads["mala"] < 0.02
    assert spreads["none"] > 2 * spreads["mala"]


def test_a_corrector_runs_at_its_levels_only():
    calls = []

    def scores(x, sigma):
        calls.append(sigma)
        return -x[None] / (1 + sigma**2)

    corrector = Corrector(Langevin(0.1), 3, sigma_min=0.1, sigma_max=1.0)
    sigmas = torch.tensor([10.0, 1.0, 0.1, 0.01, 0.0], dtype=torch.float64)
    field = LinearField(scores, (1.0,))
    result = sample(field, start(2, 2), sigmas, euler, noise=streams(2, 2), corrector=corrector)
    assert calls == pytest.approx([10.0, 1.0, 1.0, 1.0, 1.0, 0.1, 0.1, 0.1, 0.1, 0.01])
    assert result.num_evaluations == len(calls) == 10


def test_langevin_at_the_last_level_reaches_the_composed_modes():
    """[B, Fig. 12] a product that diffusion need not reach, Langevin at the last level does."""
    tau = 0.1
    parts = [
        GaussianMixture.isotropic([[1.0, 0.0], [0.0, 0.0]], tau),
        GaussianMixture.isotropic([[0.0, 1.0]], tau),
    ]
    background = GaussianMixture.isotropic([[0.0, 0.0]], tau)
    field = field_of(background, *parts, coefficients=(-1.0, 1.0, 1.0))
    x = start(500, 2, sigma=0.5)
    end = run(Langevin(0.5), field, x, 2000, sigma=0.1).x
    near = (end - torch.tensor([0.5, 1.0])).abs()
    assert near[:, 1].mean() < 0.2
    assert ((end[:, 0] - 1).abs() < 0.5).double().mean() > 0.2
    assert (end[:, 0].abs() < 0.5).double().mean() > 0.2


def test_a_corrector_refuses_a_stateful_field():
    class Stateful(LinearField):
        stateful = True

    field = Stateful(stacked_scores([two_modes()]), (1.0,))
    with pytest.raises(ConfigError, match=r"^corrector: expected an operator whose score"):
        sample(
            field,
            start(2, 2),
            levels(3),
            euler,
            noise=streams(2, 2),
            corrector=Corrector(Mala(0.1), 1),
        )
