"""The reverse SDE with exact variances, and everything between it and the ODE.

``dx = (1 + xi)/2 dv s + sqrt(xi dv) n`` with ``dv = sigma^2 - sigma_next^2`` (docs/method.md,
section 1): xi = 1 is the reverse SDE (Anderson 1982; Song et al. 2021), xi = 0 the ODE.
"""

import math
from dataclasses import dataclass, replace
from typing import Any

from projcomp.diffusion.bounds import check_number
from projcomp.diffusion.field import Retraction, ScoreField, Step, add
from projcomp.diffusion.shapes import Samples
from projcomp.samplers.noise import Noise, normals_for, shaped_as
from projcomp.samplers.result import Move


@dataclass(frozen=True)
class ReverseSde:
    """A stochastic predictor; the step to zero takes no noise and lands on the denoised mean.

    Attributes:
        noise_share: ``xi``, the share of the SDE's noise, in [0, 1].
        retract: where a displacement leads; on a manifold not to the sum.

    Raises:
        ConfigError: the share is out of its bounds.
    """

    noise_share: float = 1.0
    retract: Retraction = add

    def __post_init__(self) -> None:
        check_number("noise_share", self.noise_share, 0, 1)

    def __call__(
        self,
        field: ScoreField,
        x: Samples,
        sigma: float,
        sigma_next: float,
        state: Any,
        noise: Noise,
    ) -> Move:
        """One step; see :class:`projcomp.samplers.process.Predictor`."""
        dv = sigma**2 - sigma_next**2
        drift, noise_std = dv, 0.0
        if sigma_next > 0:
            share = self.noise_share
            drift, noise_std = (1.0 + share) / 2.0 * dv, math.sqrt(share * dv)
        step = Step(x, sigma, sigma_next, noise_share=self.noise_share)
        return _noisy_step(field, step, drift, noise_std, state, noise, self.retract)


@dataclass(frozen=True)
class Ancestral:
    """The exact reverse step of Gaussian data; of none, DDPM's ancestral sampler (Ho et al. 2020).

    Drift ``dv * s`` and variance ``dv (sigma_next^2 + data_std^2) / (sigma^2 + data_std^2)``: that
    of ``q(x_next | x, x0 = D)`` for ``data_std`` 0, and of ``p(x_next | x)`` for Gaussian data of
    that standard deviation. The estimator ``detailed_balance`` of densities assumes the latter. The
    step to zero takes no noise and lands on the denoised mean.

    Attributes:
        data_std: standard deviation of the data that the steps are exact for.

    Raises:
        ConfigError: the deviation is negative.
    """

    data_std: float = 0.0

    def __post_init__(self) -> None:
        check_number("data_std", self.data_std, 0)

    def __call__(
        self,
        field: ScoreField,
        x: Samples,
        sigma: float,
        sigma_next: float,
        state: Any,
        noise: Noise,
    ) -> Move:
        """One step; see :class:`projcomp.samplers.process.Predictor`."""
        dv = sigma**2 - sigma_next**2
        share = math.hypot(sigma_next, self.data_std) / math.hypot(sigma, self.data_std)
        noise_std = math.sqrt(dv) * share if sigma_next > 0 else 0.0
        return _noisy_step(field, Step(x, sigma, sigma_next), dv, noise_std, state, noise)


def _noisy_step(
    field: ScoreField,
    step: Step,
    drift: float,
    noise_std: float,
    state: Any,
    noise: Noise,
    retract: Retraction = add,
) -> Move:
    """Displace by ``drift`` times the score and by noise of ``noise_std``; 0 draws none."""
    if noise_std > 0:
        # before the field sees it; of a manifold only the score tells how displacements are shaped
        drawn = normals_for(noise, step.x) if retract is add else noise.normal()
        step = replace(step, noise=drawn, noise_std=noise_std)
    score, state = field.score(step, state)
    dx = drift * score
    if step.noise is not None:
        dx = dx + step.noise_std * shaped_as(score, step.noise)
    return Move(retract(step, dx), field.observe(step, dx, state), 1)
