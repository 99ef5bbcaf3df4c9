"""The streamed posterior against Gaussian mixtures, one pass in float64, and its own gradient."""

import pytest
import torch
from toy_points import noised, some_images

from projcomp.composition.mixtures import GaussianMixture
from projcomp.diffusion.convert import denoised_to_score
from projcomp.exact.points import Points

LEVELS = (20.0, 2.0, 0.3, 0.05, 0.01)


def in_one_pass(points: Points, x: torch.Tensor, sigma: float) -> tuple[torch.Tensor, torch.Tensor]:
    """The mean and the log of the sum, in float64, with nothing left out and nothing streamed."""
    flat = points.transform(points.images).double().flatten(1)
    apart = (x.double().flatten(1)[:, None] - flat).square().sum(2)
    log_weights = points.log_weights - apart / (2 * sigma**2)
    mean = log_weights.softmax(1) @ flat
    return mean.reshape(x.shape), log_weights.logsumexp(1)


@pytest.mark.parametrize("sigma", LEVELS)
def test_it_is_a_mixture_of_points_without_width(sigma) -> None:
    points = Points(some_images(20), torch.linspace(-2, 1, 20))
    flat = points.transform(points.images).double().flatten(1)
    # a width far below the noise; what is left of it is a share of width^2 / sigma^2
    mixture = GaussianMixture.isotropic(flat, 1e-6 * sigma, points.log_weights.exp().tolist())
    x = noised(points, sigma)
    posterior = points.posterior(x, sigma)
    exact = mixture.denoised(x.flatten(1), sigma).reshape(x.shape)
    assert torch.allclose(posterior.mean.double(), exact, atol=2e-6)
    score = denoised_to_score(posterior.mean.double(), x.double(), sigma)
    wanted = mixture.score(x.flatten(1), sigma).reshape(x.shape)
    assert torch.allclose(score * sigma**2, wanted * sigma**2, atol=2e-6)
    density = mixture.log_density(x.flatten(1), sigma)
    assert torch.allclose(points.log_density(x, sigma), density, atol=1e-4)


@pytest.mark.parametrize("sigma", LEVELS)
@pytest.mark.parametrize("at_once", [1, 7, 64, 100, 1000])
def test_chunks_of_any_size_give_what_one_pass_gives(sigma, at_once) -> None:
    """Also where the last chunk is smaller, which an equal average over chunks would get wrong."""
    points = Points(some_images(100), torch.linspace(-3, 0, 100), at_once=at_once)
    x = noised(points, sigma)
    mean, log_sum = in_one_pass(points, x, sigma)
    posterior = points.posterior(x, sigma)
    assert torch.allclose(posterior.mean.double(), mean, atol=2e-6)
    assert torch.allclose(posterior.log_sum, log_sum, atol=1e-4)


@pytest.mark.parametrize("sigma", LEVELS)
def test_numbers_that_are_kept_change_nothing(sigma, monkeypatch) -> None:
    few = Points(some_images(100), at_once=30)
    monkeypatch.setattr("projcomp.exact.points.KEPT", 0)
    many = Points(some_images(100), at_once=30)
    x = noised(few, sigma)
    for kept, made in zip(
        vars(few.posterior(x, sigma)).values(), vars(many.posterior(x, sigma)).values(), strict=True
    ):
        assert torch.equal(kept, made)


def errors(points: Points, sigma: float) -> tuple[float, float, float]:
    """Greatest errors of the log of the sum and of the mean, and the greatest share left out."""
    x = noised(points, sigma)
    mean, log_sum = in_one_pass(points, x, sigma)
    posterior = points.posterior(x, sigma)
    return (
        float((posterior.log_sum - log_sum).abs().max()),
        float((posterior.mean.double() - mean).abs().max()),
        float(posterior.discarded.max()),
    )


def near_copies(clusters: int, copies: int, side: int, changed: int) -> Points:
    """Pictures of black and white numbers, and copies with some numbers changed by one step."""
    rng = torch.Generator().manual_seed(3)
    first = 255 * torch.randint(0, 2, (clusters, side, side, 3), generator=rng).to(torch.uint8)
    images = first.repeat(copies, 1, 1, 1)
    for image in images[clusters:]:
        image.flatten()[torch.randint(0, image.numel(), (changed,), generator=rng)] ^= 1
    return Points(images)


