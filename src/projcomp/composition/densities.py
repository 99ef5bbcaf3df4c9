"""The models' log-densities, followed along a path of whatever composition."""

from dataclasses import dataclass
from typing import Literal

import torch

from projcomp.composition import divergence
from projcomp.composition.log_density import (
    detailed_balance_change,
    gaussian_log_density,
    ito_change,
    smooth_change,
)
from projcomp.diffusion.field import ScoreStack, Step
from projcomp.diffusion.shapes import Bits, PerModel, Samples, Stacked
from projcomp.errors import ConfigError

Estimator = Literal["ito", "detailed_balance", "hutchinson", "exact"]


@dataclass(frozen=True)
class DensityTracker:
    """Keeps the models' log-densities along a path.

    Attributes:
        estimator: ``ito`` (needs steps that inject the exact variance), ``detailed_balance`` (any
            steps), or along the ODE with divergences by ``hutchinson`` probes or ``exact``.
        data_std: standard deviation of the data, for ``detailed_balance``.
    """

    estimator: Estimator = "ito"
    data_std: float = 0.5

    def start(self, num_models: int, x: Samples, sigma: float) -> PerModel:
        """``log N(x; 0, sigma^2)`` for every model, shape ``(num_models, batch)``."""
        return gaussian_log_density(x, sigma).expand(num_models, -1)

    def divergences(self, scores: ScoreStack, step: Step) -> PerModel | None:
        """Divergences at the step's start where the estimator needs them, else None."""
        if self.estimator == "exact":
            return divergence.exact(scores, step.x, step.sigma)
        if self.estimator == "hutchinson":
            probe = probe_of(step.x)
            return divergence.hutchinson(scores, step.x, step.sigma, probe)
        return None

    def change(
        self, step: Step, dx: Samples, scores: Stacked, extra: PerModel | None
    ) -> PerModel | float:
        """Change of the log-densities over a step; nothing at the last one, which lands on a mean.

        Raises:
            ConfigError: the sampler's steps are not those that the estimator is valid for.
        """
        if step.sigma_next == 0:
            return 0.0
        if self.estimator == "detailed_balance":
            return detailed_balance_change(scores, dx, step.sigma, step.sigma_next, self.data_std)
        if self.estimator == "ito":
            if not step.injects_dv:
                raise ConfigError(
                    "sampler: expected one that injects the exact noise variance (sde), because "
                    "the Ito estimator is valid for no other; or set the estimator to "
                    "detailed_balance, or to hutchinson with a sampler of the ODE"
                )
            return ito_change(scores, dx, step.dv)
        if step.noise is not None or extra is None:
            raise ConfigError(
                "sampler: expected one without noise (euler) for an estimator by divergences, got "
                "a stochastic one; set the estimator to ito or detailed_balance"
            )
        return smooth_change(scores, extra, dx, step.sigma, step.sigma_next)


def probe_of(x: Samples) -> Samples:
    """Random signs of the shape of ``x``, hashed from its bits.

    So a sample's probe is another one in every step, and the same in every batch where the sample
    is the same to the bit. For float32 and float64.
    """
    # the sign of the wrapped product depends on all bits
    return torch.where(bits_of(x) < 0, -1.0, 1.0).to(x.dtype)


def bits_of(x: Samples) -> Bits:
    """The bits of ``x`` (float32 or float64), mixed: random integers of its shape and width."""
    kind, factor = {
        torch.float32: (torch.int32, 0x9E3779B1 - 2**32),
        torch.float64: (torch.int64, 0x9E3779B97F4A7C15 - 2**64),
    }[x.dtype]
    bits = x.contiguous().view(kind) * factor
    return (bits ^ (bits >> 15)) * factor  # so that the sign bit alone does not turn the probe
