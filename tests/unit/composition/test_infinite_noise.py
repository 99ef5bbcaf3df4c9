"""Paths that begin at an infinite noise level: the first step, by hand and to the exact end."""

import math

import pytest
import torch

from projcomp import (
    BatchedScores,
    FollowedField,
    Heun,
    SuperpositionAnd,
    SuperpositionOr,
    UserError,
    edm_sigmas,
    product_field,
    sample,
    simple_product,
    start_noise,
    weighted_product,
)
from projcomp.composition.infinite_noise import step_from_infinity
from projcomp.composition.random_choice import RandomChoice
from projcomp.composition.superposition_and import SuperpositionAndOde

STD = 0.2
PLACES = torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]])


def network(x, sigma, condition):
    """The exact denoiser of a Gaussian around its condition; its mean where all is noise."""
    share = (1 / (1 + STD**2 / sigma**2))[:, None]
    noisy = torch.where(sigma[:, None].isinf(), 0.0, x)
    return (1 - share) * noisy + share * condition


def no_scores(x, sigma):
    """Nothing may be asked for scores."""
    raise AssertionError


DENOISED = PLACES[:, None].expand(3, 4, 2)
NOISE = start_noise(range(4), (2,))


@pytest.mark.parametrize(
    ("field", "mean"),
    [
        (product_field(no_scores, [1.0, 2.0]), (1.0, 2.0)),
        (weighted_product(no_scores, [1.0, 2.0]), (1.0, 2.0)),
        (FollowedField(product_field(no_scores, [1.0, 2.0])), (1.0, 2.0)),
        (SuperpositionOr(no_scores, 3), (1 / 3, 1 / 3)),
        (SuperpositionOr(no_scores, 2, (math.log(3.0), 0.0), guidance=2.0), (1.5, 0.5)),
        (SuperpositionAnd(no_scores, 2, guidance=2.0), (1.0, 1.0)),
        (SuperpositionAndOde(no_scores, 3), (1 / 3, 1 / 3)),
    ],
)
def test_the_first_step_is_the_mean_of_equal_densities_and_the_noise(field, mean):
    x = step_from_infinity(field, DENOISED, NOISE, 50.0)
    torch.testing.assert_close(x, torch.tensor(mean) + 50.0 * NOISE)


def test_a_product_of_two_starts_narrower():
    """p_1 p_2 of N(m, s^2) is N((m_1 + m_2)/2, s^2/2)."""
    x = step_from_infinity(simple_product(no_scores, [1.0, 1.0]), DENOISED[1:], NOISE, 50.0)
    torch.testing.assert_close(x, torch.tensor([0.5, 0.5]) + 50.0 * NOISE / 2**0.5)


def test_what_does_not_say_its_mean_is_refused():
    with pytest.raises(UserError, match="got RandomChoice; take levels that begin at a finite"):
        step_from_infinity(RandomChoice(no_scores, 3), DENOISED, NOISE, 50.0)


def test_the_path_from_infinity_ends_at_the_exact_product():
    """N(e_1, s^2) N(e_2, s^2) / N(0, s^2) = N(e_1 + e_2, s^2)."""
    scores = BatchedScores([(network, place) for place in PLACES], 256)
    field = product_field(scores, [1.0, 1.0])
    noise = start_noise(range(256), (2,))
    sigmas = edm_sigmas(32, 0.01, 20.0, 7.0)
    x = step_from_infinity(field, scores.denoised(noise, math.inf), noise, float(sigmas[0]))
    ends = sample(field, x, sigmas, Heun()).x
    torch.testing.assert_close(ends, 1 + STD * noise, atol=0.02, rtol=0.02)


def test_the_step_is_the_limit_of_steps_from_large_levels():
    scores = BatchedScores([(network, place.double()) for place in PLACES], 256)
    field = product_field(scores, [1.0, 1.0])
    noise = NOISE.double()
    ends = []
    for sigma in (1e4, 1e5):
        move = (3.0 - sigma) * -sigma * scores(sigma * noise, sigma)
        ends.append(sigma * noise + move[1] + move[2] - move[0])
    limit = step_from_infinity(field, scores.denoised(noise, math.inf), noise, 3.0)
    far, near = (float((end - limit).abs().max()) for end in ends)
    assert near < far / 5 < 1e-3
