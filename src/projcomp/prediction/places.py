"""Positions as conditions: cells of the picture, or given places within a bandwidth."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from projcomp.errors import ConfigError
from projcomp.scenes.locations import default_locations
from projcomp.words import quoted


@dataclass(frozen=True)
class Division:
    """How points of the picture, ``(x, y)`` in [0, 1] from the top left, become conditions.

    Attributes:
        cells: cells along each side, named by row and column from the top left: ``r1c1``.
        places: shape ``(P, 2)``, named ``p1``, ``p2``, ... in their order; None for cells.
        bandwidth: how near to a place a point must lie, as a share of the picture's side.
    """

    cells: int = 3
    places: NDArray[np.float64] | None = None
    bandwidth: float = 0.05

    def labels(self, points: NDArray[np.floating]) -> NDArray[np.str_]:
        """The name of every point ``(N, 2)``, ``(N,)``; empty where it is near no place."""
        if self.places is None:
            column, row = np.minimum((points * self.cells).astype(int), self.cells - 1).T
            return np.array([f"r{r + 1}c{c + 1}" for r, c in zip(row, column, strict=True)])
        apart = np.linalg.norm(points[:, None] - self.places, axis=2)
        nearest = apart.argmin(1)
        names = np.array([f"p{place + 1}" for place in nearest])
        return np.where(apart.min(1) <= self.bandwidth, names, "")


def parse_places(text: str | None) -> NDArray[np.float64] | None:
    """Places as ``0.2,0.3;0.5,0.6``, or the project's nine: ``default``.

    Raises:
        ConfigError: they are no points in [0, 1].
    """
    if text is None:
        return None
    if text == "default":
        return default_locations()
    try:
        places = np.array([[float(v) for v in point.split(",")] for point in text.split(";")])
        if places.shape[1:] == (2,) and ((places >= 0) & (places <= 1)).all():
            return places
    except ValueError:
        pass
    raise ConfigError(
        f"--places: points in [0, 1] such as 0.2,0.3;0.5,0.6 expected, or default, got "
        f"{quoted(text)}: correct it"
    )
