"""Operators and samplers of the user's own: a function in a file outside the project.

What goes wrong in it is said in one line, with the line of the file where it is the user's error.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor

from projcomp.diffusion.field import ScoreField, ScoreStack, Step
from projcomp.own_code import OwnCodeError, OwnFunction, load_function
from projcomp.samplers.noise import Noise, normals_for
from projcomp.samplers.process import Predictor
from projcomp.samplers.result import Move
from projcomp.words import short

ROUNDING = 1e-3
"""Share of a number by which it may differ in another batch, and the second time."""


def own_field(
    file: str,
    scores: ScoreStack,
    num_composed: int,
    dims: tuple[int, ...],
    *,
    settings: Mapping[str, Any] | None = None,
    background: bool = True,
    sigma_max: float = 80.0,
) -> ScoreField:
    """The score field of a user's operator.

    Args:
        file: the Python file with the function ``operator`` or ``field``.
        scores: the background where there is one, then what is composed.
        num_composed: how many distributions are composed, the background apart.
        dims: shape of one sample.
        settings: what the function is called with besides.
        background: whether there is one.
        sigma_max: noise level of the start, at which its width is measured.

    Raises:
        UserError: the file or its function is not what is expected.
    """
    own, given = load_function(file, "operator", "field"), dict(settings or {})
    if own.name == "operator":
        own.check_arguments(3, given)
        return _FunctionField(own, given, scores, num_composed + background, dims, sigma_max)
    own.check_arguments(2, given)
    field = own.call(scores, num_composed, **given)
    with own.guard():  # which looks at the user's properties
        is_field = isinstance(field, ScoreField)
    if not is_field:
        raise own.error(
            "expected a score field (stateful, start_scale, init, score, observe), got "
            f"{type(field).__name__}"
        )
    return _GuardedField(own, field, scores)


def own_predictor(file: str, settings: Mapping[str, Any] | None = None) -> Predictor:
    """The predictor of a user's sampler.

    Args:
        file: the Python file with the function ``sampler`` or ``predictor``.
        settings: what the function is called with besides.

    Raises:
        UserError: the file or its function is not what is expected.
    """
    own, given = load_function(file, "sampler", "predictor"), dict(settings or {})
    if own.name == "sampler":
        own.check_arguments(5, given)
        return _FunctionPredictor(own, given)
    own.check_arguments(0, given)
    made = own.call(**given)
    if not callable(made):
        raise own.error(f"expected a predictor that can be called, got {type(made).__name__}")
    return _GuardedPredictor(own, made)


# What becomes of it -------------------------------------------------------------------------------


@dataclass(frozen=True)
class _FunctionField:
    """The stateless score field of ``operator(scores, x, sigma, ...)``."""

    own: OwnFunction
    settings: dict[str, Any]
    scores: ScoreStack
    num_stacked: int
    dims: tuple[int, ...]
    sigma_max: float

    @property
    def stateful(self) -> bool:
        """False: the function sees the samples and their noise level alone."""
        return False

    @property
    def start_scale(self) -> float:
        """``1 / sqrt(c)``, where the function makes ``-c x / sigma^2`` of equal ``-x / sigma^2``.

        At large noise every score is ``-x / sigma^2``; so the start has the variance of what the
        function composes, as that of a linear composition has (docs/method.md, section 2).

        Raises:
            OwnCodeError: c is not positive: nothing could be started from.
        """
        sigma = self.sigma_max
        x = sigma * torch.randn(1, *self.dims, generator=torch.Generator().manual_seed(0))
        alike = (-x / sigma**2).expand(self.num_stacked, *x.shape)
        composed, again = (self._composed(alike.clone(), x, sigma) for _ in range(2))
        if not torch.equal(composed.nan_to_num(), again.nan_to_num()):
            raise self.own.error(
                "expected the same score of the same arguments, got another the second time"
            )
        pull = float(-(composed * x).sum() * sigma**2 / (x * x).sum())
        if not (math.isfinite(pull) and pull > 0):
            raise self.own.error(
                "expected a score that pulls towards the middle where all scores do (the start is "
                f"drawn with variance sigma_max^2 / c), got one of -c x / sigma^2 with c = {pull:g}"
            )
        return pull**-0.5

    def init(self, x: Tensor, sigma: float) -> None:
        """No state."""

    def score(self, step: Step, state: None) -> tuple[Tensor, None]:
        """What the function makes of the stacked scores at ``step.x``."""
        composed = self._composed(self.scores(step.x, step.sigma), step.x, step.sigma)
        _check_composed(self.own, composed, self.scores, step)
        return composed, None

    def observe(self, step: Step, dx: Tensor, state: None) -> None:
        """Nothing to remember."""

    def _composed(self, stacked: Tensor, x: Tensor, sigma: float) -> Tensor:
        # a copy: whoever computes in place must not move the samples
        return self.own.check_score(self.own.call(stacked, x.clone(), sigma, **self.settings), x)


@dataclass(frozen=True)
class _GuardedField:
    """A user's field, whose errors are one line."""

    own: OwnFunction
    field: ScoreField
    scores: ScoreStack

    @property
    def stateful(self) -> bool:
        """As the user's."""
        with self.own.guard():
            return bool(self.field.stateful)

    @property
    def start_scale(self) -> float:
        """As the user's.

        Raises:
            OwnCodeError: it is no number above 0.
        """
        with self.own.guard():
            scale = self.field.start_scale
        if not isinstance(scale, int | float) or not (math.isfinite(scale) and scale > 0):
            raise self.own.error(f"expected a start_scale above 0, got {short(scale)}")
        return float(scale)

    def init(self, x: Tensor, sigma: float) -> Any:
        """As the user's."""
        with self.own.guard():
            return self.field.init(x, sigma)

    def score(self, step: Step, state: Any) -> tuple[Tensor, Any]:
        """As the user's, its shape checked."""
        with self.own.guard():
            score, state = self.field.score(step, state)
        score = self.own.check_score(score, step.x)
        _check_composed(self.own, score, self.scores, step)
        return score, state

    def observe(self, step: Step, dx: Tensor, state: Any) -> Any:
        """As the user's."""
        with self.own.guard():
            return self.field.observe(step, dx, state)


