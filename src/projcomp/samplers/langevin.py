"""Unadjusted Langevin dynamics at one noise level, down to the last one ("t = 0")."""

import math
from dataclasses import dataclass

from projcomp.diffusion.bounds import check_positive
from projcomp.diffusion.shapes import Samples
from projcomp.samplers.line_integral import Score
from projcomp.samplers.noise import Noise, normals_for
from projcomp.samplers.result import Chain


@dataclass(frozen=True)
class Langevin:
    """``x += eta sigma^2 s + sigma sqrt(2 eta) n`` (docs/method.md, section 6).

    On a Gaussian of variance v it ends at variance ``v / (1 - eta sigma^2 / (2 v))``: biased by the
    step size, which MALA is not.

    Attributes:
        step_size: ``eta``, in units of the noise variance.

    Raises:
        ConfigError: the step size is not above 0.
    """

    step_size: float

    def __post_init__(self) -> None:
        check_positive("step_size", self.step_size)

    def __call__(self, score: Score, x: Samples, sigma: float, noise: Noise, steps: int) -> Chain:
        """See :class:`projcomp.samplers.process.Kernel`."""
        for _ in range(steps):
            drift = self.step_size * sigma**2 * score(x)
            x = x + drift + sigma * math.sqrt(2 * self.step_size) * normals_for(noise, x)
        return Chain(x, steps)
