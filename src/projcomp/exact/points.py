"""The posterior of a finite set of images: what a perfect network would answer.

Images ``x_n`` with weights ``w_n``, noised by ``sigma``, are a mixture of points of zero width, so
that ``D(x; sigma) = sum_n softmax_n(log w_n - |x - x_n|^2 / 2 sigma^2) x_n`` (Karras et al. 2022,
appendix B.3), and the score is ``(D - x) / sigma^2``. The softmax streams over the images: a
running greatest log-weight, and sums that are rescaled whenever a greater one comes.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from projcomp.diffusion.pixels import encode
from projcomp.diffusion.shapes import Precise, Samples

AT_ONCE = 512
"""Images that are turned into numbers at a time; more would leave the processor's caches."""

KEPT = 2**24
"""Numbers of a set that are kept as float32 beside its bytes, at most: turning bytes into numbers
takes half of the time of a posterior of few samples."""

NEGLIGIBLE = 30.0
"""Nats below the likeliest image at which an image is left out: its weight is below 1e-13 of it."""

FEW = 1 / 32
"""Share of all pairs of samples and images up to which pairs are computed one by one."""

ROUNDING = 8 * 2.0**-24
"""Share of ``|a| |b|`` by which a float32 product ``a @ b`` of some thousand numbers may be off; a
quarter of it is what sums in blocks come to."""

TOLERANCE = 1e-4
"""Nats by which a log-weight may be off by that before it is computed anew in float64."""


@dataclass(frozen=True)
class Posterior:
    """What is known of the image behind a noisy one.

    Attributes:
        mean: ``E[x0 | x]``, shape ``(batch, *dims)``.
        log_sum: ``log sum_n w_n exp(-|x - x_n|^2 / 2 sigma^2)``, shape ``(batch,)``.
        discarded: bound on the share of the weight that was left out, shape ``(batch,)``.
    """

    mean: Samples
    log_sum: Precise
    discarded: Precise


