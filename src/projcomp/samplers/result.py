"""What samplers and their parts hand back."""

from dataclasses import dataclass
from typing import Any

from jaxtyping import Float64
from torch import Tensor

from projcomp.diffusion.shapes import PerSwarm, Precise, Samples


@dataclass(frozen=True)
class Move:
    """What one predictor step did.

    Attributes:
        x: the samples afterwards, shape ``(batch, *dims)``.
        state: the field's state afterwards.
        num_evaluations: how often the field's score was evaluated.
    """

    x: Samples
    state: Any
    num_evaluations: int


@dataclass(frozen=True)
class Chain:
    """What a kernel did at one noise level.

    Attributes:
        x: the samples afterwards, shape ``(batch, *dims)``.
        num_evaluations: how often the score was evaluated.
        acceptance: share of accepted proposals, shape ``(batch,)``; None where nothing is proposed.
    """

    x: Samples
    num_evaluations: int
    acceptance: Precise | None = None


@dataclass(frozen=True)
class SamplerResult:
    """The end of a reverse process.

    Attributes:
        x: the samples, shape ``(batch, *dims)``.
        state: the field's state at the end (what it measured on the way), None for most.
        num_evaluations: how often the field's score was evaluated.
        acceptance: share of the corrector's proposals that were accepted, shape ``(batch,)``; None
            without proposals.
        effective_size: effective sample size of every swarm before each resampling decision, shape
            ``(decisions, swarms)``, a decision per step in their window; None without any.
        log_z: estimated log-normaliser of every swarm's weights, shape ``(swarms,)``; None without.
    """

    x: Samples
    state: Any
    num_evaluations: int
    acceptance: Precise | None = None
    effective_size: Float64[Tensor, "decisions swarms"] | None = None
    log_z: PerSwarm | None = None
