"""A condition on where an object's centre lies in the picture."""

from typing import TYPE_CHECKING, Any

from projcomp.conditions.kind import Kind
from projcomp.conditions.table import Table

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


POSITION = "position"
"""The name of this kind; of pictures from files, of the column that has their points."""


class Position(Kind):
    """An image point, x to the right and y down, as shares of the image's side."""

    name = POSITION
    width = 2

    def labels(self, objects: Table) -> "NDArray[np.float32]":
        """Every object's centre, ``(N, K, 2)``."""
        return objects["pixel"].astype("f4")

    def numbers(self, value: Any) -> tuple[float, ...]:
        """The point's coordinates."""
        try:
            x, y = map(float, value)
        except (TypeError, ValueError):
            raise ValueError(f"expected an image point [x, y], got {value!r}") from None
        return x, y

    def answers(self, labels: Any, told: Any, bandwidth: float) -> Any:
        """Which centres lie within ``bandwidth`` of the point."""
        return ((labels - told) ** 2).sum(-1) ** 0.5 <= bandwidth

    def point(self, value: Any) -> tuple[float, float] | None:
        """The point itself."""
        return float(value[0]), float(value[1])

    def in_words(self, told: Any) -> str:
        """The coordinates."""
        return f"{told[0]:.2f}, {told[1]:.2f}"
