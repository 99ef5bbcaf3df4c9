"""The reverse SDE with exact variances, and everything between it and the ODE.

``dx = (1 + xi)/2 dv s + sqrt(xi dv) n`` with ``dv = sigma^2 - sigma_next^2`` (docs/method.md,
section 1): xi = 1 is the reverse SDE (Anderson 1982; Song et al. 2021), xi = 0 the ODE.
"""

import math
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from projcomp.diffusion.field import ScoreField, Step
from projcomp.samplers.noise import NoiseStreams, drawn
from projcomp.samplers.result import Move


@dataclass(frozen=True)
class ReverseSde:
    """A stochastic predictor; the step to zero takes no noise and lands on the denoised mean.

    Attributes:
        xi: share of the SDE's noise, in [0, 1].
    """

    xi: float = 1.0

    def __call__(
        self,
        field: ScoreField,
        x: Tensor,
        sigma: float,
        sigma_next: float,
        state: Any,
        noise: NoiseStreams | None,
    ) -> Move:
        """One step; see :class:`projcomp.samplers.process.Predictor`."""
        dv = sigma**2 - sigma_next**2
        if sigma_next == 0:
            return noisy_step(field, Step(x, sigma, 0.0), dv, state)
        step = Step(x, sigma, sigma_next)
        if self.xi > 0:
            step = Step(x, sigma, sigma_next, drawn(noise), math.sqrt(self.xi * dv))
        return noisy_step(field, step, (1.0 + self.xi) / 2.0 * dv, state)


def ancestral(
    field: ScoreField,
    x: Tensor,
    sigma: float,
    sigma_next: float,
    state: Any,
    noise: NoiseStreams | None,
) -> Move:
    """One step of DDPM's ancestral sampler (Ho et al. 2020).

    ``x_next ~ q(x_next | x, x0 = D)``: drift ``dv * s``, variance ``dv sigma_next^2 / sigma^2``.
    """
    dv = sigma**2 - sigma_next**2
    if sigma_next == 0:
        return noisy_step(field, Step(x, sigma, 0.0), dv, state)
    step = Step(x, sigma, sigma_next, drawn(noise), math.sqrt(dv) * sigma_next / sigma)
    return noisy_step(field, step, dv, state)


def noisy_step(field: ScoreField, step: Step, drift: float, state: Any) -> Move:
    """Displace by ``drift`` times the score, and by the step's noise."""
    score, state = field.score(step, state)
    dx = drift * score
    if step.noise is not None:
        dx = dx + step.noise_std * step.noise
    return Move(step.x + dx, field.observe(step, dx, state), 1)
