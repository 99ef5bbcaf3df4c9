"""What every kind of condition says of itself.

A condition of a kind is ``width`` numbers. The same numbers label the objects of renders, of scenes
and of detections, so that one rule (:meth:`Kind.answers`) says which renders an exact model holds,
which scenes are true compositions, and which detected object answers to a request.
"""

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

from projcomp.conditions.table import Table

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from projcomp.config.scenes import SceneConfig


class Kind(ABC):
    """One kind of condition on one object of a picture.

    Attributes:
        name: what a config calls it.
        width: how many numbers tell a condition of it.
        values: what can be asked for, in the order of the numbers that tell it; empty where an
            image point is, x to the right and y down in [0, 1].
        of_picture: whether all objects of a picture have the same value.
    """

    name: str
    width: int = 1
    values: tuple[str, ...] = ()
    of_picture: bool = False

    @property
    def parts(self) -> "tuple[Kind, ...]":
        """The kinds that it is made of: itself, where it is no set of others."""
        return (self,)

    @abstractmethod
    def labels(self, objects: Table) -> "NDArray[np.float32]":
        """What every object could be asked for by.

        Args:
            objects: of N pictures with K rows each (``table.py``).

        Returns:
            ``(N, K, width)``.
        """

    @abstractmethod
    def numbers(self, value: Any) -> tuple[float, ...]:
        """The ``width`` numbers of a value that is asked for: a name, or an image point.

        Raises:
            ValueError: there is no such value; the message says what is expected and what was got.
        """

    @abstractmethod
    def answers(self, labels: Any, told: Any, bandwidth: float) -> Any:
        """Which labels answer to what is asked for; of numpy's arrays or of torch's tensors alike.

        Args:
            labels: ``(..., width)``.
            told: ``(width,)``.
            bandwidth: how near an image point counts as there, as a share of the image's side.

        Returns:
            truth values ``(...)``.
        """

    def narrowed(self, scene: "SceneConfig", value: Any, *, has: bool) -> "SceneConfig | None":
        """The scene's settings with which an object is drawn that has the value, or has it not.

        As they are, where no setting decides it: then scenes are drawn until one is right. None
        where nothing is left to draw from.
        """
        return scene

    def drawn(self, scene: "SceneConfig", counts: range) -> tuple[str, ...]:
        """The values that objects have in pictures of a scene's settings and of so many objects.

        Empty where no setting decides them.
        """
        return ()

    def point(self, value: Any) -> tuple[float, float] | None:
        """Where in the picture an object of this value stands; None where it may stand anywhere."""
        return None

    def least(self, value: Any) -> int:
        """How many objects a picture has at least in which one answers to the value."""
        return 1

    @abstractmethod
    def in_words(self, told: Any) -> str:
        """What is asked for, ``(width,)``, as a few characters to stand beside an image."""
