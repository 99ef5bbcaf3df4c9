"""Where in the picture the score deltas of what is composed overlap."""

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import SymLogNorm
from matplotlib.figure import Figure
from numpy.typing import NDArray

from projcomp.conditions.kinds import KINDS
from projcomp.data.images import read_samples
from projcomp.errors import FileFormatError
from projcomp.folder import Folder
from projcomp.reporting.style import INK

if TYPE_CHECKING:
    from projcomp.settings.report import FigureSettings

SIDE = 1.25
"""Inches of a panel."""

LINEAR = 1e-2
"""Up to so many nats per pixel the colours are linear, beyond it logarithmic."""


PER_ROW = 9
"""Panels of a row, at most."""


def draw(settings: "FigureSettings", folder: Folder) -> Figure:
    """A row per experiment, or more where it has many cases; one panel per case."""
    rows = [
        (name, cases[first : first + PER_ROW])
        for name, cases in settings.cases.items()
        for first in range(0, len(cases), PER_ROW)
    ]
    shown = [[_panel(folder, name, case) for case in cases] for name, cases in rows]
    greatest = max(float(np.abs(mean).max()) for row in shown for mean, _ in row)
    norm = SymLogNorm(LINEAR, vmin=-max(greatest, LINEAR), vmax=max(greatest, LINEAR))
    columns = max(map(len, shown))
    size = (columns * SIDE + 1.4, len(shown) * (SIDE + 0.25) + 0.3)
    figure = Figure(figsize=size, layout="constrained")
    grid = figure.subplots(len(shown), columns, squeeze=False)
    for axes in grid.flat:
        axes.set(xticks=[], yticks=[])  # ticks that are not drawn are laid out all the same
        axes.axis("off")
    for row, (name, cases), panels in zip(grid, rows, shown, strict=True):
        for axes, case, (mean, places) in zip(row, cases, panels, strict=False):
            _draw_panel(axes, mean, places, norm)
            axes.set_title(f"{case}: {mean.sum():.2g}", fontsize=6)
        row[0].text(
            -0.08,
            0.5,
            name,
            transform=row[0].transAxes,
            rotation=90,
            ha="right",
            va="center",
            fontsize=7,
        )
    mappable = grid[0, 0].images[0]
    figure.colorbar(mappable, ax=grid, label="interaction, nats per pixel", shrink=0.8)
    return figure


def _panel(folder: Folder, experiment: str, case: str) -> tuple[NDArray[np.float64], NDArray]:
    """The mean map ``(H, W)`` and the requested places ``(k, 2)`` of a case.

    Raises:
        FileFormatError: the samples are missing, damaged, or recorded no map.
    """
    path = folder.samples(experiment, case)
    samples = read_samples(path, case, experiment)
    if "interaction_map" not in samples.measured or samples.measured["interaction_map"].ndim != 3:
        raise FileFormatError(
            f"{path}: expected a map of the interaction, got samples without it; compose them by "
            "product or bayes without churn and sample the case again"
        )
    told = [item for wanted in samples.asked for item in wanted["told"].items()]
    points = [KINDS[kind].point(value) for kind, value in told if kind in KINDS]
    places = [*samples.locations, *(point for point in points if point is not None)]
    mean = samples.measured["interaction_map"].astype(float).mean(0)
    return mean, np.array(places).reshape(-1, 2)


def _draw_panel(axes: Axes, mean: NDArray, places: NDArray, norm: SymLogNorm) -> None:
    height, width = mean.shape
    axes.imshow(mean, norm=norm, cmap="PuOr_r", extent=(0, 1, height / width, 0))
    radius = 0.5 * SIDE * 72 * 0.16
    axes.plot(
        places[:, 0],
        places[:, 1] * height / width,
        "o",
        markersize=radius,
        markerfacecolor="none",
        markeredgecolor=INK,
        markeredgewidth=0.5,
    )
