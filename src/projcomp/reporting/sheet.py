"""Sheets of pictures: rows of images, a label before each row and a caption under each image."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from math import ceil
from typing import Any

import numpy as np
from matplotlib import rcParams
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from projcomp.evaluation.objects_told import FoundObject
from projcomp.reporting.results import CaseResult
from projcomp.reporting.style import DPI, INK, WRONG
from projcomp.scenes.vocabulary import COLORS

GAP = 6
CAPTION = 20
LABEL = 70
FITS = 5
"""So many characters of a label fit beside its row; more are drawn smaller."""
TITLE = 34
RING = 0.09
"""Diameter of the rings at requested places, as a share of the image side."""
MOST_ROWS = 20
"""Rows of a sheet below each other."""


@dataclass(frozen=True)
class Tile:
    """One image ``(H, W, 3)``, the text under it, and what is drawn over it.

    Places ``(k, 2)`` are ringed, or crossed where objects are circled too, each in its colour;
    ``framed`` puts a frame in the colour of what is wrong around the image.
    """

    image: np.ndarray
    caption: str = ""
    color: str = INK
    rings: np.ndarray = field(default_factory=lambda: np.empty((0, 2)))
    crosses: np.ndarray = field(default_factory=lambda: np.empty((0, 2)))
    found: Sequence[FoundObject] = ()
    framed: bool = False


@dataclass(frozen=True)
class Row:
    """A label and the images after it."""

    label: str
    tiles: Sequence[Tile]


def case_tiles(result: CaseResult, count: int, asked: int | None, rings: bool) -> list[Tile]:
    """The first ``count`` images of a case, each over its count, with a mark where that is unsure.

    Args:
        result: images and table of the case.
        count: number of images.
        asked: number of objects asked for; other numbers are printed in another colour.
        rings: mark the requested places in the first image.
    """
    counted, doubts = (result.table[name].tolist() for name in ("num_objects", "unsure"))
    places = result.locations if rings else np.empty((0, 2))
    return [
        Tile(
            image,
            f"{counted[i]}{doubt(doubts[i])}",
            INK if asked is None or counted[i] == asked else WRONG,
            places if i == 0 else np.empty((0, 2)),
        )
        for i, image in enumerate(result.images[:count])
    ]


def doubt(unsure: float) -> str:
    """What follows the count of an image that the detector doubts."""
    return " ?" if unsure == 1 else ""


def sheet_size(rows: Sequence[Row], side: int) -> tuple[int, int]:
    """Width and height of a sheet in pixels at DPI, images being ``side`` wide."""
    widest = max(len(row.tiles) for row in rows)
    caption = CAPTION if _captioned(rows) else 0
    return LABEL + widest * (side + GAP), len(rows) * (side + GAP + caption)


def draw_sheet(axes: Axes, rows: Sequence[Row], side: int) -> None:
    """Draw ``rows`` into ``axes``, one unit per pixel; ``axes`` must be of ``sheet_size``."""
    width, height = sheet_size(rows, side)
    caption = CAPTION if _captioned(rows) else 0
    canvas = np.full((height, width, 3), 255, np.uint8)
    corners = []
    for number, row in enumerate(rows):
        top = number * (side + GAP + caption)
        label = folded(row.label)
        longest = max(map(len, label.split("\n")), default=0)
        size = rcParams["font.size"] * min(1.0, FITS / max(longest, 1))
        axes.text(LABEL - GAP, top + side / 2, label, ha="right", va="center", fontsize=size)
        for column, tile in enumerate(row.tiles):
            left = LABEL + column * (side + GAP)
            canvas[top : top + side, left : left + side] = enlarge(tile.image, side)
            if tile.caption:
                axes.text(
                    left + side / 2,
                    top + side + (4 if tile.framed else 1),
                    tile.caption,
                    ha="center",
                    va="top",
                    fontsize=7,
                    color=tile.color,
                )
            if tile.framed:
                corner, around = (left - 1, top - 1), side + 2
                frame = Rectangle(corner, around, around, fill=False, edgecolor=WRONG)
                frame.set_linewidth(1.5)
                axes.add_patch(frame)
            corners.append((tile, np.array([left, top])))
    _draw_marks(axes, corners, side)
    axes.imshow(canvas, interpolation="nearest", extent=(0, width, height, 0), aspect="auto")
    axes.set_xlim(0, width)
    axes.set_ylim(height, 0)
    axes.set_axis_off()


def _draw_marks(axes: Axes, corners: Sequence[tuple[Tile, np.ndarray]], side: int) -> None:
    """Rings and crosses at requested places, circles around what was found.

    Those of all images at once: a collection each would take ten times as long to draw.
    """
    size = (RING * side * 72 / DPI) ** 2  # small, so that the object itself is seen
    rings = _points((corner + tile.rings * side) for tile, corner in corners)
    crosses = _points((corner + tile.crosses * side) for tile, corner in corners)
    found = [(corner, one) for tile, corner in corners for one in tile.found]
    circles = _points(corner + np.array([[one.x, one.y]]) * side for corner, one in found)
    colors: Any = [tuple(value / 255 for value in COLORS[one.color]) for _, one in found]
    hollow: Any = {"facecolors": "none"}
    for color, width in (("white", 1.6), ("black", 0.7)):
        if len(rings):
            axes.scatter(*rings.T, s=size, edgecolors=color, linewidths=width, **hollow)
    for color, width in (("white", 1.4), ("black", 0.6)):
        if len(crosses):
            axes.scatter(*crosses.T, s=0.3 * size, marker="x", color=color, linewidths=width)
    for color, width in (("white", 1.8), (colors, 0.9)):
        if len(circles):
            axes.scatter(*circles.T, s=1.5 * size, edgecolors=color, linewidths=width, **hollow)


def _points(groups: Iterable[np.ndarray]) -> np.ndarray:
    return np.concatenate([np.empty((0, 2)), *groups])


def sheet_figure(rows: Sequence[Row], title: str, side: int = 128) -> Figure:
    """A figure that holds nothing but a sheet under a title; many rows stand side by side."""
    length = ceil(len(rows) / ceil(len(rows) / MOST_ROWS))
    blocks = [rows[first : first + length] for first in range(0, len(rows), length)]
    sizes = [sheet_size(block, side) for block in blocks]
    width, height = sum(width for width, _ in sizes), max(height for _, height in sizes)
    total = height + TITLE
    figure = Figure(figsize=(width / DPI, total / DPI))
    left = 0
    for block, (wide, high) in zip(blocks, sizes, strict=True):
        place = (left / width, (height - high) / total, wide / width, high / total)
        draw_sheet(figure.add_axes(place), block, side)
        left += wide
    figure.text(LABEL / width, 1 - TITLE / 2 / total, title, ha="left", va="center", fontsize=9)
    return figure


def folded(label: str) -> str:
    """A label in several lines, cut after its hyphens and underscores where it is too long."""
    return re.sub(r"(?<=[-_])", "\n", label) if len(label) > FITS else label


def enlarge(image: np.ndarray, side: int) -> np.ndarray:
    """``image`` ``(H, W, 3)`` as ``(side, side, 3)``, every pixel the nearest one."""
    rows = (np.arange(side) * image.shape[0]) // side
    columns = (np.arange(side) * image.shape[1]) // side
    return image[rows[:, None], columns]


def _captioned(rows: Sequence[Row]) -> bool:
    return any(tile.caption for row in rows for tile in row.tiles)
