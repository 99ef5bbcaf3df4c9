"""Between what networks speak (denoised) and what compositions speak (score).

For ``x = x0 + sigma * noise`` with standard normal noise, Tweedie's formula says
``score = (denoised - x) / sigma^2`` (Karras et al. 2022, equation 3).
"""

import torch
from torch import Tensor

from projcomp.diffusion.shapes import Samples


def denoised_to_score(denoised: Tensor, x: Samples, sigma: float | Tensor) -> Tensor:
    """The score of the noisy distribution from the denoised ``E[x0 | x]``.

    Args:
        denoised: ``D(x; sigma)``, shape ``(..., batch, *dims)`` (leading axes stack models).
        x: the noisy samples, shape ``(batch, *dims)``.
        sigma: the noise level, one number or one per sample, shape ``(batch,)``; above zero.

    Returns:
        ``grad log p(x; sigma)``, the shape of ``denoised``.
    """
    return (denoised - x) / _over_dims(sigma, x) ** 2


def score_to_denoised(score: Tensor, x: Samples, sigma: float | Tensor) -> Tensor:
    """The denoised ``E[x0 | x]`` from the score; the inverse of :func:`denoised_to_score`."""
    return x + _over_dims(sigma, x) ** 2 * score


def _over_dims(sigma: float | Tensor, x: Tensor) -> float | Tensor:
    """One noise level per sample, shaped so that it multiplies ``(batch, *dims)``."""
    if isinstance(sigma, torch.Tensor) and sigma.ndim == 1:
        return sigma.reshape(-1, *[1] * (x.ndim - 1))
    return sigma
