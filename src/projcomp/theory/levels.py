"""The noise levels of all exact experiments."""

from jaxtyping import Float
from torch import Tensor

from projcomp.diffusion.noise_levels import edm_sigmas

RHO = 7.0
"""Spacing of the levels (Karras et al. 2022)."""


def noise_levels(num_steps: int, least: float, greatest: float) -> Float[Tensor, " levels"]:
    """So many levels from ``greatest`` to ``least``, and a final 0, shape ``(num_steps + 1,)``."""
    return edm_sigmas(num_steps, least, greatest, RHO)
