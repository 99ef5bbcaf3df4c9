"""Frames: rotations, their Brownian motion, and superposition on R^3 x SO(3)."""

import itertools
import math
from functools import partial

import pytest
import torch
from oracle import levels, start, streams

from projcomp.composition import igso3
from projcomp.composition.densities import DensityTracker
from projcomp.composition.frame_mixtures import FrameMixture, start_log_density
from projcomp.composition.predicted_frames import frames_to_score
from projcomp.composition.remembering import RememberingField, remembering_stack
from projcomp.composition.superposition_and import SuperpositionAnd
from projcomp.composition.superposition_or import SuperpositionOr
from projcomp.diffusion.field import Step
from projcomp.diffusion.frames import FrameLevels, centred, frames_of_noise
from projcomp.diffusion.rotations import angle, axial, exp, of_quaternions
from projcomp.errors import ConfigError
from projcomp.samplers.heun import Heun
from projcomp.samplers.noise import CentredNoise
from projcomp.samplers.process import sample
from projcomp.samplers.sde import ReverseSde

EYE = torch.eye(3).double()


def uniform(count, seed=0):
    return of_quaternions(start(count, 4, seed=seed))


def frames(rotations, translations):
    return torch.cat([rotations, translations[..., None]], -1)


def around(x, y, z):
    return exp(torch.tensor([x, y, z]).double())


def chain(*places):
    """Means of a component: a rotation vector and a translation for every frame."""
    rows = torch.tensor(places).double()
    return frames(exp(rows[:, :3]), rows[:, 3:])


ONE = FrameMixture.equal(
    [
        chain((0.0, 0.0, 0.6, 0.5, 0.2, 0.0), (0.4, 0.0, 0.0, -0.5, -0.2, 0.0)),
        chain((0.0, 0.0, -0.6, -0.5, 0.1, 0.0), (-0.4, 0.5, 0.0, 0.5, -0.1, 0.0)),
    ],
    0.4,
    0.3,
)
OTHER = FrameMixture.equal(
    [chain((0.3, 1.0, 0.0, 0.0, 0.4, 0.3), (0.0, -0.8, 0.4, 0.0, -0.4, -0.3))], 0.5, 0.45
)


def levels_of(num_steps, sigma_max=80.0):
    return FrameLevels(levels(num_steps, 0.05, sigma_max), levels(num_steps, 0.05, 3.0))


def start_of(count, at):
    return frames_of_noise(start(count, 2, 7), float(at.translations[0]))


def run(field, at, count=300, first=None):
    x = start_of(count, at)[:first]
    noise = CentredNoise(streams(len(x), 2, 6))
    return sample(field, x, at.translations, ReverseSde(retract=at.retract), noise=noise)


def test_the_exponential_map_is_the_matrix_exponential():
    v = torch.cat([start(20, 3), 1e-9 * start(3, 3), torch.zeros(1, 3).double()])
    cross = torch.zeros(len(v), 3, 3).double()
    cross[:, 2, 1], cross[:, 0, 2], cross[:, 1, 0] = v.T
    torch.testing.assert_close(exp(v), torch.linalg.matrix_exp(cross - cross.mT))
    one = exp(torch.nn.functional.normalize(v[:20], dim=1) * 3.14159)
    torch.testing.assert_close(angle(one), torch.full((20,), 3.14159).double())
    torch.testing.assert_close(axial(exp(v)), v * torch.sinc(v.norm(dim=1) / torch.pi)[:, None])


def test_quaternions_of_noise_are_uniform_rotations():
    """The angle's density is (1 - cos w)/pi, so that E trace = 0 and E trace^2 = 1."""
    rotation = uniform(20000)
    torch.testing.assert_close(rotation @ rotation.mT, EYE.expand(20000, 3, 3))
    assert torch.allclose(torch.linalg.det(rotation), torch.ones(20000).double())
    trace = rotation.diagonal(dim1=1, dim2=2).sum(1)
    assert trace.mean().item() == pytest.approx(0.0, abs=0.03)
    assert trace.square().mean().item() == pytest.approx(1.0, abs=0.05)


GRID = (torch.arange(20000).double() + 0.5) * math.pi / 20000


