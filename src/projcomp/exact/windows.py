"""The local posterior: every pixel follows the images that look alike in its own neighbourhood.

``D(x; sigma)_p = sum_n softmax_n(log w_n - |x_W(p) - x_n,W(p)|^2 / 2 sigma^2) x_n,p`` with ``W(p)``
the square window around pixel ``p``: the local score machine of Kamb and Ganguli (2024), with
places kept. Pixels far apart may follow different images, so that it makes pictures that are in no
set, and it is the score of no distribution.
"""

import math

import torch
from torch import Tensor

from projcomp.diffusion.shapes import Samples
from projcomp.exact.points import Points

NUMBERS_AT_ONCE = 2**18
"""Numbers (pixels times samples times images) that are worked on at a time, to fit into caches."""

NEGLIGIBLE = 86.0
"""Bits below the likeliest image beyond which an image weighs no less: 1e-26 of it."""


def local_mean(points: Points, x: Samples, sigma: Tensor | float, window: int) -> Samples:
    """The local posterior's mean at every pixel.

    The arithmetic is float32. Squares are summed from differences, so that no sum has a term below
    zero: a log-weight ``-d / 2 sigma^2`` is off by at most ``2^-24 (2 window + C + 6)`` of itself
    and, by the rounding of the numbers in ``x``, ``2^-24 max|x| sum |x - x_n| / sigma^2``. Where
    none is off by more than ``e``, the mean is off by at most ``exp(2 e) - 1`` of the images'
    range.

    Args:
        points: a set of images.
        x: shape ``(batch, C, H, W)``.
        sigma: noise level above 0, one for all or shape ``(batch,)``.
        window: side of the window, pixels, odd; beyond the border there is nothing to compare.

    Returns:
        Shape ``(batch, C, H, W)``. A window that covers every image gives the posterior's mean.
    """
    batch, _, height, width = x.shape
    level = torch.as_tensor(sigma, device=x.device).float().expand(batch)
    bands = _band(height, window, x), _band(width, window, x)
    images_at_once = max(1, min(len(points), NUMBERS_AT_ONCE // (height * width)))
    at_once = max(1, NUMBERS_AT_ONCE // (height * width * images_at_once))
    sums = [
        _Sums(part, one, bands)
        for part, one in zip(x.float().split(at_once), level.split(at_once), strict=True)
    ]
    for start in range(0, len(points), images_at_once):
        chunk = slice(start, start + images_at_once)
        # (C, H, W, images): all arithmetic runs along the last axis
        images = points.transform(points.images[chunk]).permute(1, 2, 3, 0).contiguous()
        log_weights = points.log_weights[chunk].float()
        for one in sums:
            one.add(images, log_weights)
    return torch.cat([one.mean() for one in sums]).to(x.dtype)


class _Sums:
    """A softmax that streams over images, at every pixel of some samples.

    Args:
        x: the samples, float32 ``(batch, C, H, W)``.
        sigma: their noise levels, ``(batch,)``.
        bands: what sums along the rows' and along the columns' axis.
    """

    def __init__(self, x: Tensor, sigma: Tensor, bands: tuple[Tensor, Tensor]) -> None:
        self._x = x.permute(1, 2, 3, 0)[..., None].contiguous()  # (C, H, W, batch, 1)
        # to the base of 2, because exp2 takes a third of the time of exp
        self._factor = -math.log2(math.e) / (2 * sigma[:, None] ** 2)
        self._bands = bands
        self._best = torch.full_like(self._x[0], -math.inf)
        self._weight = torch.zeros_like(self._x[0])
        self._weighted = torch.zeros_like(self._x)

    def add(self, images: Tensor, log_weights: Tensor) -> None:
        """Take in ``images`` ``(C, H, W, N)`` of the weights ``log_weights`` ``(N,)``."""
        images = images[:, :, :, None]
        # the images first: three times as fast as the other way round
        apart = (images[0] - self._x[0]).square_()
        for image, x in zip(images[1:], self._x[1:], strict=True):
            difference = image - x
            apart.addcmul_(difference, difference)
        height, width, batch, count = apart.shape
        rows, columns = self._bands
        summed = rows @ apart.view(height, -1)
        distance = (columns @ summed.view(height, width, -1)).view(height, width, batch, count)
        weights = distance.mul_(self._factor).add_(log_weights * math.log2(math.e))
        best = torch.maximum(self._best, weights.amax(-1, keepdim=True))
        # exponentials that end in numbers too small for the format take several times as long
        shares = weights.sub_(best).clamp_(min=-NEGLIGIBLE).exp2_()
        fade = (self._best - best).exp2()
        self._weight = self._weight * fade + shares.sum(-1, keepdim=True)
        # a product and a sum: twice as fast as one product of small matrices at every pixel
        weighted = [(shares * image).sum(-1, keepdim=True) for image in images]
        self._weighted = self._weighted * fade + torch.stack(weighted)
        self._best = best

    def mean(self) -> Tensor:
        """The mean of what was taken in, ``(batch, C, H, W)``."""
        return (self._weighted / self._weight)[..., 0].permute(3, 0, 1, 2)


def _band(side: int, window: int, like: Tensor) -> Tensor:
    """Ones where a pixel lies in the window around another one, shape ``(side, side)``."""
    if window < 1 or window % 2 == 0:
        raise ValueError(f"expected a window of an odd number of pixels, got {window}")
    ones = torch.ones(side, side, device=like.device)
    reach = window // 2
    return ones.triu(-reach).tril(reach)
