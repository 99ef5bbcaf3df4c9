"""The reverse process: a predictor from noise level to noise level, a corrector at each, swarms.

Every sampler of :mod:`projcomp.sampling.samplers` is this loop with other parts.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any, Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor

from projcomp.diffusion.field import ScoreField, Step
from projcomp.diffusion.shapes import Samples
from projcomp.errors import ConfigError, UserError
from projcomp.samplers.line_integral import Score
from projcomp.samplers.noise import NO_NOISE, Noise
from projcomp.samplers.result import Chain, Move, SamplerResult
from projcomp.samplers.smc import Swarms, log_mean_weight
from projcomp.samplers.window import Windowed


@runtime_checkable
class Predictor(Protocol):
    """Brings samples from one noise level to the next lower one."""

    def __call__(
        self,
        field: ScoreField,
        x: Samples,
        sigma: float,
        sigma_next: float,
        state: Any,
        noise: Noise,
    ) -> Move:
        """Move ``x``, shape ``(batch, *dims)``, from ``sigma`` to ``sigma_next``."""
        ...


@runtime_checkable
class Kernel(Protocol):
    """A Markov chain that keeps the field's distribution at one noise level."""

    def __call__(self, score: Score, x: Samples, sigma: float, noise: Noise, steps: int) -> Chain:
        """Make ``steps`` steps from ``x``, shape ``(batch, *dims)``, at ``sigma`` > 0."""
        ...


@dataclass(frozen=True)
class Corrector(Windowed):
    """A kernel run after every predictor step that ends between two noise levels.

    Attributes:
        kernel: the Markov chain.
        steps: how many per noise level.
        sigma_min: least noise level it runs at; never at 0.
        sigma_max: greatest noise level it runs at.
    """

    kernel: Kernel
    steps: int
    sigma_min: float = 0.0
    sigma_max: float = float("inf")


@torch.no_grad()  # a graph of the whole path would fill the memory; forward derivatives need none
def sample(
    field: ScoreField,
    x: Samples,
    sigmas: Float[Tensor, " levels"] | Sequence[float],
    predictor: Predictor,
    *,
    noise: Noise = NO_NOISE,
    corrector: Corrector | None = None,
    swarms: Swarms | None = None,
) -> SamplerResult:
    """Follow ``field`` from ``sigmas[0]`` to ``sigmas[-1]``.

    Args:
        field: the composition.
        x: the start, shape ``(batch, *dims)``, already scaled to its noise level.
        sigmas: decreasing noise levels, shape ``(num_steps + 1,)``; the last may be 0.
        predictor: makes the step between two levels.
        noise: the samples' random streams; needed by all that is not deterministic.
        corrector: what runs at the levels in between.
        swarms: resampling by the field's weights, which it then must keep: those of the steps in
            the swarms' window. The predictor should inject noise, or a corrector run: copies of a
            particle are else copies to the end.

    Raises:
        ConfigError: the parts do not go together, or random streams are missing.
        UserError: the noise levels do not decrease, or the streams are of other samples.
    """
    levels = _decreasing(sigmas)
    if corrector and field.stateful:
        raise ConfigError(
            "corrector: expected an operator whose score does not follow the steps made, got one "
            "that does (superposition); leave the corrector out"
        )
    if swarms:
        swarms.check(field, len(x))
    state = field.init(x, levels[0])
    num_evaluations, accepted, sizes, gains = 0, [], [], []
    for sigma, sigma_next in pairwise(levels):
        before = state
        move = predictor(field, x, sigma, sigma_next, state, noise)
        x, state = move.x, move.state
        num_evaluations += move.num_evaluations
        if swarms and not swarms.runs_at(sigma_next):
            state = swarms.unweighed(field, state, before)
        elif swarms:
            drawn = swarms.resample(field, x, state, noise)
            x, state = drawn.x, drawn.state
            sizes.append(drawn.effective_size)
            gains.append(drawn.gained)
            if drawn.index is not None:  # what was accepted goes with the particle
                accepted = [share[drawn.index] for share in accepted]
        if corrector and corrector.runs_at(sigma_next):
            score = partial(_score_at, field, sigma_next, state)
            chain = corrector.kernel(score, x, sigma_next, noise, corrector.steps)
            x = chain.x
            num_evaluations += chain.num_evaluations
            accepted += [] if chain.acceptance is None else [chain.acceptance]
    if swarms:
        gains.append(log_mean_weight(swarms.log_weight(field, state)))
    return SamplerResult(
        x,
        state,
        num_evaluations,
        acceptance=torch.stack(accepted).mean(0) if accepted else None,
        effective_size=torch.stack(sizes) if sizes else None,
        log_z=torch.stack(gains).sum(0) if gains else None,
    )


def _decreasing(sigmas: Tensor | Sequence[float]) -> list[float]:
    """The noise levels as numbers.

    Raises:
        UserError: they are none that a path could step through.
    """
    levels = torch.as_tensor(sigmas, dtype=torch.float64)
    expected = "sigmas: expected noise levels in one row, finite, decreasing, the last 0 or more"
    mend = "make them by edm_sigmas, or flip them"
    if levels.ndim != 1 or not len(levels):
        raise UserError(f"{expected}, got shape {tuple(levels.shape)}; {mend}")
    if not levels.isfinite().all():
        raise UserError(f"{expected}, got NaN or infinity; {mend}")
    row = levels.tolist()
    if row[-1] < 0:
        raise UserError(f"{expected}, got {row[-1]:g}; {mend}")
    for before, after in pairwise(row):
        if not after < before:
            raise UserError(f"{expected}, got {after:g} after {before:g}; {mend}")
    return row


def _score_at(field: ScoreField, sigma: float, state: Any, x: Samples) -> Samples:
    """The field's score where no step is made; its state stays as it is."""
    return field.score(Step(x, sigma, sigma), state)[0]
