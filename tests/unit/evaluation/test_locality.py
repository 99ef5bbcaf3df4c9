"""The locality of denoisers whose Jacobian is known."""

import itertools
import math

import numpy as np
import pytest
import torch
from torch.nn import functional as F
from toy_points import noised, some_images

from projcomp.config.learning import NetworkConfig
from projcomp.evaluation.locality import columns, energy, even, near, share
from projcomp.exact.points import Points
from projcomp.exact.windows import local_mean
from projcomp.networks.denoiser import Denoiser

SIDE = 6
EVERY = torch.arange(3 * SIDE * SIDE)
"""All numbers of an image: with a probe of each, the sums are those of the whole Jacobian."""

REACHES = (0, 1, 2, SIDE - 1)


def measured(denoise, x, sigma=1.0, numbers=EVERY, reaches=REACHES) -> list[float]:
    """``L`` of a denoiser ``x -> D`` at one image ``(C, H, W)``."""
    many = x.repeat(len(numbers), 1, 1, 1)
    column = columns(lambda y, _: denoise(y)[None], many, sigma, numbers)[0]
    found = energy(column, numbers, reaches)
    shares = [share(inside, found.total) for inside in found.inside]
    return [one.value for one in shares if one is not None]


def test_a_local_filter_has_the_locality_of_its_weights() -> None:
    """Pairs at an offset ``(a, b)`` are ``(H - |a|)(W - |b|)``; beyond the border is nothing."""
    kernel = torch.randn(3, 3, 5, 5, generator=torch.Generator().manual_seed(0))
    offsets = range(-2, 3)
    parts = {
        (a, b): float(kernel[:, :, a + 2, b + 2].double().square().sum())
        * (SIDE - abs(a))
        * (SIDE - abs(b))
        for a, b in itertools.product(offsets, offsets)
    }
    within = [sum(v for (a, b), v in parts.items() if max(abs(a), abs(b)) <= r) for r in REACHES]
    found = measured(lambda y: F.conv2d(y, kernel, padding=2), torch.zeros(3, SIDE, SIDE))
    assert found == pytest.approx([value / within[-1] for value in within], rel=1e-6)
    assert found[0] < found[1] < found[2] == found[3] == 1


def test_independent_pixels_react_to_themselves_alone() -> None:
    """``N(0, s^2)`` in every pixel: ``D = s^2 x / (s^2 + sigma^2)``, so ``L(0) = 1``."""
    shrink = 0.5**2 / (0.5**2 + 2.0**2)
    assert measured(lambda y: shrink * y, torch.ones(3, SIDE, SIDE), 2.0) == [1.0] * 4
    column = columns(lambda y, _: shrink * y[None], torch.ones(9, 3, SIDE, SIDE), 2.0, EVERY[:9])
    assert float(energy(column[0], EVERY[:9], [0]).total.mean()) == pytest.approx(shrink**2)


def apart() -> torch.Tensor:
    """The distances of all pairs of pixels, ``(SIDE^2, SIDE^2)``, by a loop."""
    pixels = list(itertools.product(range(SIDE), range(SIDE)))
    return torch.tensor([[max(abs(p[0] - q[0]), abs(p[1] - q[1])) for q in pixels] for p in pixels])


def test_between_two_images_it_is_that_of_their_difference() -> None:
    """``J = Cov / sigma^2 = w (1 - w) d d^T / sigma^2``, with ``d`` their difference."""
    images, sigma = some_images(2, side=SIDE), 3.0
    points = Points(images)
    one, other = points.transform(images).double()
    x = (0.6 * one + 0.4 * other).float()
    weight = torch.sigmoid(
        ((x - other).square().sum() - (x - one).square().sum()).double() / (2 * sigma**2)
    )
    difference = (one - other).flatten()
    jacobian = weight * (1 - weight) * torch.outer(difference, difference) / sigma**2
    many = x.repeat(len(EVERY), 1, 1, 1)
    column = columns(lambda y, s: points.posterior(y, s).mean[None], many, sigma, EVERY)[0]
    assert torch.allclose(column.flatten(1).T.double(), jacobian, rtol=1e-4, atol=1e-6)
    squares = (one - other).square().sum(0).flatten()
    pairs, near = torch.outer(squares, squares), apart()
    wanted = [float(pairs[near <= reach].sum() / pairs.sum()) for reach in REACHES]
    found = measured(lambda y: points.posterior(y, sigma).mean, x, sigma)
    assert found == pytest.approx(wanted, rel=1e-5)


def test_a_window_reaches_half_of_its_side_and_no_further() -> None:
    points = Points(some_images(40, side=SIDE))
    x = noised(points, 0.8, batch=1)[0]
    found = measured(lambda y: local_mean(points, y, 0.8, 5), x, 0.8)
    assert found[2] == found[3] == 1  # of 5 pixels: 2 on each side
    assert found[0] < found[1] < 0.99


