"""Where compositions and samplers meet: a sampler follows a score field, a composition is one.

Neither knows the other. A composition sees *stacked scores* of shape ``(num_models, batch, *dims)``
and makes of them one *score field*; a sampler asks the field for one score at a time. Because some
compositions need memory along the path (superposition weighs its models by log-densities that come
from the displacement really made, and by the noise of the very step), the field's state is
explicit: the sampler carries it and never looks inside.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from torch import Tensor

from projcomp.diffusion.shapes import (
    Index,
    Moves,
    PerSample,
    Precise,
    Samples,
    Stacked,
)

ScoreStack = Callable[[Samples, float], Stacked]
"""``(x (batch, *dims), sigma) -> scores (num_models, batch, *dims)`` of all models at once."""

Denoiser = Callable[[Samples, PerSample, Any], Samples]
"""``(x (batch, *dims), sigma (batch,), condition) -> denoised (batch, *dims)``.

The condition is a row of numbers a sample, ``(batch, C)``, or a list of anything else, one a
sample (:class:`projcomp.diffusion.batched.BatchedScores`).
"""


@dataclass(frozen=True)
class Step:
    """One step that a sampler is about to make.

    Attributes:
        x: the samples before the step, shape ``(batch, *dims)``.
        sigma: their noise level.
        sigma_next: the noise level after the step, at most ``sigma``.
        noise: the standard normal noise that this step will inject, shaped as a displacement, or
            None where the step injects none.
        noise_std: what the sampler will multiply ``noise`` by.
        noise_share: ``xi``, the share of the reverse SDE's noise that the process keeps as steps
            become many: 1 of the SDE and of ancestral samplers; it means nothing without ``noise``.
    """

    x: Samples
    sigma: float
    sigma_next: float
    noise: Moves | None = None
    noise_std: float = 0.0
    noise_share: float = 1.0

    @property
    def dv(self) -> float:
        """The drop in noise variance, ``sigma^2 - sigma_next^2``."""
        return self.sigma**2 - self.sigma_next**2

    @property
    def injects_dv(self) -> bool:
        """Whether the injected variance is exactly ``dv``, as the Ito estimator demands."""
        return self.noise is not None and abs(self.noise_std**2 - self.dv) <= 1e-6 * self.dv


Retraction = Callable[[Step, Moves], Samples]
"""``(step, dx) -> x``: where a step's displacement leads."""


def add(step: Step, dx: Samples) -> Samples:
    """``x + dx``: the retraction of flat space."""
    return step.x + dx


@runtime_checkable
class ScoreField(Protocol):
    """A direction for every sample at every noise level, with explicit state.

    A sampler calls ``init`` once, then in every step ``score`` (the drift, in score units) and
    ``observe`` (what the step did). Each returns the new state and changes nothing in place.
    """

    @property
    def stateful(self) -> bool:
        """Whether ``score`` depends on the state; samplers with trial steps refuse such a field."""
        ...

    @property
    def start_scale(self) -> float:
        """Standard deviation of the start, as a multiple of the first noise level."""
        ...

    def init(self, x: Samples, sigma: float) -> Any:
        """The state at the start ``x``, shape ``(batch, *dims)``, of noise level ``sigma``."""
        ...

    def score(self, step: Step, state: Any) -> tuple[Moves, Any]:
        """The drift of ``step``, shaped as a displacement, and the state (may keep scores)."""
        ...

    def observe(self, step: Step, dx: Moves, state: Any) -> Any:
        """The state after ``step`` displaced the samples by ``dx``."""
        ...


@runtime_checkable
class StartsAtInfinity(ScoreField, Protocol):
    """A score field of a path that may start at an infinite noise level, where no score is."""

    def mean_at_infinity(self, denoised: Stacked) -> Samples:
        """The composed mean there, of the models' own, as all densities are equal."""
        ...


@runtime_checkable
class Recording(Protocol):
    """A state that has measured something along the path."""

    def records(self) -> dict[str, Tensor]:
        """What it has measured by name, each of shape ``(batch, ...)``."""
        ...


@runtime_checkable
class WeightedField(ScoreField, Protocol):
    """A score field that also weighs its samples on the way, so that they can be resampled."""

    def log_weight(self, state: Any) -> Precise:
        """Log of the importance weights, shape ``(batch,)``."""
        ...

    def resampled(self, state: Any, index: Index, log_weight: Precise) -> Any:
        """The state of the samples ``index``, shape ``(batch,)``, with these log-weights."""
        ...
