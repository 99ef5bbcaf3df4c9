"""The first pictures of every case of prompts, never chosen ones, under their prompts."""

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from projcomp.data.images import read_samples
from projcomp.folder import Folder
from projcomp.reporting.style import DPI
from projcomp.words import short

if TYPE_CHECKING:
    from projcomp.settings.report import FigureSettings

COLUMNS, SIDE, GAP, TITLE = 8, 128, 6, 24
LETTERS = 100
"""Of the prompts in a title, at most."""


def draw(settings: "FigureSettings", folder: Folder) -> Figure:
    """One row of pictures per case."""
    ((experiment, names),) = settings.cases.items()
    shown = {}
    for name in names:
        images = read_samples(folder.samples(experiment, name), name, experiment).images
        shown[name] = [fitted(image, SIDE) for image in images[:COLUMNS]]
    height, width = len(names) * (TITLE + SIDE + GAP), COLUMNS * (SIDE + GAP) + GAP
    figure = Figure(figsize=(width / DPI, height / DPI))
    axes = figure.add_axes((0, 0, 1, 1))
    canvas = np.full((height, width, 3), 255, np.uint8)
    for row, name in enumerate(names):
        top = row * (TITLE + SIDE + GAP) + TITLE
        title = short(settings.titles.get(name) or name, LETTERS)
        axes.text(GAP, top - GAP, title, va="bottom", fontsize=9, parse_math=False)
        for column, image in enumerate(shown[name]):
            left = GAP + column * (SIDE + GAP)
            canvas[top : top + SIDE, left : left + SIDE] = image
    axes.imshow(canvas, interpolation="nearest", extent=(0, width, height, 0), aspect="auto")
    axes.set_xlim(0, width)
    axes.set_ylim(height, 0)
    axes.set_axis_off()
    return figure


def fitted(image: np.ndarray, side: int) -> np.ndarray:
    """``image`` ``(H, W, 3)`` in the middle of a white square ``(side, side, 3)``, its shape kept.

    Large pictures are averaged, and small ones get larger pixels.
    """
    scale = side / max(image.shape[:2])
    height, width = (max(1, round(scale * length)) for length in image.shape[:2])
    way = Image.Resampling.NEAREST if scale > 1 else Image.Resampling.LANCZOS
    canvas = np.full((side, side, 3), 255, np.uint8)
    top, left = (side - height) // 2, (side - width) // 2
    resized = np.asarray(Image.fromarray(image).resize((width, height), way))
    canvas[top : top + height, left : left + width] = resized
    return canvas
