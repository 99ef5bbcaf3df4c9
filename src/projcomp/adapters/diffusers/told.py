"""What a network is told: the parts of a condition under a key, and the adapters that are on."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from torch import Tensor

if TYPE_CHECKING:
    from projcomp.adapters.diffusers.pipeline import Pipeline

Loras = tuple[tuple[str, float], ...]
"""Adapters by name with their weights, sorted; none is the network as it was."""

Parts = Mapping[str, Tensor]
"""Tensors by name, each of one sample: tokens, pooled vectors, sizes, a label."""


@dataclass(frozen=True)
class Told:
    """A condition of a pipeline. Two are equal where what was asked is, whatever its numbers.

    Attributes:
        key: what was asked, such as the prompt and the size of the picture.
        loras: the adapters that are on.
        pipeline: who answers.
        parts: what the network is handed.
    """

    key: tuple[str | int, ...]
    loras: Loras
    pipeline: "Pipeline" = field(compare=False, repr=False)
    parts: Parts = field(compare=False, repr=False)

    @property
    def shapes(self) -> tuple[tuple[str, tuple[int, ...]], ...]:
        """Names and shapes of its parts: equal ones can be stacked."""
        return tuple((name, tuple(part.shape)) for name, part in sorted(self.parts.items()))
