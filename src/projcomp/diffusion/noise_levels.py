"""The noise levels that a sampler steps through."""

import math

import torch

from projcomp.diffusion.bounds import check_positive
from projcomp.diffusion.shapes import Levels
from projcomp.errors import ConfigError


def edm_sigmas(num_steps: int, sigma_min: float, sigma_max: float, rho: float) -> Levels:
    """EDM's noise levels, evenly spaced in ``sigma^(1/rho)`` (Karras et al. 2022, equation 5).

    Args:
        num_steps: number of levels above zero, at least 1 (with 1, only ``sigma_max``).
        sigma_min: the least level above zero.
        sigma_max: the first level.
        rho: the larger, the more levels lie near ``sigma_min``.

    Returns:
        Decreasing noise levels, shape ``(num_steps + 1,)``, float64; the last is 0.

    Raises:
        ConfigError: the levels would not decrease from ``sigma_max`` to ``sigma_min`` above zero.
    """
    if num_steps < 1:
        raise ConfigError(f"num_steps: expected at least 1, got {num_steps}")
    check_positive("rho", rho)
    if not 0 < sigma_min < sigma_max < math.inf:
        raise ConfigError(
            "sigma_min: expected a number above 0 and below a finite sigma_max = "
            f"{sigma_max:g}, got {sigma_min:g}"
        )
    share = torch.linspace(0, 1, num_steps, dtype=torch.float64)
    high, low = sigma_max ** (1 / rho), sigma_min ** (1 / rho)
    sigmas = (high + share * (low - high)) ** rho
    # the ends to the bit: windows of noise levels may begin or end there
    sigmas[-1], sigmas[0] = sigma_min, sigma_max
    return torch.cat([sigmas, torch.zeros(1, dtype=torch.float64)])