@dataclass(frozen=True)
class _FunctionPredictor:
    """The predictor of ``sampler(score, x, sigma, sigma_next, noise, ...)``."""

    own: OwnFunction
    settings: dict[str, Any]

    def __call__(
        self,
        field: ScoreField,
        x: Tensor,
        sigma: float,
        sigma_next: float,
        state: Any,
        noise: Noise,
    ) -> Move:
        """One step; see :class:`projcomp.samplers.process.Predictor`."""
        step, given = Step(x, sigma, sigma_next), x.clone()  # which the user may change in place
        asked = _Asked(field, state, x, given, sigma)
        draw = partial(normals_for, noise, x)
        moved = self.own.call(asked, given, sigma, sigma_next, draw, **self.settings)
        moved = self.own.check_score(moved, x)
        if _lost(moved) and not any(map(_lost, asked.scores)):
            raise _loss(self.own, moved, "samples", sigma)
        state = field.observe(step, moved - x, asked.state_at_start())
        return Move(moved, state, asked.count)


class _Asked:
    """The composed score as a user's sampler asks for it, and the state that the step begins with.

    A field sees the evaluation at the start of the step; at trial points its state stays.
    """

    def __init__(
        self, field: ScoreField, state: Any, x: Tensor, given: Tensor, sigma: float
    ) -> None:
        self._field, self._state, self._x, self._sigma = field, state, x, sigma
        self._given, self._version = given, given._version
        self._begun: tuple[Any] | None = None
        self.count = 0
        self.scores: list[Tensor] = []

    def __call__(self, x: Tensor, sigma: float) -> Tensor:
        """The composed score at ``x``, shape ``(batch, *dims)``, of noise level ``sigma`` > 0."""
        sigma = float(sigma)
        if not sigma > 0:
            raise ValueError(f"score: expected a noise level above 0, got {sigma:g}")
        self.count += 1
        score, state = self._field.score(Step(x, sigma, sigma), self._state)
        self.scores.append(score)
        untouched = x is self._x or (x is self._given and x._version == self._version)
        if self._begun is None and untouched and sigma == self._sigma:
            self._begun = (state,)
        return score

    def state_at_start(self) -> Any:
        """The state after the score was evaluated where the step begins, once more if need be."""
        if self._begun is None:
            self(self._x, self._sigma)
        assert self._begun is not None
        return self._begun[0]


