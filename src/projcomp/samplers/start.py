"""Where a reverse process starts: noise of which sample ``i`` depends on its own seed alone."""

from collections.abc import Sequence

import torch

from projcomp.diffusion.shapes import Samples


def start_noise(seeds: Sequence[int], dims: Sequence[int]) -> Samples:
    """Standard normal noise, one independent stream per sample.

    Drawn on the CPU, so that a sample is the same on every device and in every batch.

    Args:
        seeds: one integer per sample, below 2^63.
        dims: shape of one sample.

    Returns:
        Shape ``(len(seeds), *dims)``, float32.
    """
    return torch.stack(
        [torch.randn(*dims, generator=torch.Generator().manual_seed(seed)) for seed in seeds]
    )
