"""EDM's sampler: Heun steps on the probability-flow ODE, the last one Euler, with or without churn.

Karras et al. 2022, Algorithms 1 and 2 with ``sigma(t) = t``: ``dx/dsigma = -sigma * score``.
"""

import math
from dataclasses import dataclass
from typing import Any

from projcomp.diffusion.bounds import check_number
from projcomp.diffusion.field import ScoreField, Step
from projcomp.diffusion.shapes import Samples
from projcomp.errors import ConfigError
from projcomp.samplers.noise import Noise, normals_for
from projcomp.samplers.result import Move


@dataclass(frozen=True)
class Heun:
    """A predictor of second order.

    A step to zero is an Euler step (the score is not defined there), which lands on the denoised
    mean; so ``num_steps`` levels above zero and a final 0 cost ``2 * num_steps - 1`` evaluations.

    Attributes:
        churn: share by which the noise level is raised before a step (EDM's ``S_churn`` over the
            number of steps); at most sqrt(2) - 1, and 0 for the deterministic sampler.
        churn_min: least noise level that is churned.
        churn_max: greatest noise level that is churned.
        churn_noise: standard deviation of the noise that churning adds.

    Raises:
        ConfigError: a share or a deviation is negative.
    """

    churn: float = 0.0
    churn_min: float = 0.0
    churn_max: float = float("inf")
    churn_noise: float = 1.0

    def __post_init__(self) -> None:
        check_number("churn", self.churn, 0)
        check_number("churn_noise", self.churn_noise, 0)

    def __call__(
        self,
        field: ScoreField,
        x: Samples,
        sigma: float,
        sigma_next: float,
        state: Any,
        noise: Noise,
    ) -> Move:
        """One step; see :class:`projcomp.samplers.process.Predictor`.

        Raises:
            ConfigError: the field's score depends on its state: a step's second evaluation is at a
                trial point that no state has seen.
        """
        if field.stateful:
            raise ConfigError(
                "sampler: expected one that evaluates once per step, because this operator's "
                "weights follow the steps really made, got heun; choose another sampler or operator"
            )
        if self.churn > 0 and self.churn_min <= sigma <= self.churn_max:
            raised = sigma * (1.0 + min(self.churn, math.sqrt(2.0) - 1.0))
            added = self.churn_noise * math.sqrt(raised**2 - sigma**2)
            x = x + added * normals_for(noise, x)
            sigma = raised
        step = Step(x, sigma, sigma_next)
        score, state = field.score(step, state)
        dx = (sigma_next - sigma) * (-sigma * score)
        num_evaluations = 1
        if sigma_next > 0:
            trial, _ = field.score(Step(x + dx, sigma_next, sigma_next), state)
            dx = (sigma_next - sigma) * (-sigma * score - sigma_next * trial) / 2
            num_evaluations = 2
        state = field.observe(step, dx, state)
        return Move(x + dx, state, num_evaluations)