class Points:
    """A finite set of images, each with a weight.

    The arithmetic is float32 around the set's mean, the log-weights are float64. A first product
    finds the images that can carry weight: all that lie at most ``NEGLIGIBLE`` nats below the
    likeliest, as far as rounding lets it tell. Where rounding could be seen, their log-weights are
    computed anew in float64: from their differences where they are few, as at small noise, and from
    the product where they are many. What is left is the rounding of the images' numbers themselves
    and of their differences from the mean, ``1.5 * 2^-24`` together: ``1.5 * 2^-24 |x - x_n|
    sqrt(numbers) / sigma^2`` nats at most, and mostly less by the root of their number.

    Args:
        images: ``(N, ...)``, mostly uint8 ``(N, H, W, 3)``; they stay so in memory.
        log_weights: shape ``(N,)``, of any total; None for equal weights.
        transform: makes numbers ``(n, *dims)`` of images ``(n, ...)``; those in [-1, 1] of the
            networks where none is given.
        at_once: images that are turned into numbers at a time.
    """

    def __init__(
        self,
        images: Tensor,
        log_weights: Tensor | None = None,
        transform: Callable[[Tensor], Tensor] = encode,
        at_once: int = AT_ONCE,
    ) -> None:
        if not len(images):
            raise ValueError("expected at least one image")
        weights = torch.zeros(len(images)) if log_weights is None else log_weights
        self.images, self.transform, self.at_once = images, transform, at_once
        self.log_weights = weights.to(images.device, torch.float64).log_softmax(0)
        first = transform(images[:1])
        self.dims = tuple(first.shape[1:])
        total, squares = torch.zeros_like(first[0]), []
        for rows in self._chunks():
            total += transform(images[rows]).sum(0)
        self.center = (total / len(images)).flatten()
        for rows in self._chunks():
            squares.append(self._made(rows).double().square().sum(1) / 2)
        self._half_norms = torch.cat(squares)
        few = images.dtype == torch.uint8 and len(images) * len(self.center) <= KEPT
        self._kept: dict[int, Tensor] | None = {} if few else None

    def __len__(self) -> int:
        return len(self.images)

    def posterior(self, x: Samples, sigma: Tensor | float) -> Posterior:
        """The posterior of the images behind ``x``.

        Args:
            x: shape ``(batch, *dims)``.
            sigma: noise level above 0, one for all or shape ``(batch,)``.
        """
        precise = x.double().flatten(1) - self.center.double()
        offset = precise.float()
        level = torch.as_tensor(sigma, device=x.device).double().expand(len(x))
        variance = level.square()[:, None]
        best = torch.full((len(x), 1), -math.inf, dtype=torch.float64, device=x.device)
        weight, left_out = torch.zeros_like(best), torch.zeros_like(best)
        mean = torch.zeros_like(offset)
        half = precise.square().sum(1, keepdim=True) / 2
        for rows in self._chunks():
            points = self._points(rows)
            log_weights = self._log_weights((offset @ points.T).double(), rows, half, variance)
            error = 2 * ROUNDING * (half * self._half_norms[rows].max()).sqrt() / variance
            likeliest = torch.maximum(best, log_weights.amax(1, keepdim=True) - error)
            near = log_weights + error > likeliest - NEGLIGIBLE
            pairs = near.nonzero(as_tuple=True)
            few = len(pairs[0]) <= FEW * near.numel()
            rough = float(error.detach().max()) > TOLERANCE
            if rough and few:
                refined = self._refined(precise, points, pairs, rows, variance)
                log_weights = log_weights.index_put(pairs, refined)
            elif rough:
                product = precise @ points.double().T
                log_weights = self._log_weights(product, rows, half, variance)
            carrying = torch.where(near, log_weights, -math.inf)
            greatest = torch.maximum(best, carrying.amax(1, keepdim=True))
            fade, kept = (best - greatest).exp(), (carrying - greatest).exp()
            others = torch.where(near, -math.inf, log_weights + error)
            left_out = left_out * fade + (others - greatest).exp().sum(1, keepdim=True)
            weight = weight * fade + kept.sum(1, keepdim=True)
            mean = mean * fade.float() + _weighted_sum(kept.float(), points, pairs, few)
            best = greatest
        mean = (mean / weight.float() + self.center).reshape(x.shape)
        log_sum = best + weight.log()
        return Posterior(mean.to(x.dtype), log_sum[:, 0], (left_out / (weight + left_out))[:, 0])

    def log_density(self, x: Samples, sigma: float) -> Precise:
        """``log p(x; sigma)``, shape ``(batch,)``, for ``x`` of shape ``(batch, *dims)``."""
        numbers = math.prod(self.dims)
        return self.posterior(x, sigma).log_sum - numbers / 2 * math.log(2 * math.pi * sigma**2)

    def _chunks(self) -> list[slice]:
        starts = range(0, len(self.images), self.at_once)
        return [slice(start, start + self.at_once) for start in starts]

    def _points(self, rows: slice) -> Tensor:
        """The same as ``_made``, which is kept of a small set."""
        if self._kept is None:
            return self._made(rows)
        if rows.start not in self._kept:
            self._kept[rows.start] = self._made(rows)
        return self._kept[rows.start]

    def _made(self, rows: slice) -> Tensor:
        """A chunk of the images as numbers around the mean, ``(n, d)``."""
        return self.transform(self.images[rows]).flatten(1) - self.center

    def _log_weights(self, product: Tensor, rows: slice, half: Tensor, variance: Tensor) -> Tensor:
        """The log-weights ``(batch, n)`` of a chunk, from products of offsets with its points."""
        return self.log_weights[rows] + (product - self._half_norms[rows] - half) / variance

    def _refined(
        self,
        offset: Tensor,
        points: Tensor,
        pairs: tuple[Tensor, ...],
        rows: slice,
        variance: Tensor,
    ) -> Tensor:
        """The log-weights of ``pairs`` of samples and points, from their differences."""
        sample, point = pairs
        half = (offset[sample] - points[point]).square().sum(1) / 2
        return self.log_weights[rows][point] - half / variance[sample, 0]


def _weighted_sum(weights: Tensor, points: Tensor, pairs: tuple[Tensor, ...], few: bool) -> Tensor:
    """``weights (batch, n) @ points (n, d)``, by the pairs with a weight where those are few."""
    if not few:
        return weights @ points
    sample, point = pairs
    return torch.zeros(len(weights), points.shape[1], device=points.device).index_add(
        0, sample, weights[sample, point, None] * points[point]
    )