@pytest.mark.parametrize("variance", [0.0025, 0.04, 0.3, 0.99, 1.01, 3.0, 9.0])
def test_the_density_is_normalised(variance):
    """Against (1 - cos w)/pi dw, the angle's law under the uniform distribution."""
    density = igso3.radial(GRID, variance)[0].exp()
    total = (density * (1 - GRID.cos())).mean()  # times pi over pi
    assert total.item() == pytest.approx(1.0, abs=1e-9)


@pytest.mark.parametrize("variance", [0.3, 1.0, 2.0])
def test_both_series_are_the_same_function(variance):
    """Turns and characters, with more characters than are needed where variances are large."""
    numbers = torch.arange(60).double()
    terms = (2 * numbers + 1) * (-numbers * (numbers + 1) * variance / 2).exp()
    w = GRID[::500, None]
    direct = (terms * ((numbers + 0.5) * w).sin() / (w / 2).sin()).sum(1).log()
    by_turns, slope = igso3._by_turns(w[:, 0], variance)
    torch.testing.assert_close(by_turns, direct, rtol=1e-8, atol=1e-9)
    if variance >= igso3.SMALL:
        other, slope_of_other = igso3._by_characters(w[:, 0], variance)
        torch.testing.assert_close(other, direct, rtol=1e-10, atol=1e-10)
        torch.testing.assert_close(slope, slope_of_other, rtol=1e-6, atol=1e-8)


def test_a_small_variance_is_a_gaussian_of_the_rotation_vector():
    """Relative to the uniform density in the plane of rotation vectors, 1/(8 pi^2)."""
    v = 0.02 * start(50, 3)
    gaussian = -v.square().sum(1) / (2 * 0.02**2) - 1.5 * math.log(2 * math.pi * 0.02**2)
    log_f = igso3.log_density(exp(v), 0.02**2)
    torch.testing.assert_close(log_f, gaussian + math.log(8 * math.pi**2), rtol=0, atol=2e-3)


@pytest.mark.parametrize("variance", [0.01, 0.5, 2.0, 9.0])
def test_scores_are_the_differences_of_the_log_density(variance):
    """Also close to no rotation and to half a turn."""
    axis = torch.tensor([0.6, 0.0, 0.8]).double()
    sizes = torch.tensor([0.0, 1e-8, 1e-3, 0.1, 1.5, 3.0, math.pi - 1e-3]).double()
    rotation, step = exp(sizes[:, None] * axis), 1e-5
    expected = torch.stack(
        [
            igso3.log_density(rotation @ exp(step * unit), variance)
            - igso3.log_density(rotation @ exp(-step * unit), variance)
            for unit in EYE
        ],
        1,
    ) / (2 * step)
    torch.testing.assert_close(igso3.score(rotation, variance), expected, rtol=1e-4, atol=1e-4)


def test_brownian_motion_has_this_density():
    """Steps of normal noise in the body's axes, each retracted: E cos-like characters decay."""
    rotation, noise = EYE.expand(4000, 3, 3), streams(4000, 3)
    for _ in range(40):
        rotation = rotation @ exp(0.15 * noise.normal())
    variance = 40 * 0.15**2
    density = igso3.radial(GRID, variance)[0].exp() * (1 - GRID.cos())
    expected = (density * (1 + 2 * GRID.cos())).mean() / density.mean()
    trace = rotation.diagonal(dim1=1, dim2=2).sum(1)
    assert trace.mean().item() == pytest.approx(
        expected.item(), abs=4 * trace.std().item() / 4000**0.5
    )
    assert expected.item() == pytest.approx(3 * math.exp(-variance), rel=1e-6)  # l = 1


@pytest.mark.parametrize("model", [ONE, OTHER])
def test_mixtures_have_the_scores_of_their_log_densities(model):
    x = frames(uniform(6).reshape(3, 2, 3, 3), centred(start(3, 2, 6))[..., :3])
    scores, at, step = model.score(x, 0.7, 0.5), levels_of(3), 1e-5
    assert (scores[..., :3].sum(1)).abs().max() < 1e-12  # no pull on the centre
    for direction in centred(start(4, 2, 6, seed=3)):
        # a step whose units are one
        dx = step * direction[None] / at.units(80.0)
        ends = [at.retract(Step(x, 80.0, 1.0), sign * dx.expand(3, -1, -1)) for sign in (1, -1)]
        up, down = (model.log_density(end, 0.7, 0.5) for end in ends)
        expected = (scores * direction).sum((1, 2))
        torch.testing.assert_close((up - down) / (2 * step), expected, rtol=1e-5, atol=1e-6)


