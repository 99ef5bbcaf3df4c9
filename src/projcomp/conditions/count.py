"""A condition on how many objects there are in the picture: every one of them answers to it."""

from typing import TYPE_CHECKING, Any

from projcomp.conditions.kind import Kind
from projcomp.conditions.table import THERE, Table

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from projcomp.config.scenes import SceneConfig

MAX_OBJECTS = 20
"""Objects of one picture, at most. No object at all is the condition 'empty'."""


class Count(Kind):
    """The number of objects, from 1 on."""

    name = "count"
    values = tuple(str(number) for number in range(1, MAX_OBJECTS + 1))
    of_picture = True

    def labels(self, objects: Table) -> "NDArray[np.float32]":
        """The picture's number of objects, from 0 for one, of every object: ``(N, K, 1)``."""
        there = objects[THERE]
        return (there.sum(1) - 1).astype("f4")[:, None, None].repeat(there.shape[1], axis=1)

    def numbers(self, value: Any) -> tuple[float, ...]:
        """The number of objects, from 0 for one."""
        if str(value) not in self.values:
            raise ValueError(f"expected a number from 1 to {MAX_OBJECTS}, got {value!r}")
        return (float(value) - 1,)

    def answers(self, labels: Any, told: Any, bandwidth: float) -> Any:
        """Which objects stand in a picture of so many."""
        return labels[..., 0] == told[0]

    def drawn(self, scene: "SceneConfig", counts: range) -> tuple[str, ...]:
        """The numbers of objects of such pictures."""
        return tuple(value for value in self.values if int(value) in counts)

    def least(self, value: Any) -> int:
        """So many objects."""
        return int(value)

    def in_words(self, told: Any) -> str:
        """So many objects, in digits."""
        return f"n={int(told[0]) + 1}"
