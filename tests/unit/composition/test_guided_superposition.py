"""Superposition with guidance: a guided path, and the densities of the unguided models."""

import itertools
import math

import numpy as np
import pytest
import torch
from oracle import levels, start, streams

from projcomp.composition.densities import DensityTracker
from projcomp.composition.mixtures import GaussianMixture, stacked_scores
from projcomp.composition.product import product_field
from projcomp.composition.superposition_and import SuperpositionAnd, SuperpositionAndOde
from projcomp.composition.superposition_or import SuperpositionOr
from projcomp.diffusion.field import Step
from projcomp.errors import ConfigError
from projcomp.samplers.euler import euler
from projcomp.samplers.process import sample
from projcomp.samplers.sde import ReverseSde

BACKGROUND = GaussianMixture.isotropic([[0.3, -0.2], [-0.4, 0.6]], 0.9)
MODELS = [
    GaussianMixture.isotropic([[-1.0, 0.0]], 0.4),
    GaussianMixture.isotropic([[-1.0, 0.0], [1.0, 0.0]], 0.5, [0.3, 0.7]),
    GaussianMixture.isotropic([[0.5, -1.0]], 0.45),
    GaussianMixture.isotropic([[0.2, 0.7]], 0.6),
]
STRONG = 2.0
FOUR = [
    GaussianMixture.isotropic([[0.3, -0.2, 0.1, 0.0]], 0.9),
    GaussianMixture.isotropic([[-1.0, 0.0, 0.2, 0.0], [0.0, 1.0, 0.0, 0.5]], 0.4),
    GaussianMixture.isotropic([[1.0, 0.0, 0.0, -0.3]], 0.5),
    GaussianMixture.isotropic([[0.0, -0.4, 0.9, 0.3]], 0.6),
]
"""A background and three models of four dimensions, where their scores are never collinear."""


def scores_of(num_models):
    return stacked_scores([BACKGROUND, *MODELS[:num_models]])


def run(field, num_steps, predictor=None, count=300, sigma_max=1000.0):
    x = start(count, 2, sigma=sigma_max)
    sigmas = levels(num_steps, 0.05, sigma_max)
    return sample(field, x, sigmas, predictor or ReverseSde(), noise=streams(count, 2))


def true_densities(x, num_models):
    return torch.stack([p.log_density(x, 0.05) for p in MODELS[:num_models]])


def field_of(kind, num_models, guidance):
    models, stack = MODELS[:num_models], scores_of(num_models)
    scores = stacked_scores(models) if guidance is None else stack
    lift = tuple(0.5 * i for i in range(1, num_models))
    if kind in ("ito", "hutchinson", "exact", "detailed_balance"):
        bias = tuple(0.3 * i for i in range(num_models))
        return SuperpositionOr(
            scores, num_models, bias, densities=DensityTracker(kind), guidance=guidance
        )
    if kind == "ode":
        return SuperpositionAndOde(scores, num_models, True, lift, 0.05, guidance)
    return SuperpositionAnd(scores, num_models, lift, 0.05, kind == "corrected", guidance)


ON_THE_ODE = ("hutchinson", "exact", "ode")


