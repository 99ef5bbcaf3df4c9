"""Any composition, with the interaction of its models' deltas recorded along its path.

The interaction ``sum dv <delta_i, delta_j>`` (docs/method.md, section 5) says which pair of models
is in each other's way, at which noise level and where. It is a measurement of the scores at the
path's points, whichever drift made it: a superposition's as well as a product's.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor

from projcomp.composition.feynman_kac import Interaction, WeightedLinearField
from projcomp.composition.infinite_noise import mean_at_infinity
from projcomp.diffusion.field import Recording, ScoreField, ScoreStack, Step
from projcomp.diffusion.shapes import Samples, Stacked


@dataclass(frozen=True)
class Interacting:
    """State: the composition's own, and what was recorded.

    ``weighed`` says whether the log-weights of the record are the composition's.
    """

    inner: Any
    interaction: Interaction
    weighed: bool = False

    def records(self) -> dict[str, Tensor]:
        """What the composition has measured, ``interaction`` and ``interaction_map``."""
        found = self.interaction.records()
        if not self.weighed:
            del found["log_weight"]  # of a product, which this path need not be of
        return {**(self.inner.records() if isinstance(self.inner, Recording) else {}), **found}


@dataclass(frozen=True)
class InteractingField:
    """A composition that records the interaction of its models.

    Models are evaluated once a step; a composition that asks for derivatives evaluates them again.

    Attributes:
        scores: the stacked models.
        compose: makes the composition of a score stack.
        num_models: how many models, without the background.
        background: whether the first of the stack is a background, from which the deltas are
            taken; else they are the scores themselves.
        weights: of a linear composition, one per model: pairs count in the map by them, and the
            Feynman-Kac weights are recorded too. None for all one, of other compositions.
    """

    scores: ScoreStack
    compose: Callable[[ScoreStack], ScoreField]
    num_models: int
    background: bool = True
    weights: tuple[float, ...] | None = None

    @property
    def stateful(self) -> bool:
        """True: trial steps would be recorded."""
        return True

    @property
    def start_scale(self) -> float:
        """As of the composition."""
        return self.composition.start_scale

    def mean_at_infinity(self, denoised: Stacked) -> Samples:
        """As of the composition.

        Raises:
            ConfigError: it does not say.
        """
        return mean_at_infinity(self.composition, denoised)

    @property
    def composition(self) -> ScoreField:
        """The composition that is recorded."""
        return self.compose(self.scores)

    def init(self, x: Samples, sigma: float) -> Interacting:
        """The composition's own start, and nothing recorded."""
        recorder = self._recorder(self.scores)
        inner = self.composition.init(x, sigma)
        return Interacting(inner, recorder.init(x, sigma), self.weights is not None)

    def score(self, step: Step, state: Interacting) -> tuple[Samples, Interacting]:
        """The composition's drift, shape ``(batch, *dims)``."""
        stacked = self.scores(step.x, step.sigma)

        def scores(x: Samples, sigma: float) -> Stacked:
            return stacked if x is step.x else self.scores(x, sigma)

        drift, inner = self.compose(scores).score(step, state.inner)
        _, interaction = self._recorder(scores).score(step, state.interaction)
        return drift, replace(state, inner=inner, interaction=interaction)

    def observe(self, step: Step, dx: Samples, state: Interacting) -> Interacting:
        """As the composition does, and record the step."""
        inner = self.composition.observe(step, dx, state.inner)
        recorder = self._recorder(self.scores)
        interaction = recorder.observe(step, dx, state.interaction)
        return replace(state, inner=inner, interaction=interaction)

    def _recorder(self, scores: ScoreStack) -> WeightedLinearField:
        weights = (1.0,) * self.num_models if self.weights is None else self.weights
        return WeightedLinearField(scores, weights, self.background)
