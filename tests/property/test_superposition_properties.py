"""What superpositions and Feynman-Kac weights must satisfy, whatever the scores: one step each."""

import math
import random

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from projcomp.composition.feynman_kac import weighted_product
from projcomp.composition.superposition_and import RIDGE, SuperpositionAnd, SuperpositionAndOde
from projcomp.composition.superposition_or import SuperpositionOr
from projcomp.diffusion.field import Step

settings.register_profile("torch", deadline=None, max_examples=40)
settings.load_profile("torch")

DIM, BATCH = 5, 3
seed = st.integers(0, 2**32 - 1)
several = st.integers(2, 4)
kinds = st.sampled_from(["or", "and", "corrected", "ode"])


def models(count, seed):
    """Linear scores ``A_i x + b_i``: differentiable, and different everywhere."""
    rng = torch.Generator().manual_seed(seed)
    a = torch.randn(count, DIM, DIM, generator=rng, dtype=torch.float64) / DIM
    b = torch.randn(count, DIM, generator=rng, dtype=torch.float64)
    return a, b


def stack(a, b):
    return lambda x, sigma: torch.einsum("mij,bj->mbi", a.to(x), x) + b.to(x)[:, None]


def field_of(kind, a, b):
    count, scores = len(b), stack(a, b)
    return {
        "or": lambda: SuperpositionOr(scores, count),
        "and": lambda: SuperpositionAnd(scores, count),
        "corrected": lambda: SuperpositionAnd(scores, count, corrected=True),
        "ode": lambda: SuperpositionAndOde(scores, count, exact=True),
    }[kind]()


def step_of(kind, seed, dtype=torch.float64):
    rng = torch.Generator().manual_seed(seed)
    x, n = torch.randn(2, BATCH, DIM, generator=rng, dtype=torch.float64).to(dtype)
    noise = {} if kind == "ode" else {"noise": n, "noise_std": math.sqrt(1.0 - 0.64)}
    return Step(x, 1.0, 0.8, **noise)


def drift_of(kind, a, b, seed, dtype=torch.float64):
    step = step_of(kind, seed, dtype)
    field = field_of(kind, a, b)
    state = field.init(step.x, step.sigma)
    return field.score(step, state)[0]


def close(one, other, tolerance=1e-6):
    """Equal relative to the size of the drift, which AND's weights can make large."""
    assert (one - other).abs().max() <= tolerance * (1 + other.abs().max())


def condition_of(a, b, kind, seed):
    """The greatest condition number of the systems that AND solves, over the batch."""
    v = stack(a, b)(step_of(kind, seed).x, 1.0)
    v = (v[1:] - v[:1]).transpose(0, 1)
    return torch.linalg.cond(v @ v.transpose(1, 2)).max().item()


@given(kinds, several, seed, st.randoms())
@example("and", 4, 141, random.Random(0))
def test_the_order_of_the_models_does_not_matter(kind, count, seed, random):
    """But for the ridge, which is relative to the trace of a matrix of the first model's choice."""
    a, b = models(count, seed)
    order = random.sample(range(count), count)
    worst = max(condition_of(a, b, kind, seed), condition_of(a[order], b[order], kind, seed))
    tolerance = 1e-6 if kind == "or" else 1e-6 + 2 * count * RIDGE * worst
    close(drift_of(kind, a[order], b[order], seed), drift_of(kind, a, b, seed), tolerance)


@given(kinds, seed)
def test_one_model_is_itself(kind, seed):
    a, b = models(1, seed)
    step = step_of(kind, seed)
    close(drift_of(kind, a, b, seed), stack(a, b)(step.x, 1.0)[0], 0)


@given(kinds, several, seed)
def test_identical_models_are_the_model(kind, count, seed):
    a, b = models(1, seed)
    step = step_of(kind, seed)
    got = drift_of(kind, a.expand(count, -1, -1), b.expand(count, -1), seed)
    close(got, stack(a, b)(step.x, 1.0)[0])


@given(st.sampled_from(["and", "corrected", "ode"]), several, seed)
def test_and_does_not_mind_a_repeated_model(kind, count, seed):
    a, b = models(count, seed)
    again = [*range(count), count - 1]
    close(drift_of(kind, a[again], b[again], seed), drift_of(kind, a, b, seed), 1e-4)


@given(several, seed)
def test_or_counts_a_repeated_model_twice(count, seed):
    a, b = models(count, seed)
    again = [*range(count), count - 1]
    step = step_of("or", seed)
    prior = (*[0.0] * (count - 1), math.log(2.0))
    once = SuperpositionOr(stack(a, b), count, prior)
    twice = SuperpositionOr(stack(a[again], b[again]), count + 1)
    drifts = [field.score(step, field.init(step.x, 1.0))[0] for field in (once, twice)]
    close(*drifts)


@given(kinds, several, seed)
def test_float32_agrees_with_float64(kind, count, seed):
    a, b = models(count, seed)
    got = drift_of(kind, a, b, seed, torch.float32)
    assert got.dtype == torch.float32
    wanted = drift_of(kind, a, b, seed)
    worst = condition_of(a, b, kind, seed)
    close(got.double(), wanted, 1e-5 if kind == "or" else min(1e-5 * worst, 1.0))


@given(several, seed)
def test_and_keeps_the_change_of_all_densities_equal(count, seed):
    """Ito's estimate of the step itself: ``<s_i, dx> - dv/2 |s_i|^2`` is the same for all."""
    a, b = models(count, seed)
    step = step_of("and", seed)
    field = field_of("and", a, b)
    drift, state = field.score(step, field.init(step.x, 1.0))
    assert step.noise is not None
    dx = step.dv * drift + step.noise_std * step.noise
    after = field.observe(step, dx, state).log_q
    close(after, after[:1].expand_as(after), 1e-5)


def log_weight(a, b, weights, seed):
    step = step_of("ode", seed)
    field = weighted_product(stack(a, b), weights)
    score, state = field.score(step, field.init(step.x, 1.0))
    return field.observe(step, -(step.sigma - step.sigma_next) * score, state).log_weight


weights = st.lists(st.floats(-2, 2), min_size=1, max_size=4)


@given(weights, seed, st.randoms())
def test_weights_of_paths_do_not_depend_on_order(w, seed, random):
    a, b = models(len(w) + 1, seed)
    order = random.sample(range(len(w)), len(w))
    back = [0, *(1 + i for i in order)]
    got = log_weight(a[back], b[back], [w[i] for i in order], seed)
    close(got, log_weight(a, b, w, seed), 1e-10)


@given(st.integers(1, 4), seed)
def test_paths_of_the_background_alone_weigh_nothing(count, seed):
    a, b = models(count + 1, seed)
    assert torch.equal(log_weight(a, b, [0.0] * count, seed), torch.zeros(BATCH).double())


@given(weights, seed)
def test_paths_of_conditionals_that_are_the_background_weigh_nothing(w, seed):
    a, b = models(1, seed)
    count = len(w) + 1
    got = log_weight(a.expand(count, -1, -1), b.expand(count, -1), w, seed)
    assert got.abs().max() == 0


@given(st.floats(-2, 2), seed)
def test_one_conditional_weighs_by_its_own_power(w, seed):
    """``dv/2 (w^2 - w) |delta|^2``: nothing for weight one, however far from the background."""
    a, b = models(2, seed)
    step = step_of("ode", seed)
    s = stack(a, b)(step.x, 1.0)
    expected = step.dv / 2 * (w * w - w) * (s[1] - s[0]).square().sum(1)
    assert log_weight(a, b, [w], seed).tolist() == pytest.approx(expected.tolist(), abs=1e-12)
