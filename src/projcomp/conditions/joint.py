"""A condition on several things about one and the same object: a red cube, a red one at a place."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from projcomp.conditions.kind import Kind
from projcomp.conditions.table import Table

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


TOGETHER = "+"
"""What stands between the names of the kinds that a joint one is made of."""

UNTOLD = -1.0
"""Every number of a part that is not told: no place and no attribute has it."""


class Joint(Kind):
    """Some kinds at once, each of them told or not, of one object.

    Args:
        parts: the kinds, in the order of their numbers.
    """

    def __init__(self, parts: Sequence[Kind]) -> None:
        self._parts = tuple(parts)
        self.name = TOGETHER.join(part.name for part in parts)
        self.width = sum(part.width for part in parts)

    @property
    def parts(self) -> tuple[Kind, ...]:
        """The kinds that it is made of."""
        return self._parts

    def labels(self, objects: Table) -> "NDArray[np.float32]":
        """The parts' labels side by side, ``(N, K, width)``."""
        import numpy as np

        return np.concatenate([part.labels(objects) for part in self._parts], -1)

    def numbers(self, value: Any) -> tuple[float, ...]:
        """The parts' numbers of values by the name of their kind; what is left out is untold."""
        told: list[float] = []
        for part in self._parts:
            given = value.get(part.name)
            told += [UNTOLD] * part.width if given is None else part.numbers(given)
        return tuple(told)

    def answers(self, labels: Any, told: Any, bandwidth: float) -> Any:
        """Which objects answer to every part that is told."""
        answer = labels[..., 0] == labels[..., 0]  # all of them
        for part, here in self._told(told):
            answer = answer & part.answers(labels[..., here], told[here], bandwidth)
        return answer

    def in_words(self, told: Any) -> str:
        """The words of the parts that are told."""
        return " ".join(part.in_words(told[here]) for part, here in self._told(told)) or "any"

    def _told(self, told: Any) -> list[tuple[Kind, slice]]:
        """The parts that are told, and where their numbers stand."""
        ends = 0
        found = []
        for part in self._parts:
            here = slice(ends, ends + part.width)
            ends += part.width
            if told[here.start] != UNTOLD:
                found.append((part, here))
        return found
