"""The local posterior against a loop over pixels, and where it must be the whole posterior."""

import pytest
import torch
from toy_points import noised, some_images

from projcomp.exact import windows
from projcomp.exact.points import Points
from projcomp.exact.windows import local_mean


def by_a_loop(points: Points, x: torch.Tensor, sigma: float, window: int) -> torch.Tensor:
    """Every pixel by itself, its window cut out of all pictures."""
    images, reach = points.transform(points.images).double(), window // 2
    out = torch.empty_like(x, dtype=torch.float64)
    for row in range(x.shape[2]):
        for column in range(x.shape[3]):
            rows = slice(max(row - reach, 0), row + reach + 1)
            columns = slice(max(column - reach, 0), column + reach + 1)
            near = x[:, None, :, rows, columns].double() - images[None, :, :, rows, columns]
            log_weights = points.log_weights - near.square().sum((2, 3, 4)) / (2 * sigma**2)
            out[:, :, row, column] = log_weights.softmax(1) @ images[:, :, row, column]
    return out


@pytest.mark.parametrize("window", [1, 3, 5])
@pytest.mark.parametrize("sigma", [3.0, 0.4, 0.05])
def test_every_pixel_follows_its_own_neighbourhood(window, sigma) -> None:
    points = Points(some_images(40, side=6), torch.linspace(-1, 1, 40))
    x = noised(points, sigma, batch=3)
    wanted = by_a_loop(points, x, sigma, window)
    assert torch.allclose(local_mean(points, x, sigma, window).double(), wanted, atol=1e-4)


@pytest.mark.parametrize("sigma", [20.0, 1.0, 0.1, 0.01, 0.002])
def test_the_error_is_within_the_stated_bound(sigma) -> None:
    window, channels = 5, 3
    images = some_images(24, side=8)
    images = torch.cat([images, images.clone()])
    images[24:, 3, 4] ^= 1  # near copies: small noise has two to choose from
    points = Points(images)
    x = noised(points, sigma, batch=3)
    exact = points.transform(images).double()
    apart = x[:, None].double() - exact
    near = torch.nn.functional.avg_pool2d(
        apart.square().sum(2), window, 1, window // 2, count_include_pad=True
    )
    squares = near * window**2
    lengths = window**2 * torch.nn.functional.avg_pool2d(
        apart.abs().sum(2), window, 1, window // 2, count_include_pad=True
    )
    off = 2.0**-24 * (
        (2 * window + channels + 6) * squares / (2 * sigma**2) + x.abs().max() * lengths / sigma**2
    )
    carries = -squares / (2 * sigma**2)
    carries = carries - carries.amax(1, keepdim=True) > -60  # others weigh nothing
    bound = ((2 * (off * carries).amax(1)).exp() - 1) * (exact.amax(0) - exact.amin(0)).amax(0)
    error = local_mean(points, x, sigma, window).double() - by_a_loop(points, x, sigma, window)
    assert (error.abs().amax(1) <= bound + 1e-6).all()
    assert bound.max() < 0.2  # it says something


def test_a_window_over_the_whole_picture_is_the_posterior() -> None:
    points = Points(some_images(30, side=5))
    x = noised(points, 0.5)
    whole = local_mean(points, x, 0.5, 9)
    assert torch.allclose(whole, points.posterior(x, 0.5).mean, atol=1e-5)


def test_pieces_of_any_size_give_the_same(monkeypatch) -> None:
    points = Points(some_images(30, side=5))
    x = noised(points, 0.5)
    together = local_mean(points, x, 0.5, 3)
    monkeypatch.setattr(windows, "NUMBERS_AT_ONCE", 7 * 25 * 4)
    assert torch.allclose(local_mean(points, x, 0.5, 3), together, atol=1e-6)


def test_what_lies_outside_a_pixels_window_changes_it_by_nothing() -> None:
    points = Points(some_images(30, side=8))
    x = noised(points, 0.5)
    other = x.clone()
    other[:, :, :, 5:] += 1.0  # two pixels beyond the window of column 2 and all before it
    before, after = (local_mean(points, one, 0.5, 5) for one in (x, other))
    assert torch.allclose(before[..., :3], after[..., :3], atol=1e-6)
    assert not torch.allclose(before[..., 3], after[..., 3], atol=1e-3)


def test_an_even_window_is_refused() -> None:
    points = Points(some_images(3))
    with pytest.raises(ValueError, match="odd number of pixels, got 4"):
        local_mean(points, noised(points, 1.0), 1.0, 4)
