"""Euler steps on the probability-flow ODE, which is DDIM (Song et al. 2021) in this convention."""

from typing import Any

from projcomp.diffusion.field import ScoreField, Step
from projcomp.diffusion.shapes import Samples
from projcomp.samplers.noise import Noise
from projcomp.samplers.result import Move


def euler(
    field: ScoreField,
    x: Samples,
    sigma: float,
    sigma_next: float,
    state: Any,
    noise: Noise,
) -> Move:
    """One step of first order, ``dx = (sigma_next - sigma) * (-sigma * score)``."""
    step = Step(x, sigma, sigma_next)
    score, state = field.score(step, state)
    dx = (sigma_next - sigma) * (-sigma * score)
    return Move(x + dx, field.observe(step, dx, state), 1)
