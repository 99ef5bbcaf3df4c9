"""Renders as points of the space that a feature map leads to."""

import torch
from torch import Tensor

from projcomp.diffusion.pixels import encode
from projcomp.exact.points import AT_ONCE, Points
from projcomp.features.feature_map import RGB, Features

KEPT_BYTES = 2**29
"""Features of one set of images that are kept as numbers, at most."""


def points_in(features: Features, images: Tensor, log_weights: Tensor | None = None) -> Points:
    """The set of the images' features: bytes in RGB; numbers, which cost more, where they fit.

    Args:
        features: the map.
        images: uint8 ``(N, H, W, 3)``.
        log_weights: shape ``(N,)``; None for equal weights.
    """
    if features is RGB:
        return Points(images, log_weights)

    def transform(some: Tensor) -> Tensor:
        return features.encode(encode(some))

    if 4 * images[..., 0].numel() * features.channels > KEPT_BYTES:
        return Points(images, log_weights, transform)
    numbers = torch.cat([transform(part) for part in images.split(AT_ONCE)])
    return Points(numbers, log_weights, lambda x: x)
