"""Every sample follows one of the models, drawn at random for it: the plain mixture.

The baseline that SuperDiff's OR stands beside (Skreta et al. 2025, Table 1).
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from projcomp.composition.densities import bits_of
from projcomp.diffusion.field import ScoreStack, Step
from projcomp.diffusion.shapes import Index, Samples


@dataclass(frozen=True)
class Choice:
    """State of a random choice: ``model`` is which one each sample follows, ``(batch,)``."""

    model: Index

    def records(self) -> dict[str, Tensor]:
        """``choice``, shape ``(batch,)``."""
        return {"choice": self.model}


@dataclass(frozen=True)
class RandomChoice:
    """The score field of a mixture in equal shares, decided at the start.

    All models are evaluated, though each sample uses one: a stack knows no selection.

    Attributes:
        scores: the stacked models, no background.
        num_models: how many.
    """

    scores: ScoreStack
    num_models: int

    @property
    def stateful(self) -> bool:
        """False: the choice never changes, so that trial steps do no harm."""
        return False

    @property
    def start_scale(self) -> float:
        """1: every sample follows one model."""
        return 1.0

    def init(self, x: Samples, sigma: float) -> Choice:
        """Draw a model for every sample from the bits of its start noise, whatever its batch."""
        summed = bits_of(x).flatten(1).to(torch.int64).sum(1)
        return Choice((summed >> 3).remainder(self.num_models))

    def score(self, step: Step, state: Choice) -> tuple[Samples, Choice]:
        """The chosen model's score, shape ``(batch, *dims)``."""
        stacked = self.scores(step.x, step.sigma)
        return stacked[state.model, torch.arange(len(step.x), device=step.x.device)], state

    def observe(self, step: Step, dx: Samples, state: Choice) -> Choice:
        """Nothing to remember but the choice."""
        return state
