"""How local a denoiser is: the share of its Jacobian within a distance.

With ``J = dD/dx`` at a noisy image and ``|J_pq|^2`` the sum of squares of its block between the
channels of pixel ``p`` of the answer and pixel ``q`` of the image,
``L(r) = sum_{d(p, q) <= r} |J_pq|^2 / sum |J_pq|^2``, where ``d`` is Chebyshev's distance, the
greater of the two coordinates': by it a square window of side ``2 r + 1`` reaches ``r``
(docs/method.md, section 10).

Both sums run over the columns of ``J``. A forward derivative along one number of the image (one
channel of one pixel) is a column, exactly; numbers drawn at random with equal chances make both
sums unbiased, up to one factor that cancels in the ratio.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from projcomp.composition.divergence import directional
from projcomp.diffusion.field import ScoreStack
from projcomp.diffusion.shapes import Index, Precise, Samples, Stacked


class Energy(NamedTuple):
    """Squares of columns, summed.

    Attributes:
        inside: over the pixels within each distance, float64 ``(distances, batch)``.
        total: over all pixels, ``(batch,)``.
    """

    inside: Tensor
    total: Precise


class Share(NamedTuple):
    """An estimate of ``L(r)``; ``error`` is its standard error, None of a single image."""

    value: float
    error: float | None


def columns(stack: ScoreStack, x: Samples, sigma: float, numbers: Index) -> Stacked:
    """A column of the Jacobian of every model at every sample, ``(num_models, batch, C, H, W)``.

    Args:
        stack: stacked models ``(x, sigma) -> (num_models, batch, C, H, W)``, differentiable.
        x: shape ``(batch, C, H, W)``.
        sigma: noise level.
        numbers: which of the ``C H W`` numbers of each sample is moved.
    """
    probe = torch.zeros(len(x), x[0].numel(), dtype=x.dtype, device=x.device)
    probe[torch.arange(len(x)), numbers] = 1.0
    return directional(stack, x, sigma, probe.reshape(x.shape))[1]


def energy(column: Samples, numbers: Index, distances: Sequence[int]) -> Energy:
    """How much of each column ``(batch, C, H, W)`` lies within the distances of its number."""
    height, width = column.shape[2:]
    squares = column.double().square().sum(1)
    pixel = numbers.to(column.device) % (height * width)
    down = _apart(pixel // width, height)[:, :, None]
    across = _apart(pixel % width, width)[:, None]
    distance = torch.maximum(down, across)
    total = squares.sum((1, 2))
    # what lies outside is taken off, so that L is 1 to the last bit where nothing does
    outside = [squares.where(distance > reach, 0.0).sum((1, 2)) for reach in distances]
    return Energy(total - torch.stack(outside), total)


def share(inside: Precise, total: Precise, nothing: float = 0.0) -> Share | None:
    """``sum inside / sum total`` over images, each independent; None where there is nothing.

    There is nothing where the images' mean of ``total`` is at most ``nothing``. The standard error
    of a ratio of means is that of the residuals ``inside - L total`` (Cochran 1977, section 2.11).
    """
    whole = float(total.sum())
    count = len(total)
    if whole <= nothing * count:
        return None
    value = float(inside.sum()) / whole
    residual = float((inside - value * total).square().sum())
    error = math.sqrt(residual * count / (count - 1)) / whole if count > 1 else None
    return Share(value, error)


def near(delta: Samples, points: Tensor, distance: int) -> float | None:
    """Share of the square of ``delta`` ``(batch, C, H, W)`` around points, the images together.

    It is what a condition changes; ``points`` ``(batch, 2)`` are where it asks for an object, as
    shares of the width and of the height. A pixel is within the distance that a square of side
    ``2 distance + 1`` pixels around the point covers the middle of. None where there is no delta.
    """
    height, width = delta.shape[2:]
    squares = delta.double().square().sum(1)
    total = float(squares.sum())
    if not total:
        return None
    places = points.double() * torch.tensor([width, height], device=points.device)
    across = (torch.arange(width, device=delta.device) + 0.5 - places[:, :1]).abs()[:, None]
    down = (torch.arange(height, device=delta.device) + 0.5 - places[:, 1:]).abs()[:, :, None]
    inside = torch.maximum(down, across) <= distance + 0.5
    return float((squares * inside).sum()) / total


def even(height: int, width: int, distance: int) -> float:
    """``L(distance)`` where every pixel reacts to every other alike: the share of pairs within."""
    return math.prod(_pairs(side, distance) / side**2 for side in (height, width))


def _pairs(side: int, distance: int) -> int:
    """Pairs of places on a line of ``side`` places that are at most ``distance`` apart."""
    reach = min(distance, side - 1)
    return side * (2 * reach + 1) - reach * (reach + 1)


def _apart(places: Tensor, side: int) -> Tensor:
    """Distances ``(batch, side)`` of places ``(batch,)`` on a line from all places of it."""
    return (torch.arange(side, device=places.device) - places[:, None]).abs()
