"""A condition on one of finitely many values: an object's attribute, or a picture's label."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from projcomp.conditions.kind import Kind
from projcomp.conditions.table import Table

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from projcomp.config.scenes import SceneConfig


class Attribute(Kind):
    """One of finitely many values, told by its number in CLEVR's vocabulary, or among the labels.

    Args:
        name: the field of the table of objects that holds it.
        values: the values by their number there.
    """

    def __init__(self, name: str, values: Sequence[str]) -> None:
        self.name, self.values = name, tuple(values)

    def labels(self, objects: Table) -> "NDArray[np.float32]":
        """The numbers of every object's value, ``(N, K, 1)``."""
        return objects[self.name].astype("f4")[..., None]

    def numbers(self, value: Any) -> tuple[float, ...]:
        """The number of a value among the values."""
        if value not in self.values:
            raise ValueError(f"expected one of {', '.join(self.values)}, got {value!r}")
        return (float(self.values.index(value)),)

    def answers(self, labels: Any, told: Any, bandwidth: float) -> Any:
        """Which objects have the value."""
        return labels[..., 0] == told[0]

    def narrowed(self, scene: "SceneConfig", value: Any, *, has: bool) -> "SceneConfig | None":
        """The scene's settings with this value alone, or without it."""
        field = f"{self.name}s"
        left = [one for one in getattr(scene, field) if (one == value) == has]
        if has:
            left = [value]  # also where other pictures do not have it
        return scene.model_copy(update={field: left}) if left else None

    def drawn(self, scene: "SceneConfig", counts: range) -> tuple[str, ...]:
        """The values that the scene's setting lists; of a label, which no scene has, none."""
        return tuple(getattr(scene, f"{self.name}s", ()))

    def in_words(self, told: Any) -> str:
        """The value's name."""
        return self.values[int(told[0])]
