"""What a sampler hands back."""

from dataclasses import dataclass
from typing import Any

from torch import Tensor


@dataclass(frozen=True)
class SamplerResult:
    """The end of a reverse process.

    Attributes:
        x: the samples, shape ``(batch, *dims)``.
        state: the field's state at the end (what it measured on the way), None for most.
        num_evaluations: how often the field's score was evaluated.
    """

    x: Tensor
    state: Any
    num_evaluations: int