@dataclass(frozen=True)
class _GuardedPredictor:
    """A user's predictor, whose errors are one line."""

    own: OwnFunction
    predictor: Callable[..., Any]

    def __call__(
        self,
        field: ScoreField,
        x: Tensor,
        sigma: float,
        sigma_next: float,
        state: Any,
        noise: Noise,
    ) -> Move:
        """One step; see :class:`projcomp.samplers.process.Predictor`."""
        with self.own.guard():
            move = self.predictor(field, x, sigma, sigma_next, state, noise)
        if not isinstance(move, Move):
            raise self.own.error(
                f"expected a predictor that makes a Move, got {type(move).__name__}"
            )
        self.own.check_score(move.x, x)
        return move


def _check_composed(own: OwnFunction, composed: Tensor, scores: ScoreStack, step: Step) -> None:
    """Whether a composed score is finite, unless the models' own are not.

    These are evaluated again, and only then: code that works in place may have changed them.

    Raises:
        OwnCodeError: it is not, though the models' are.
    """
    if _lost(composed) and not _lost(scores(step.x, step.sigma)):
        raise _loss(own, composed, "scores", step.sigma)


def _loss(own: OwnFunction, made: Tensor, what: str, sigma: float) -> OwnCodeError:
    """The error of a user's function that makes NaN or infinity of finite scores."""
    bad = int((~made.isfinite()).flatten(1).any(1).sum())
    return own.error(
        f"expected finite {what} of finite scores, got NaN or infinity in {bad} of {len(made)} at "
        f"noise level {sigma:g}; look for a division by 0, a root or a logarithm there"
    )


def _lost(made: Tensor) -> bool:
    """Whether there is NaN or infinity."""
    return not bool(made.isfinite().all())


def check_each_alone(make: Callable[[list[int]], Tensor], files: str) -> None:
    """Whether samples depend on their own seeds alone, and on nothing else.

    The sample that is made alone stands neither first nor last among the four, nor does it where
    the batch is turned round: so it sees whatever reaches across the batch.

    Args:
        make: samples ``(len(seeds), *dims)`` of seeds.
        files: whose code makes them, for the message.

    Raises:
        OwnCodeError: they do not, or are not finite.
    """
    four, again, alone = make([3, 1, 2, 4]), make([3, 1, 2, 4]), make([1])
    if not torch.isfinite(four).all():
        raise OwnCodeError(f"{files}: expected finite samples, got NaN or infinity")
    if not bool(_alike(four, again).all()):
        raise OwnCodeError(
            f"{files}: expected the same samples from the same seeds, got others the second time; "
            "draw noise from noise(), which follows the seeds"
        )
    if not bool(_alike(four[1], alone[0]).all()):
        raise OwnCodeError(
            f"{files}: expected every sample to depend on itself alone, got one that depends on "
            "its batch; reduce over a sample's own dimensions only, never over the batch"
        )


def _alike(samples: Tensor, others: Tensor) -> Tensor:
    """Which numbers are equal but for rounding, of the shape of both.

    Every number is measured by itself and by the middle one of all that are not 0: the greatest
    would hide what the others do behind one huge pixel.
    """
    sizes = others.abs()
    typical = sizes[sizes > 0].median() if bool((sizes > 0).any()) else sizes.sum()
    return (samples - others).abs() <= ROUNDING * (sizes + typical)


def check_records(measured: Mapping[str, Any], count: int, files: str) -> None:
    """Whether what was measured along the path has a row per sample.

    Raises:
        OwnCodeError: it has not, or holds something else than tensors.
    """
    for name, values in measured.items():
        rows = len(values) if isinstance(values, Tensor) and values.ndim else None
        if rows != count:
            got = type(values).__name__ if rows is None else f"{rows} rows"
            raise OwnCodeError(
                f"{files}: records: expected a tensor with a row for each of {count} samples under "
                f"{short(name)}, got {got}"
            )