@pytest.mark.parametrize("num_models", [2, 3])
@pytest.mark.parametrize(
    "kind", ["ito", "hutchinson", "detailed_balance", "published", "corrected", "ode"]
)
def test_guidance_of_one_is_none(kind, num_models):
    predictor = euler if kind in ON_THE_ODE else ReverseSde()
    ends = [
        run(field_of(kind, num_models, g), 12, predictor, count=6, sigma_max=20.0)
        for g in (1.0, None)
    ]
    for name in ("log_q", "kappa"):
        one, none = (getattr(end.state, name) for end in ends)
        torch.testing.assert_close(one, none, rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(ends[0].x, ends[1].x, rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize("operator", ["or", "and"])
@pytest.mark.parametrize("num_models", [2, 3])
def test_paths_are_those_of_a_loop_written_from_the_paper(operator, num_models):
    """Theorem 1 and Proposition 6 of SuperDiff with the guided drift, one sample at a time.

    The system is in the weights themselves: all changes of log-densities are the first's, and the
    weights sum to one.
    """
    count, sigmas, stack = 4, levels(20, 0.05, 20.0), FOUR[: num_models + 1]
    x0, noise = start(count, 4, sigma=20.0), streams(count, 4)
    kind = SuperpositionOr if operator == "or" else SuperpositionAnd
    field = kind(stacked_scores(stack), num_models, guidance=STRONG)
    result = sample(field, x0, sigmas, ReverseSde(), noise=noise)

    noise, grid = streams(count, 4), sigmas.numpy()
    x, log_q = x0.numpy(), np.zeros((num_models, count))
    for high, low in itertools.pairwise(grid):
        dv, kicks, ends = high**2 - low**2, noise.normal().numpy(), []
        changes = np.zeros((num_models, count))
        weights = np.zeros((num_models, count))
        for b in range(count):
            at = torch.from_numpy(x[b : b + 1])
            s_b, *s = [p.score(at, high)[0].numpy() for p in stack]
            s = np.stack(s)
            kick = math.sqrt(dv) * kicks[b]
            if operator == "or":
                kappa = np.exp(log_q[:, b] - log_q[:, b].max())
                kappa /= kappa.sum()
            else:
                # <s_i - s_1, dx> = dv/2 (|s_i|^2 - |s_1|^2), dx = dv (s_b + g (kappa s - s_b)) + n
                off, rows, right = s[1:] - s[0], [np.ones(num_models)], [1.0]
                for i, v in enumerate(off, start=1):
                    rows.append(dv * STRONG * s @ v)
                    known = (dv * (1 - STRONG) * s_b + kick) @ v
                    right.append(dv / 2 * (s[i] @ s[i] - s[0] @ s[0]) - known)
                kappa = np.linalg.solve(np.array(rows), np.array(right))
            dx = dv * (s_b + STRONG * (kappa @ s - s_b)) + kick
            changes[:, b] = s @ dx - dv / 2 * (s * s).sum(1)
            weights[:, b] = kappa
            ends.append(x[b] + dx)
        x, log_q = np.stack(ends), log_q + changes
    start_density = field.init(x0, 20.0).log_q
    np.testing.assert_allclose(result.x.numpy(), x, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose((result.state.log_q - start_density).numpy(), log_q, atol=1e-4)
    np.testing.assert_allclose(result.state.kappa.numpy(), weights, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("num_models", [2, 3])
def test_and_steps_have_the_closed_form(num_models):
    """``dx = dv P c + (I - P)(dv s_g + n~)``: along the differences no guidance acts."""
    rng = torch.Generator().manual_seed(num_models)
    stacked = torch.randn(num_models + 1, 4, 6, generator=rng, dtype=torch.float64)
    x, n = torch.zeros(4, 6).double(), torch.randn(4, 6, generator=rng, dtype=torch.float64)
    step = Step(x, 1.0, 0.8, n, 0.6)
    field = SuperpositionAnd(lambda x, sigma: stacked, num_models, guidance=STRONG)
    plain = SuperpositionAnd(lambda x, sigma: stacked[1:], num_models)
    drift, _ = field.score(step, field.init(x, 1.0))
    unguided, _ = plain.score(step, plain.init(x, 1.0))
    for b in range(4):
        v = (stacked[2:, b] - stacked[1, b]).T
        basis = torch.linalg.qr(v).Q
        beside = torch.eye(6) - basis @ basis.T
        along = basis.T @ (step.dv * unguided[b] + 0.6 * n[b])
        guided = stacked[0, b] + STRONG * (stacked[1, b] - stacked[0, b])
        expected = basis @ along + beside @ (step.dv * guided + 0.6 * n[b])
        torch.testing.assert_close(step.dv * drift[b] + 0.6 * n[b], expected, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize(("kind", "order"), [("ito", 0.5), ("exact", 1.0)])
def test_or_follows_the_densities_of_the_unguided_models(kind, order):
    predictor = euler if kind in ON_THE_ODE else ReverseSde()
    sizes, ends = [], []
    for num_steps in (20, 80) if kind == "exact" else (50, 200):
        result = run(field_of(kind, 2, STRONG), num_steps, predictor)
        errors = result.state.log_q - true_densities(result.x, 2)
        sizes.append(errors.square().mean().sqrt().item())
        ends.append(result.x)
    assert sizes[1] < 2.0
    assert sizes[0] / sizes[1] > 0.8 * 4**order
    # the guidance acts: without it the samples lie elsewhere
    assert (run(field_of(kind, 2, None), num_steps, predictor).x - ends[1]).norm(dim=1).mean() > 0.1


def test_or_of_one_model_is_classifier_free_guidance():
    linear = product_field(scores_of(1), [STRONG])
    field = SuperpositionOr(scores_of(1), 1, guidance=STRONG)
    torch.testing.assert_close(run(field, 20, count=20).x, run(linear, 20, count=20).x)


@pytest.mark.parametrize("num_models", [2, 3])
def test_and_keeps_the_estimated_densities_of_the_unguided_equal(num_models):
    field = SuperpositionAnd(stacked_scores(FOUR[: num_models + 1]), num_models, guidance=STRONG)
    x, noise = start(50, 4, sigma=80.0), streams(50, 4)
    log_q = sample(field, x, levels(50, 0.05, 80.0), ReverseSde(), noise=noise).state.log_q
    assert (log_q - log_q[:1]).abs().max() < 1e-3


def test_the_corrected_and_meets_equal_true_densities_of_the_unguided():
    """The published gap stays, as without guidance; the corrected one falls."""
    gaps = {}
    for corrected in (False, True):
        for num_steps in (30, 120):
            field = SuperpositionAnd(scores_of(2), 2, corrected=corrected, guidance=STRONG)
            first, second = true_densities(run(field, num_steps, count=150).x, 2)
            gaps[corrected, num_steps] = (second - first).abs().mean().item()
    assert gaps[False, 120] > 0.5
    assert gaps[False, 120] > 0.7 * gaps[False, 30]
    assert gaps[True, 120] < 0.3
    assert gaps[True, 120] < 0.5 * gaps[True, 30]


@pytest.mark.parametrize(("guidance", "lift"), [(None, 1.5), (STRONG, -0.7)])
def test_a_lift_on_the_ode_is_the_difference_of_the_true_densities(guidance, lift):
    def error(num_steps):
        scores = stacked_scores(MODELS[:2]) if guidance is None else scores_of(2)
        field = SuperpositionAndOde(scores, 2, True, (lift,), 0.05, guidance)
        first, second = true_densities(run(field, num_steps, euler, count=60).x, 2)
        return (second - first - lift).abs().mean().item()

    coarse, fine = error(40), error(160)
    assert coarse / fine == pytest.approx(4.0, rel=0.3)
    assert fine < 0.3


@pytest.mark.parametrize("operator", [SuperpositionOr, SuperpositionAnd])
def test_guidance_without_a_background_in_the_stack_is_refused(operator):
    with pytest.raises(ConfigError, match="expected 3 stacked scores, got 2"):
        run(operator(stacked_scores(MODELS[:2]), 2, guidance=STRONG), 3, count=2)


@pytest.mark.parametrize("guidance", [0.0, -1.0, math.nan])
@pytest.mark.parametrize("operator", [SuperpositionOr, SuperpositionAnd, SuperpositionAndOde])
def test_guidance_that_is_not_above_zero_is_refused(operator, guidance):
    with pytest.raises(ConfigError, match=r"^guidance: expected a number above 0"):
        operator(scores_of(2), 2, guidance=guidance)