def test_a_window_over_everything_is_as_local_as_the_whole_posterior() -> None:
    points, sigma = Points(some_images(10, side=SIDE)), 4.0
    x = noised(points, sigma, batch=1)[0]
    local, whole = (
        measured(denoise, x, sigma)
        for denoise in (
            lambda y: local_mean(points, y, sigma, 2 * SIDE - 1),
            lambda y: points.posterior(y, sigma).mean,
        )
    )
    assert local == pytest.approx(whole, rel=1e-4)


def test_the_sums_of_random_columns_are_those_of_the_whole_up_to_a_factor() -> None:
    kernel = torch.randn(3, 3, 3, 3, generator=torch.Generator().manual_seed(1))

    def sums(numbers):
        many = torch.zeros(len(numbers), 3, SIDE, SIDE)
        column = columns(lambda y, _: F.conv2d(y, kernel, padding=1)[None], many, 1.0, numbers)[0]
        found = energy(column, numbers, [0])
        return torch.cat([found.inside, found.total[None]])

    whole = sums(EVERY).mean(1)
    drawn = sums(torch.randint(len(EVERY), (4000,), generator=torch.Generator().manual_seed(2)))
    error = drawn.std(1) / len(drawn.T) ** 0.5
    assert (error / whole < 0.02).all()
    assert ((drawn.mean(1) - whole).abs() < 4 * error).all()


def test_the_standard_error_is_the_spread_of_repeated_estimates() -> None:
    rng = np.random.default_rng(0)
    found = []
    for _ in range(2000):
        total = torch.from_numpy(rng.exponential(size=40))
        found.append(share(torch.from_numpy(rng.uniform(0, 0.6, 40)) * total, total))
    spread = np.std([one.value for one in found])
    assert np.mean([one.error for one in found]) == pytest.approx(spread, rel=0.1)
    assert np.mean([one.value for one in found]) == pytest.approx(0.3, abs=0.005)


def test_of_nothing_there_is_no_share() -> None:
    nothing = torch.zeros(3, dtype=torch.float64)
    assert share(nothing, nothing) is None
    assert share(nothing, nothing + 1e-20, 1e-16) is None
    found = share(nothing[:1] + 1, nothing[:1] + 2)
    assert found is not None
    assert (found.value, found.error) == (0.5, None)


@pytest.mark.parametrize("distance", [0, 1, 3, 9])
def test_even_counts_pairs(distance) -> None:
    near = sum(
        max(abs(a - c), abs(b - d)) <= distance
        for a, b, c, d in itertools.product(range(4), range(5), range(4), range(5))
    )
    assert even(4, 5, distance) == pytest.approx(near / 20**2)


def test_the_column_of_a_network_with_attention_is_what_its_finite_difference_is() -> None:
    torch.manual_seed(0)
    config = NetworkConfig(channels=8, multipliers=[1, 2], attention_resolutions=[4])
    network = Denoiser(config, 8, "color").eval().requires_grad_(False)
    network.unet.out_gain.fill_(1.0)
    x, number, sigma, step = torch.randn(1, 3, 8, 8), torch.tensor([70]), 0.7, 1e-2
    rows = torch.tensor([[1.0, 3.0]])

    def denoise(y, level):
        return network(y, torch.full((len(y),), level), rows)[None]

    column = columns(denoise, x, sigma, number)[0]
    moved = torch.zeros_like(x)
    moved.view(-1)[70] = step
    difference = (denoise(x + moved, sigma) - denoise(x - moved, sigma))[0] / (2 * step)
    assert math.sqrt(column.square().sum()) > 0.1
    assert torch.allclose(column, difference, atol=1e-3)


def test_probes_move_one_number_whatever_the_layout_of_the_image() -> None:
    """Pictures are stored channels last; a column of the identity is one number."""
    x = torch.zeros(2, 4, 4, 3).permute(0, 3, 1, 2)
    found = columns(lambda y, _: y[None], x, 1.0, torch.tensor([7, 40]))[0]
    assert found.flatten(1).argmax(1).tolist() == [7, 40]
    assert found.sum() == 2


def test_a_delta_near_its_place_is_counted_by_the_square_around_it():
    delta = torch.zeros(2, 3, 8, 8)
    delta[0, :, 2, 5] = 1.0  # row 2, column 5: its middle is at (5.5, 2.5) of 8
    delta[1, 0, 6, 1] = 3.0
    points = torch.tensor([[5.5 / 8, 2.5 / 8], [3.5 / 8, 6.5 / 8]])
    assert near(delta, points, 0) == pytest.approx(3 / 12)
    assert near(delta, points, 1) == pytest.approx(3 / 12)
    assert near(delta, points, 2) == pytest.approx(1)
    assert near(torch.zeros_like(delta), points, 2) is None