def test_predicted_frames_stand_for_the_score_of_one_component():
    x, mean = start_of(3, levels_of(4)), ONE.means[:1]
    alone = FrameMixture.equal([mean[0]], 0.0, 0.0)
    got = frames_to_score(mean.expand(3, -1, -1, -1), x, 0.7, 0.5)
    torch.testing.assert_close(got, alone.score(x, 0.7, 0.5))
    single = frames_to_score(mean.float().expand(3, -1, -1, -1), x.float(), 0.7, 0.5)
    assert single.dtype == torch.float32


def test_units_make_both_dv_the_same():
    at = levels_of(5)
    sigmas, rotations = at.translations.tolist(), at.rotations
    for number, sigma in enumerate(sigmas[:-1]):
        dv = sigma**2 - sigmas[number + 1] ** 2
        own = float(rotations[number] ** 2 - rotations[number + 1] ** 2)
        assert dv * at.units(sigma)[3].item() ** 2 == pytest.approx(own)
        assert at.units(sigma)[0] == 1
        assert at.rotation(sigma) == float(rotations[number])


def test_a_retraction_leaves_rotations():
    at = levels_of(5)
    x = frames(uniform(8).reshape(4, 2, 3, 3), start(4, 2, 3))
    end = at.retract(Step(x, float(at.translations[2]), 0.1), 10 * start(4, 2, 6))
    rotation = end[..., :3]
    torch.testing.assert_close(rotation @ rotation.mT, EYE.expand(4, 2, 3, 3))
    still = at.retract(Step(x, float(at.translations[2]), 0.1), torch.zeros(4, 2, 6).double())
    torch.testing.assert_close(still, x)


def density_errors(num_steps):
    at = levels_of(num_steps)
    densities = DensityTracker(at_start=start_log_density)
    scores = at.stacked([ONE.score, OTHER.score])
    result = run(SuperpositionOr(scores, 2, densities=densities), at)
    true = torch.stack([p.log_density(result.x, 0.05, 0.05) for p in (ONE, OTHER)])
    return result.state.log_q - true


def test_or_follows_the_densities_at_itos_rate():
    coarse, fine = (density_errors(num_steps) for num_steps in (50, 200))
    assert (coarse.std(1) / fine.std(1)).mean().item() == pytest.approx(2.0, rel=0.25)
    assert fine.mean().abs() < 1.0
    assert fine.mean().abs() < coarse.mean().abs() / 2


def test_or_has_the_shares_of_its_prior():
    at = levels_of(100)
    prior = (math.log(0.3), math.log(0.7))
    x = run(SuperpositionOr(at.stacked([ONE.score, OTHER.score]), 2, prior), at, count=800).x
    first, second = (p.log_density(x, 0.05, 0.05) for p in (ONE, OTHER))
    share = torch.sigmoid(first - second + prior[0] - prior[1]).mean().item()
    assert share == pytest.approx(0.3, abs=0.06)
    assert x[..., 3].sum(1).abs().max() < 1e-9  # the centre stays


def gap_of(num_steps, corrected):
    at = levels_of(num_steps, sigma_max=300.0)
    scores = at.stacked([ONE.score, OTHER.score])
    field = SuperpositionAnd(scores, 2, corrected=corrected, retract=at.retract)
    x = run(field, at, count=60).x
    first, second = (p.log_density(x, 0.05, 0.05) for p in (ONE, OTHER))
    return (first - second).square().mean().sqrt().item()


def test_the_corrected_and_meets_equal_densities_on_frames_too():
    published = gap_of(60, False)
    coarse, fine = gap_of(15, True), gap_of(60, True)
    assert fine < coarse / 2
    assert fine < published / 2


