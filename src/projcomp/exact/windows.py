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
"""Numbers (samples times images times pixels) that are worked on at a time, to fit into caches."""

NEGLIGIBLE = 60.0
"""Nats below the likeliest image beyond which an image weighs no less: 1e-26 of it."""


def local_mean(points: Points, x: Samples, sigma: Tensor | float, window: int) -> Samples:
    """The local posterior's mean at every pixel.

    Args:
        points: a set of images.
        x: shape ``(batch, C, H, W)``.
        sigma: noise level above 0, one for all or shape ``(batch,)``.
        window: side of the window, pixels, odd; beyond the border there is nothing to compare.

    Returns:
        Shape ``(batch, C, H, W)``. A window that covers every image gives the posterior's mean.
    """
    batch, _, height, width = x.shape
    level = torch.as_tensor(sigma, device=x.device).float().expand(batch)[:, None, None, None]
    rows, columns = (_band(side, window, x) for side in (height, width))
    x32 = x.float()
    best = torch.full((batch, 1, height, width), -math.inf, device=x.device)
    weight, mean = torch.zeros_like(best), torch.zeros_like(x32)
    at_once = max(1, NUMBERS_AT_ONCE // (batch * height * width))
    for start in range(0, len(points), at_once):
        chunk = slice(start, start + at_once)
        images = points.transform(points.images[chunk])
        apart = torch.zeros(batch, len(images), height, width, device=x.device)
        for channel in range(x.shape[1]):
            difference = x32[:, None, channel] - images[None, :, channel]
            apart.addcmul_(difference, difference)
        # a box filter: sums along the rows and along the columns, as products with bands of ones
        distance = rows @ (apart @ columns)
        log_weights = distance.div_(-2 * level**2)
        log_weights += points.log_weights[chunk].float()[:, None, None]
        greatest = torch.maximum(best, log_weights.amax(1, keepdim=True))
        # exponentials that end in numbers too small for the format take several times as long
        log_weights.sub_(greatest).clamp_(min=-NEGLIGIBLE)
        shares, fade = log_weights.exp_(), (best - greatest).exp()
        weight = weight * fade + shares.sum(1, keepdim=True)
        parts = [(shares * images[None, :, channel]).sum(1) for channel in range(x.shape[1])]
        mean = mean * fade + torch.stack(parts, 1)  # ten times as fast as an einsum
        best = greatest
    return (mean / weight).to(x.dtype)


def _band(side: int, window: int, like: Tensor) -> Tensor:
    """Ones where a pixel lies in the window around another one, shape ``(side, side)``."""
    if window < 1 or window % 2 == 0:
        raise ValueError(f"expected a window of an odd number of pixels, got {window}")
    ones = torch.ones(side, side, device=like.device)
    reach = window // 2
    return ones.triu(-reach).tril(reach)
