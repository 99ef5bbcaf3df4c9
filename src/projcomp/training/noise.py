"""The noise of an update: the same for an image however the update is cut into pieces."""

import torch
from torch import Tensor

from projcomp.diffusion.loss import draw_sigma

CHUNK = 32
"""Images whose noise comes from one generator; a piece may begin and end anywhere."""


def draw_noise(
    seed: int,
    first: int,
    shape: tuple[int, ...],
    *,
    log_mean: float,
    log_std: float,
    device: torch.device,
) -> tuple[Tensor, Tensor]:
    """Noise levels ``(B,)`` and noise ``shape`` of the images ``first, first + 1, ...``.

    Args:
        seed: of the update.
        first: number of the first image within the update.
        shape: ``(B, *dims)``.
        log_mean: mean of ln sigma.
        log_std: standard deviation of ln sigma.
        device: where to draw; another device draws other numbers.
    """
    count, dims = shape[0], shape[1:]
    begin = first // CHUNK
    sigmas, noises = [], []
    for chunk in range(begin, (first + count - 1) // CHUNK + 1):
        rng = torch.Generator(device).manual_seed(seed + chunk)
        sigmas.append(draw_sigma(CHUNK, log_mean, log_std, rng, device))
        noises.append(torch.randn(CHUNK, *dims, generator=rng, device=device))
    own = slice(first - begin * CHUNK, first - begin * CHUNK + count)
    return torch.cat(sigmas)[own], torch.cat(noises)[own]