def test_a_network_that_remembers_is_told_what_it_predicted_last():
    """A stub that conditions itself, in OR, against a loop that hands its memory on."""
    at, count = levels_of(8), 5

    def networks(x, sigma, memory):
        exact = torch.stack([p.score(x, sigma, at.rotation(sigma)) for p in (ONE, OTHER)])
        told = exact if memory is None else exact + 0.3 * memory.transpose(0, 1)
        return at.scaled(told, sigma), told.transpose(0, 1)  # rows of the memory are samples'

    field = RememberingField(networks, partial(SuperpositionOr, num_models=2))
    result = run(field, at, count)
    assert result.state.records().keys() == {"log_q", "kappa"}

    x, noise = start_of(count, at), CentredNoise(streams(count, 2, 6))
    memory, log_q = None, torch.zeros(2, count).double()
    for high, low in itertools.pairwise(at.translations.tolist()):
        dv, kick = high**2 - low**2, noise.normal()
        scores, memory = networks(x, high, memory)
        kappa = log_q.softmax(0)[..., None, None]
        dx = dv * (kappa * scores).sum(0) + math.sqrt(dv) * kick
        log_q = log_q + (scores * dx - dv / 2 * scores.square()).sum((2, 3))
        x = at.retract(Step(x, high, low), dx)
    torch.testing.assert_close(result.x, x)
    torch.testing.assert_close(result.state.memory, memory)
    alone = run(field, at, count, first=1)
    torch.testing.assert_close(alone.x[0], result.x[0])
    with pytest.raises(ConfigError, match=r"^sampler: expected one that evaluates once"):
        sample(field, x, at.translations, Heun())


def test_every_network_of_a_stack_has_a_memory_of_its_own():
    """One remembers frames as FrameDiff does, the other two things; neither sees the other's."""
    at, seen = levels_of(6), []

    def first(x, sigma, memory):
        seen.append(memory)
        score = ONE.score(x, sigma, at.rotation(sigma))
        told = score if memory is None else score + 0.3 * memory
        return at.scaled(told, sigma), told

    def second(x, sigma, memory):
        score = OTHER.score(x, sigma, at.rotation(sigma))
        number, last = (0, score) if memory is None else memory
        return at.scaled(score - 0.1 * number * last, sigma), (number + 1, score)

    def by_hand(x, sigma, memory):
        one, other = (None, None) if memory is None else memory
        (scores, one), (others, other) = first(x, sigma, one), second(x, sigma, other)
        return torch.stack([scores, others]), (one, other)

    compose = partial(SuperpositionOr, num_models=2)
    result = run(RememberingField(remembering_stack([first, second]), compose), at, count=4)
    assert seen[0] is None
    assert len(seen) == 5
    assert all(type(memory) is torch.Tensor for memory in seen[1:])
    assert result.state.memory[1][0] == 5
    torch.testing.assert_close(result.x, run(RememberingField(by_hand, compose), at, count=4).x)


def test_derivatives_see_the_memory_of_the_step():
    """The corrected AND evaluates again; with a memory that says nothing it is the plain one."""
    at = levels_of(6)

    def networks(x, sigma, memory):
        exact = torch.stack([p.score(x, sigma, at.rotation(sigma)) for p in (ONE, OTHER)])
        return at.scaled(exact, sigma), exact.transpose(0, 1)

    def compose(scores):
        return SuperpositionAnd(scores, 2, corrected=True, retract=at.retract)

    plain = run(compose(at.stacked([ONE.score, OTHER.score])), at, count=4)
    result = run(RememberingField(networks, compose), at, count=4)
    torch.testing.assert_close(result.x, plain.x)
    assert type(result.state.memory) is torch.Tensor
    torch.testing.assert_close(result.state.memory + 0.0, result.state.memory)


def test_levels_that_do_not_fit_are_refused_in_one_line():
    for wrong in (levels(4), levels(5).flip(0)):
        with pytest.raises(ConfigError, match=r"^frames: expected as many noise levels .* both"):
            FrameLevels(levels(5), wrong)
    with pytest.raises(
        ConfigError, match=r"^sigmas: expected steps from the translations' noise levels"
    ):
        levels_of(5).units(0.123)
