"""Samples of composed and of single colours, and how often they came out (Fig. 5 and 10)."""

from math import ceil
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from projcomp.evaluation.read_table import read_table
from projcomp.evaluation.tables.pairs import COLUMNS
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
    """Samples of every case in two columns, and the matrix of rates."""
    table = read_table(folder.table(settings.name), COLUMNS, "table", ("first", "second"))
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
    _draw_matrix(figure.add_axes(place), table)
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


def _draw_matrix(axes: Axes, table: pd.DataFrame) -> None:
    """Both colours and together of every pair, success of every single colour."""
    colors = list(COLORS)
    rates = np.full((len(colors), len(colors)), np.nan)
    for row in table.dropna(subset=["first"]).to_dict("records"):
        asked = [color for color in (row["first"], row["second"]) if isinstance(color, str)]
        low, high = min(map(colors.index, asked)), max(map(colors.index, asked))
        if low == high:
            rates[low, low] = 100 * row["success"]
        else:
            rates[high, low], rates[low, high] = 100 * row["both"], 100 * row["together"]
    axes.imshow(rates, vmin=0, vmax=100, cmap="cividis")
    for (row, column), rate in np.ndenumerate(rates):
        if not np.isnan(rate):
            ink = "black" if rate > 55 else "white"
            axes.text(column, row, f"{rate:.0f}", ha="center", va="center", color=ink, fontsize=7)
    axes.set_xticks(range(len(colors)), colors, rotation=45, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(len(colors)), colors)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set_title(f"below: both colours found, above: one object for two (%)\n{_ceiling(table)}")
    axes.title.set_fontsize(8)


def _ceiling(table: pd.DataFrame) -> str:
    """What the title says of the diagonal, and of the ceiling where there is one."""
    apart = table.loc[table["case"] == "all", "apart"]
    told = "" if apart.isna().all() else f"; independent pairs apart: {100 * apart.iloc[0]:.0f}"
    return f"diagonal: single colours{told}"
