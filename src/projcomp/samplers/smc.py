"""Sequential Monte Carlo: swarms of particles, resampled by the weights that a field keeps.

One swarm per requested sample, never across them (docs/method.md, section 5).
"""

import math
from dataclasses import dataclass
from typing import Any, cast

import torch
from jaxtyping import Float64, Integer
from torch import Tensor

from projcomp.diffusion.bounds import check_number
from projcomp.diffusion.field import ScoreField, WeightedField
from projcomp.diffusion.shapes import PerSample, PerSwarm, Precise, Samples, SwarmWeights
from projcomp.errors import ConfigError, UserError
from projcomp.samplers.noise import Noise, uniforms_for
from projcomp.samplers.window import Windowed


@dataclass(frozen=True)
class Resampled:
    """Particles after a resampling decision.

    Attributes:
        x: the particles, shape ``(batch, *dims)``.
        state: the field's state, of the same particles.
        index: which particle each of them was, shape ``(batch,)``; None where all stayed.
        effective_size: of every swarm before, ``(swarms,)``.
        gained: log of a swarm's mean weight where it was resampled, 0 elsewhere, ``(swarms,)``.
    """

    x: Samples
    state: Any
    index: Integer[Tensor, " batch"] | None
    effective_size: PerSwarm
    gained: PerSwarm


@dataclass(frozen=True)
class Swarms(Windowed):
    """Consecutive particles in swarms of equal size.

    Attributes:
        particles: how many are a swarm; the batch is a multiple of it.
        threshold: a swarm is resampled when its effective size falls below this share of them.
        sigma_min: least noise level at which a step that is weighed ends; that to 0 never is.
        sigma_max: greatest of them. What the other steps add to the field's weights is taken back:
            the law of the samples is corrected along the window alone.

    Raises:
        ConfigError: a swarm has no particle, or the share is out of [0, 1].
    """

    particles: int
    threshold: float = 0.5
    sigma_min: float = 0.0
    sigma_max: float = math.inf

    def __post_init__(self) -> None:
        check_number("particles", self.particles, 1)
        check_number("threshold", self.threshold, 0, 1)

    def check(self, field: ScoreField, count: int) -> None:
        """Whether ``count`` particles of ``field`` can be resampled.

        Raises:
            ConfigError: the field keeps no weights, or the batch is no multiple of the size.
        """
        if not hasattr(field, "log_weight"):
            raise ConfigError(
                "swarms: expected an operator that keeps weights (a weighed linear composition), "
                "got one that does not; leave the swarms out"
            )
        if count % self.particles:
            raise ConfigError(
                f"swarms: expected a multiple of {self.particles} particles, got {count}"
            )

    def log_weight(self, field: ScoreField, state: Any) -> SwarmWeights:
        """Log-weights since the last resampling, ``(swarms, size)``, float64."""
        return cast(WeightedField, field).log_weight(state).double().reshape(-1, self.particles)

    def unweighed(self, field: ScoreField, state: Any, before: Any) -> Any:
        """``state`` after a step outside the window, with the log-weights of ``before`` it."""
        weighted = cast(WeightedField, field)
        kept = weighted.log_weight(before)
        return weighted.resampled(state, torch.arange(len(kept), device=kept.device), kept)

    def resample(self, field: ScoreField, x: Samples, state: Any, noise: Noise) -> Resampled:
        """Resample the swarms that need it, systematically; their log-weights start again at 0.

        Raises:
            UserError: a weight is not a number.
        """
        log_weight = self.log_weight(field, state)
        size = effective_size(log_weight)
        if not size.isfinite().all():
            raise UserError(
                "swarms: expected finite log-weights, got NaN or infinity; take more noise levels, "
                "or precision fp32"
            )
        due = size < self.threshold * self.particles
        uniform = uniforms_for(noise, x).reshape(-1, self.particles)[:, :1]
        if not due.any():
            return Resampled(x, state, None, size, torch.zeros_like(size))
        chosen = systematic(log_weight.softmax(1), uniform)
        own = torch.arange(self.particles, device=x.device).expand_as(chosen)
        first = torch.arange(len(log_weight), device=x.device)[:, None] * self.particles
        index = (first + torch.where(due[:, None], chosen, own)).reshape(-1)
        left = torch.where(due[:, None], 0.0, log_weight).reshape(-1)
        gained = torch.where(due, log_mean_weight(log_weight), 0.0)
        state = cast(WeightedField, field).resampled(state, index, left)
        return Resampled(x[index], state, index, size, gained)


def log_mean_weight(log_weight: SwarmWeights) -> PerSwarm:
    """Log of each swarm's mean weight: ``(swarms, size)`` to ``(swarms,)``."""
    return log_weight.logsumexp(1) - math.log(log_weight.shape[1])


def effective_size(log_weight: SwarmWeights) -> PerSwarm:
    """``1 / sum w^2`` of normalised weights: ``(swarms, size)`` to ``(swarms,)``."""
    return 1 / log_weight.softmax(1).square().sum(1)


def systematic(
    weights: SwarmWeights, uniform: Float64[Tensor, "swarms 1"]
) -> Integer[Tensor, "swarms size"]:
    """Systematic resampling: particle i is taken floor or ceil of ``size * w_i`` times.

    Args:
        weights: normalised, shape ``(swarms, size)``.
        uniform: in [0, 1), shape ``(swarms, 1)``, of the weights' dtype.

    Returns:
        indices within the swarm, rising, shape ``(swarms, size)``.
    """
    size = weights.shape[1]
    return _at(weights, (torch.arange(size, device=weights.device) + uniform) / size)


def pick_one(log_weight: PerSample, size: int, uniform: Precise) -> Integer[Tensor, " swarms"]:
    """One particle of each swarm, drawn by its weight.

    Args:
        log_weight: shape ``(swarms * size,)``.
        size: particles per swarm.
        uniform: one number in [0, 1) per particle, float64; the first of each swarm is used.

    Returns:
        indices into the batch, shape ``(swarms,)``.
    """
    weights = log_weight.double().reshape(-1, size).softmax(1)
    within = _at(weights, uniform.reshape(-1, size)[:, :1].contiguous())
    return torch.arange(len(weights), device=weights.device) * size + within[:, 0]


def _at(weights: Tensor, points: Tensor) -> Tensor:
    """Which particle's share of [0, 1) holds each point: ``(swarms, P)`` to the same, integer."""
    edges = weights.cumsum(1)
    found = torch.searchsorted(edges / edges[:, -1:], points, right=True)
    return found.clamp(max=weights.shape[1] - 1)
