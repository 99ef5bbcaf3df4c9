"""The models' log-densities, followed along a path."""

import struct
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor

from projcomp.composition import divergence
from projcomp.composition.log_density import (
    detailed_balance_change,
    gaussian_log_density,
    ito_change,
    kernel_ratio_change,
    smooth_change,
)
from projcomp.diffusion.field import ScoreStack, Step
from projcomp.diffusion.shapes import Bits, PerModel, Precise, Samples, Stacked
from projcomp.errors import ConfigError

Estimator = Literal["ito", "published_balance", "detailed_balance", "hutchinson", "exact"]


@dataclass(frozen=True)
class Superposed:
    """State of what follows its models' log-densities, a superposition above all.

    Attributes:
        log_q: log-density of each model at the samples, shape ``(num_models, batch)``, float64.
        kappa: weights of the last step, the same shape, where they change from step to step.
        scores: scores before the running step, ``(num_models, batch, *dims)``.
        extra: what the estimator needs beside the scores, ``(num_models, batch)``.
        bits: what its probes are made of, an integer for every number of a sample.
    """

    log_q: PerModel
    kappa: PerModel | None = None
    scores: Stacked | None = None
    extra: PerModel | None = None
    bits: Bits | None = None

    def records(self) -> dict[str, Tensor]:
        """``log_q`` and, where weights change, ``kappa``, each ``(batch, num_models)``."""
        found = {"log_q": self.log_q.T}
        return found if self.kappa is None else {**found, "kappa": self.kappa.T}


@dataclass(frozen=True)
class DensityTracker:
    """Keeps the models' log-densities along a path.

    Attributes:
        estimator: ``ito`` (needs steps that inject the exact variance), ``published_balance``
            (those; it is ``ito`` up to rounding), ``detailed_balance`` (ours, by the reverse step
            of a Gaussian; those, or an ancestral sampler's, whose variance tends to it), or along
            the ODE with divergences by ``hutchinson`` probes or ``exact``.
        data_std: standard deviation of the data, for ``detailed_balance``.
        at_start: ``(x, sigma) -> log q (batch,)`` where the path starts, the same for all models.
    """

    estimator: Estimator = "ito"
    data_std: float = 0.5
    at_start: Callable[[Samples, float], Precise] = gaussian_log_density

    def start(self, num_models: int, x: Samples, sigma: float) -> PerModel:
        """The start's density for every model, shape ``(num_models, batch)``."""
        return self.at_start(x, sigma).expand(num_models, -1)

    def init(self, num_models: int, x: Samples, sigma: float) -> Superposed:
        """The state of a path that starts at ``x``: equal densities."""
        return Superposed(self.start(num_models, x, sigma), bits=self.bits(x))

    def scores_of(
        self, scores: ScoreStack, step: Step, state: Superposed
    ) -> tuple[Stacked, Superposed]:
        """Scores at the step's start, and the state that ``observe`` follows the step with.

        A background before the models that the state follows is evaluated and not followed.
        """
        if step.sigma_next > 0:
            stacked, extra = self.evaluate(scores, step, state.bits)
        else:  # the last step, which lands on a mean, changes no density
            stacked, extra = scores(step.x, step.sigma), None
        followed = -len(state.log_q)
        extra = None if extra is None else extra[followed:]
        return stacked, replace(state, scores=stacked[followed:], extra=extra)

    def observe(self, step: Step, dx: Samples, state: Superposed) -> Superposed:
        """Follow the densities over a step, with the scores of before it.

        Raises:
            ConfigError: as of ``change``.
        """
        assert state.scores is not None
        change = self.change(step, dx, state.scores, state.extra)
        return replace(state, log_q=state.log_q + change, scores=None, extra=None)

    def bits(self, x: Samples) -> Bits | None:
        """What the probes of a path that starts at ``x`` are made of, where there are any."""
        return bits_of(x) if self.estimator == "hutchinson" else None

    def evaluate(
        self, scores: ScoreStack, step: Step, bits: Bits | None
    ) -> tuple[Stacked, PerModel | None]:
        """Scores at the step's start, and the divergences where the estimator needs them."""
        if self.estimator == "exact":
            return divergence.exact(scores, step.x, step.sigma)
        if bits is None:
            return scores(step.x, step.sigma), None
        probe = probe_of(bits, step.sigma, step.x.dtype)
        return divergence.hutchinson(scores, step.x, step.sigma, probe)

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
            _check_injects(step)
            return detailed_balance_change(scores, dx, step.sigma, step.sigma_next, self.data_std)
        if self.estimator in _EXACT_NOISE:
            if not step.injects_dv:
                name = _EXACT_NOISE[self.estimator]
                raise ConfigError(
                    "sampler: expected one that injects the exact noise variance (sde), because "
                    f"{name} is valid for no other; or set the estimator to detailed_balance with "
                    "ancestral, or to hutchinson with euler"
                )
            if self.estimator == "ito":
                return ito_change(scores, dx, step.dv)
            return kernel_ratio_change(scores, dx, step.dv, step.dv)
        if step.noise is not None or extra is None:
            raise ConfigError(
                "sampler: expected one without noise (euler) for an estimator by divergences, got "
                "a stochastic one; set the estimator to ito or detailed_balance"
            )
        return smooth_change(scores, extra, dx, step.sigma, step.sigma_next)


_EXACT_NOISE = {"ito": "the Ito estimator", "published_balance": "published_balance"}
"""Estimators that need noise of exactly ``dv``, and how they are called."""


def _check_injects(step: Step) -> None:
    """Detailed balance takes the noise of a step for its own: with less it does not converge.

    It then has a Gaussian's divergence in place of the model's, at any number of steps.
    """
    ancestral = step.dv * (step.sigma_next / step.sigma) ** 2
    if step.noise is None or step.noise_share < 1 or step.noise_std**2 < ancestral * (1 - 1e-6):
        raise ConfigError(
            "sampler: expected one whose injected noise tends to the exact variance (sde, "
            "ancestral) for detailed balance, got one with less; or set the estimator to "
            "hutchinson with a sampler of the ODE"
        )


def probe_of(bits: Bits, sigma: float, dtype: torch.dtype) -> Samples:
    """Random signs, hashed from the bits of the path's start and from the noise level.

    So every sample has its own probe, another one at every level, and the same in every batch: the
    start is drawn to the bit, while a network's last bits depend on what else it computes.
    """
    (level,) = struct.unpack("<q", struct.pack("<d", sigma))
    width = torch.iinfo(bits.dtype).bits
    level = (level * _FACTORS[64] >> (64 - width)) % 2**width
    return torch.where(_mixed(bits ^ _signed(level, width)) < 0, -1.0, 1.0).to(dtype)


def bits_of(x: Samples) -> Bits:
    """The bits of ``x``, mixed: random integers of its shape; half precision is widened first."""
    wide = x if x.dtype == torch.float64 else x.float()
    kind = torch.int64 if x.dtype == torch.float64 else torch.int32
    return _mixed(wide.contiguous().view(kind))


_FACTORS = {32: 0x9E3779B1, 64: 0x9E3779B97F4A7C15}
"""Odd numbers near 2^width over the golden ratio: Fibonacci hashing."""


def _mixed(bits: Bits) -> Bits:
    """Two rounds of multiplication, so that the sign depends on all bits."""
    width = torch.iinfo(bits.dtype).bits
    factor = _signed(_FACTORS[width], width)
    bits = bits * factor
    return (bits ^ (bits >> 15)) * factor


def _signed(number: int, width: int) -> int:
    """The integer in [0, 2^width) as two's complement has it."""
    return number - 2**width if number >= 2 ** (width - 1) else number
