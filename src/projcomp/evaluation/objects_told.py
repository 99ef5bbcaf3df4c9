"""The objects that were detected in an image, as one cell of a table: ``red 0.2 0.41;blue ...``."""

from collections.abc import Sequence
from typing import NamedTuple

from projcomp.evaluation.heatmaps import Detections
from projcomp.scenes.vocabulary import COLORS


class FoundObject(NamedTuple):
    """One detected object: its colour by name, and its centre in [0, 1], x right and y down."""

    color: str
    x: float
    y: float


def tell_objects(found: Detections, vocabulary: Sequence[str]) -> str:
    """The cell of an image's objects, best first; centres to a ten thousandth of the side."""
    return ";".join(
        f"{vocabulary[int(color)]} {x:.4f} {y:.4f}"
        for (x, y), color in zip(found.xy.tolist(), found.color, strict=True)
    )


def read_objects(cell: object) -> list[FoundObject]:
    """What :func:`tell_objects` wrote; a cell that is no text has none.

    Raises:
        ValueError: the cell is something else, or names a colour that is none of CLEVR's.
    """
    if not isinstance(cell, str):
        return []
    objects = []
    for told in cell.split(";"):
        color, x, y = told.split(" ")
        if color not in COLORS:
            raise ValueError(f"expected one of {', '.join(COLORS)}, got {color!r}")
        objects.append(FoundObject(color, float(x), float(y)))
    return objects
