"""Networks that keep something from step to step, such as self-conditioning (Chen et al. 2022).

FrameDiff's networks, for one, are told what they predicted at the last noise level. What they keep
is part of the field's state: nothing is hidden in a network, and a sample depends on itself alone.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from projcomp.diffusion.field import Recording, ScoreField, ScoreStack, Step
from projcomp.diffusion.shapes import Moves, Samples

RememberingStack = Callable[[Samples, float, Any], tuple[Tensor, Any]]
"""``(x, sigma, memory) -> stacked scores, memory``; the memory is None before the first step.

Rows of the memory belong to samples, as those of ``x`` do.
"""

RememberingModel = Callable[[Samples, float, Any], tuple[Moves, Any]]
"""``(x, sigma, memory) -> scores, memory`` of one network; no memory (None) before the first step.

Networks that want one even then (FrameDiff's are evaluated once beforehand) make it there.
"""


def remembering_stack(models: Sequence[RememberingModel]) -> RememberingStack:
    """Networks side by side, each with a memory of its own, as FrameDiff beside Proteus.

    Args:
        models: the stacked networks in order.
    """

    def networks(x: Samples, sigma: float, memory: Any) -> tuple[Tensor, Any]:
        kept = (None,) * len(models) if memory is None else memory
        told = [model(x, sigma, own) for model, own in zip(models, kept, strict=True)]
        return torch.stack([scores for scores, _ in told]), tuple(own for _, own in told)

    return networks


@dataclass(frozen=True)
class Remembered:
    """State of a field whose networks remember: the field's own, and what they keep."""

    inner: Any
    memory: Any = None

    def records(self) -> dict[str, Tensor]:
        """What the field has measured."""
        return self.inner.records() if isinstance(self.inner, Recording) else {}


@dataclass(frozen=True)
class RememberingField:
    """Any composition of networks that remember.

    In each step they are evaluated once with what they kept, and keep what that evaluation gives. A
    composition that asks for derivatives evaluates them again, with the same memory.

    Attributes:
        networks: the stacked networks.
        compose: makes the composition of a score stack.
    """

    networks: RememberingStack
    compose: Callable[[ScoreStack], ScoreField]

    @property
    def stateful(self) -> bool:
        """True: a trial step's evaluation would be remembered."""
        return True

    @property
    def start_scale(self) -> float:
        """As of the composition."""
        return self._with(None).start_scale

    def init(self, x: Samples, sigma: float) -> Remembered:
        """The composition's own start, and no memory."""
        return Remembered(self._with(None).init(x, sigma))

    def score(self, step: Step, state: Remembered) -> tuple[Moves, Remembered]:
        """The composition's drift; the state keeps the networks' memory."""
        stacked, memory = self.networks(step.x, step.sigma, state.memory)

        def scores(x: Samples, sigma: float) -> Tensor:
            return stacked if x is step.x else self.networks(x, sigma, state.memory)[0]

        drift, inner = self.compose(scores).score(step, state.inner)
        return drift, Remembered(inner, memory)

    def observe(self, step: Step, dx: Moves, state: Remembered) -> Remembered:
        """As the composition does."""
        return Remembered(self._with(state.memory).observe(step, dx, state.inner), state.memory)

    def _with(self, memory: Any) -> ScoreField:
        return self.compose(lambda x, sigma: self.networks(x, sigma, memory)[0])
