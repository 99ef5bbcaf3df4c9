"""Small sets of images drawn at random, and noisy ones to ask them of."""

import torch

from projcomp.exact.points import Points


def some_images(count: int, side: int = 4, seed: int = 0) -> torch.Tensor:
    """Images of noise, uint8 ``(count, side, side, 3)``."""
    rng = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (count, side, side, 3), generator=rng).to(torch.uint8)


def noised(points: Points, sigma: float, batch: int = 7) -> torch.Tensor:
    """The first of the points at a noise level, ``(batch, 3, side, side)``."""
    rng = torch.Generator().manual_seed(1)
    x0 = points.transform(points.images[:batch])
    return x0 + sigma * torch.randn(x0.shape, generator=rng)
