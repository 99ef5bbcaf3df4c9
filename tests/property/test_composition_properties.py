"""What every product over a background must satisfy, whatever the scores."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from projcomp.composition.linear import combine
from projcomp.composition.mixtures import GaussianMixture, product_over_gaussian
from projcomp.composition.product import product_coefficients

# The first call of a torch kernel takes longer than hypothesis allows an example.
settings.register_profile("torch", deadline=None)
settings.load_profile("torch")

weights = st.lists(st.floats(-3, 3), min_size=0, max_size=9)
seed = st.integers(0, 2**32 - 1)


def scores(num_models, seed, dtype=torch.float64):
    rng = torch.Generator().manual_seed(seed)
    return torch.randn(num_models, 3, 2, 2, generator=rng, dtype=torch.float64).to(dtype)


def compose(stack, w):
    return combine(stack, product_coefficients(w))


@given(weights)
def test_coefficients_sum_to_one(w):
    assert sum(product_coefficients(w)) == pytest.approx(1.0, abs=1e-12)


@given(weights, seed, st.randoms())
def test_order_of_the_conditionals_does_not_matter(w, seed, random):
    stack = scores(len(w) + 1, seed)
    order = random.sample(range(len(w)), len(w))
    shuffled = torch.cat([stack[:1], stack[1:][order]])
    got = compose(shuffled, [w[i] for i in order])
    torch.testing.assert_close(got, compose(stack, w), rtol=0, atol=1e-11)


@given(st.integers(0, 9), seed)
def test_weights_zero_leave_the_background(num, seed):
    stack = scores(num + 1, seed)
    torch.testing.assert_close(compose(stack, [0.0] * num), stack[0], rtol=0, atol=0)


@given(seed)
def test_one_conditional_of_weight_one_is_itself(seed):
    stack = scores(2, seed)
    torch.testing.assert_close(compose(stack, [1.0]), stack[1], rtol=0, atol=0)


@given(weights, seed)
def test_identical_models_compose_to_themselves(w, seed):
    one = scores(1, seed)
    got = compose(one.expand(len(w) + 1, *one.shape[1:]), w)
    torch.testing.assert_close(got, one[0], rtol=0, atol=1e-11)


@given(st.floats(-3, 3), st.floats(-3, 3), seed)
def test_a_repeated_conditional_adds_its_weights(first, second, seed):
    stack = scores(2, seed)
    repeated = compose(torch.cat([stack, stack[1:]]), [first, second])
    torch.testing.assert_close(repeated, compose(stack, [first + second]), rtol=0, atol=1e-11)


@given(weights, seed)
def test_deltas_over_the_background_add_up(w, seed):
    stack = scores(len(w) + 1, seed)
    by_deltas = stack[0] + sum(c * (s - stack[0]) for c, s in zip(w, stack[1:], strict=True))
    torch.testing.assert_close(compose(stack, w), by_deltas, rtol=0, atol=1e-11)


@given(weights, seed)
def test_float32_agrees_with_float64(w, seed):
    got = compose(scores(len(w) + 1, seed, torch.float32), w)
    assert got.dtype == torch.float32
    expected = compose(scores(len(w) + 1, seed), w)
    torch.testing.assert_close(got.double(), expected, rtol=0, atol=1e-3 * (1 + len(w)) * 0.02)


@given(weights, seed)
def test_a_sample_composes_alone_as_in_its_batch(w, seed):
    stack = scores(len(w) + 1, seed, torch.float32)
    alone = torch.cat([compose(stack[:, i : i + 1], w) for i in range(stack.shape[1])])
    assert torch.equal(alone, compose(stack, w))


@settings(max_examples=50)
@given(st.integers(1, 3), st.integers(1, 3), seed)
def test_exact_products_do_not_depend_on_order(first, second, seed):
    rng = torch.Generator().manual_seed(seed)
    means = torch.randn(first + second, 2, generator=rng, dtype=torch.float64)
    a = GaussianMixture.isotropic(means[:first], 0.5)
    b = GaussianMixture.isotropic(means[first:], 0.8)
    background = GaussianMixture.isotropic([[0.1, -0.2]], 2.0)
    x = torch.randn(5, 2, generator=rng, dtype=torch.float64)
    one = product_over_gaussian([a, b], background).log_density(x)
    other = product_over_gaussian([b, a], background).log_density(x)
    torch.testing.assert_close(one, other, rtol=0, atol=1e-9)


@settings(max_examples=50)
@given(st.integers(1, 4), seed)
def test_the_exact_product_of_one_conditional_is_itself(count, seed):
    rng = torch.Generator().manual_seed(seed)
    p = GaussianMixture.isotropic(torch.randn(count, 2, generator=rng, dtype=torch.float64), 0.5)
    background = GaussianMixture.isotropic([[0.1, -0.2]], 2.0)
    x = torch.randn(5, 2, generator=rng, dtype=torch.float64)
    got = product_over_gaussian([p], background).log_density(x)
    torch.testing.assert_close(got, p.log_density(x), rtol=0, atol=1e-9)
