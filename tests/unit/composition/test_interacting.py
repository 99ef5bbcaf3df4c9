"""The interaction beside any composition: it changes no path and is the weighed product's own."""

import torch

from projcomp import (
    BatchedScores,
    FollowedField,
    InteractingField,
    NoiseStreams,
    ReverseSde,
    SuperpositionAnd,
    SuperpositionOr,
    edm_sigmas,
    euler,
    product_field,
    sample,
    start_noise,
    weighted_product,
)
from projcomp.composition.densities import DensityTracker
from projcomp.composition.infinite_noise import step_from_infinity

STD = 0.2
PLACES = torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.7, 0.7]])
SIGMAS = edm_sigmas(12, 0.05, 20.0, 7.0)
SEEDS = range(3)


def network(x, sigma, condition):
    """The exact denoiser of a Gaussian around its condition."""
    variance = sigma[:, None] ** 2
    return (STD**2 * x + variance * condition) / (STD**2 + variance)


def path(field, predictor):
    x = SIGMAS[0] * start_noise(SEEDS, (2,))
    return sample(field, x, SIGMAS, predictor, noise=NoiseStreams(SEEDS, (2,)))


def stack(places=PLACES):
    return BatchedScores([(network, place) for place in places], 64)


def test_beside_a_product_it_is_the_weighed_products():
    product = lambda scores: FollowedField(product_field(scores, [1.0, 1.0]))  # noqa: E731
    found = path(InteractingField(stack(), product, 2), ReverseSde())
    weighed = path(weighted_product(stack(), [1.0, 1.0]), ReverseSde())
    assert torch.equal(found.x, weighed.x)
    expected, records = weighed.state.records(), found.state.records()
    assert set(records) == {"interaction", "interaction_map", "log_q"}
    for name in ("interaction", "interaction_map"):
        assert torch.equal(records[name], expected[name])


def test_with_a_linear_compositions_weights_it_records_all_that_its_weighed_field_does():
    weights = (2.0, -0.5, 0.0)  # the last one a control
    places = torch.cat([PLACES, PLACES[:1] + 0.1])
    product = lambda scores: FollowedField(product_field(scores, weights), num_followed=3)  # noqa: E731
    found = path(InteractingField(stack(places), product, 3, weights=weights), ReverseSde())
    expected = path(weighted_product(stack(places), weights), ReverseSde()).state.records()
    records = found.state.records()
    assert set(records) == {*expected, "log_q"}
    for name in ("log_weight", "interaction", "interaction_map"):
        assert torch.equal(records[name], expected[name])
    assert records["log_q"].shape == (3, 3)


def test_beside_a_superposition_nothing_changes_but_the_records():
    both = lambda scores: SuperpositionAnd(scores, 2, guidance=2.0)  # noqa: E731
    alone, found = (
        path(field, ReverseSde()) for field in (both(stack()), InteractingField(stack(), both, 2))
    )
    assert torch.equal(found.x, alone.x)
    records = found.state.records()
    assert torch.equal(records["kappa"], alone.state.records()["kappa"])
    assert records["interaction"].shape == (3, 11, 2, 2)
    # delta_i = (mu_i - mu_b) / (s^2 + sigma^2) at every point
    level = SIGMAS[:-2]
    dv = SIGMAS[:-2] ** 2 - SIGMAS[1:-1] ** 2
    exact = float(PLACES[1] @ PLACES[2]) * dv / (STD**2 + level**2) ** 2
    torch.testing.assert_close(records["interaction"][0, :, 0, 1], exact, rtol=1e-3, atol=1e-6)


def test_without_a_background_and_with_derivatives():
    either = lambda s: SuperpositionOr(s, 2, densities=DensityTracker("exact"))  # noqa: E731
    scores = stack(PLACES[1:])
    alone = path(either(scores), euler)
    found = path(InteractingField(scores, either, 2, background=False), euler)
    assert torch.equal(found.x, alone.x)
    assert torch.equal(found.state.records()["log_q"], alone.state.records()["log_q"])


def test_it_starts_at_pure_noise_as_its_composition_does():
    denoised, noise = PLACES[:, None].expand(3, 3, 2), start_noise(SEEDS, (2,))
    both = lambda scores: SuperpositionAnd(scores, 2, guidance=2.0)  # noqa: E731
    found, alone = (
        step_from_infinity(field, denoised, noise, 30.0)
        for field in (InteractingField(stack(), both, 2), both(stack()))
    )
    assert torch.equal(found, alone)
