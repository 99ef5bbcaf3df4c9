"""Unadjusted Langevin dynamics at one noise level, down to the last one ("t = 0")."""

import math
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from projcomp.diffusion.field import ScoreField, Step
from projcomp.samplers.noise import NoiseStreams
from projcomp.samplers.result import Move


@dataclass(frozen=True)
class Langevin:
    """``x += eta sigma^2 s + sigma sqrt(2 eta) n`` (docs/method.md, section 6).

    On a Gaussian of variance v it ends at variance ``v / (1 - eta sigma^2 / (2 v))``: biased by the
    step size, which MALA is not.

    Attributes:
        eta: step size, in units of the noise variance.
    """

    eta: float

    def __call__(
        self,
        field: ScoreField,
        x: Tensor,
        sigma: float,
        state: Any,
        noise: NoiseStreams,
        num_steps: int,
    ) -> Move:
        """See :class:`projcomp.samplers.process.Kernel`."""
        for _ in range(num_steps):
            drift = self.eta * sigma**2 * score_at(field, x, sigma, state)
            x = x + drift + sigma * math.sqrt(2 * self.eta) * noise.normal()
        return Move(x, state, num_steps)


def score_at(field: ScoreField, x: Tensor, sigma: float, state: Any) -> Tensor:
    """The field's score where no step is made; its state stays as it is."""
    return field.score(Step(x, sigma, sigma), state)[0]