def test_pictures_of_the_demos_size_keep_the_stated_error_at_the_least_noise() -> None:
    """Neighbours that differ in one step of one channel, by which log-weights are sensitive."""
    first = some_images(1, side=32)
    images = first.repeat(50, 1, 1, 1)
    images.flatten(1)[torch.arange(1, 50), torch.arange(1, 50)] ^= 1
    log_sum, mean, _ = errors(Points(images), 0.01)
    assert log_sum < 4e-4
    assert mean < 1e-6


@pytest.mark.parametrize("changed", [0, 1, 6])
@pytest.mark.parametrize(("side", "sigma"), [(32, 0.002), (64, 0.002), (64, 0.01)])
def test_clusters_of_near_copies_of_strong_contrast_are_told_apart(side, sigma, changed) -> None:
    """Their products in float32 are off by tens to hundreds of nats at these levels."""
    log_sum, mean, left_out = errors(near_copies(8, 40, side, changed), sigma)
    assert log_sum < 0.01
    assert mean < 1e-6
    assert left_out < 1e-10


def test_many_images_of_strong_contrast_are_weighed_in_float64() -> None:
    """More than are refined one by one, at a level where float32 would be off by a nat."""
    log_sum, mean, _ = errors(near_copies(8, 400, 32, 1), 0.02)
    assert log_sum < 1e-3
    assert mean < 1e-6


def test_what_is_left_out_is_bounded_by_what_is_said() -> None:
    points, sigma = Points(some_images(300)), 0.6
    x = noised(points, sigma)
    flat = points.transform(points.images).double().flatten(1)
    apart = (x.double().flatten(1)[:, None] - flat).square().sum(2)
    weights = (points.log_weights - apart / (2 * sigma**2)).softmax(1)
    posterior = points.posterior(x, sigma)
    mean = (weights @ flat).reshape(x.shape)
    assert float(posterior.discarded.max()) < 300 * 1e-13
    assert float((posterior.mean.double() - mean).abs().max()) < 2e-6


def test_every_sample_has_a_noise_level_of_its_own() -> None:
    points = Points(some_images(30))
    levels = torch.tensor([5.0, 0.5, 0.05])
    x = noised(points, 0.5, batch=3)
    together = points.posterior(x, levels).mean
    each = [points.posterior(x[i : i + 1], float(levels[i])).mean for i in range(3)]
    assert torch.allclose(together, torch.cat(each), atol=1e-6)


@pytest.mark.parametrize("sigma", [2.0, 0.2])
def test_its_jacobian_is_the_posteriors_covariance(sigma) -> None:
    """``dD/dx = Cov[x0 | x] / sigma^2``: forward and backward mode, against the closed form."""
    points = Points(some_images(12, side=2), at_once=5)
    x = noised(points, sigma, batch=1)
    flat = points.transform(points.images).double().flatten(1)
    apart = (x.double().flatten(1)[:, None] - flat).square().sum(2)
    weights = (-apart / (2 * sigma**2)).softmax(1)[0]
    around = flat - weights @ flat
    covariance = (around.T * weights) @ around / sigma**2
    probe = torch.randn(x.shape, generator=torch.Generator().manual_seed(2))
    along = torch.func.jvp(lambda x: points.posterior(x, sigma).mean, (x,), (probe,))[1]
    wanted = covariance @ probe.double().flatten()
    assert torch.allclose(along.double().flatten(), wanted, atol=1e-4, rtol=1e-4)
    x.requires_grad_()
    (back,) = torch.autograd.grad((points.posterior(x, sigma).mean * probe).sum(), x)
    assert torch.allclose(back.double().flatten(), wanted, atol=1e-4, rtol=1e-4)


def test_images_stay_bytes() -> None:
    points = Points(some_images(10))
    points.posterior(noised(points, 1.0), 1.0)
    assert points.images.dtype == torch.uint8
