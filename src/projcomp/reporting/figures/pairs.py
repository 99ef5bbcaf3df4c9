"""Samples of every pair of composed colours, and how often they came out (Fig. 5 and 10)."""

from math import ceil
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from projcomp.folder import Folder
from projcomp.reporting.results import CaseResult, read_case
from projcomp.reporting.sheet import LABEL, TITLE, Row, case_tiles, draw_sheet, sheet_size
from projcomp.reporting.style import DPI, title_of
from projcomp.scenes.vocabulary import COLORS

if TYPE_CHECKING:
    from projcomp.settings.report import FigureSettings

SAMPLES = 5
SIDE = 72
HALVES = 2
MATRIX = 620
ABOVE = 40


def draw(settings: "FigureSettings", folder: Folder) -> Figure:
    """Samples of every pair in two columns, and the matrix of both rates."""
    ((experiment, names),) = settings.cases.items()
    results = {name: read_case(folder, experiment, name) for name in names}
    rows = [
        Row(name.replace("-", "\n"), case_tiles(result, SAMPLES, _asked(result), rings=False))
        for name, result in results.items()
    ]
    per_half = ceil(len(rows) / HALVES)
    halves = [rows[start : start + per_half] for start in range(0, len(rows), per_half)]
    sizes = [sheet_size(half, SIDE) for half in halves]
    width = sum(size[0] for size in sizes) + LABEL + MATRIX
    height = max(sizes[0][1], MATRIX + LABEL) + TITLE
    figure = Figure(figsize=(width / DPI, height / DPI))
    left = 0
    for half, (w, h) in zip(halves, sizes, strict=True):
        place = (left / width, (height - TITLE - h) / height, w / width, h / height)
        draw_sheet(figure.add_axes(place), half, SIDE)
        left += w
    side = MATRIX - LABEL
    bottom = height - TITLE - side - ABOVE
    place = ((left + LABEL) / width, bottom / height, side / width, side / height)
    _draw_matrix(figure.add_axes(place), results)
    figure.text(
        LABEL / width,
        1 - TITLE / 2 / height,
        f"{title_of(experiment)}: composed pairs of colours",
        va="center",
        fontsize=9,
    )
    return figure


def _asked(result: CaseResult) -> int:
    """Number of objects asked for: two, or one where the other colour is avoided."""
    return int(result.table["num_composed"].iloc[0])


def _draw_matrix(axes: Axes, results: dict[str, CaseResult]) -> None:
    """Both rates of every pair of which both colours are asked for."""
    colors = list(COLORS)
    rates = np.full((len(colors), len(colors)), np.nan)
    for name, result in results.items():
        if _asked(result) < 2:
            continue
        first, second = sorted(colors.index(color) for color in name.split("-"))
        rates[second, first] = 100 * result.table["all_colors"].mean()
        rates[first, second] = 100 * result.table["exact_count"].mean()
    axes.imshow(rates, vmin=0, vmax=100, cmap="cividis")
    for (row, column), rate in np.ndenumerate(rates):
        if not np.isnan(rate):
            ink = "black" if rate > 55 else "white"
            axes.text(column, row, f"{rate:.0f}", ha="center", va="center", color=ink, fontsize=7)
    axes.set_xticks(range(len(colors)), colors, rotation=45, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(len(colors)), colors)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set_title("below: both colours found, above: exactly two objects (%)", fontsize=8)
