"""Which classes samples are of, and how far they are from true pictures, a line per case."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from projcomp.evaluation.read_table import read_table
from projcomp.evaluation.tables.classes import COLUMNS, WORDS
from projcomp.folder import Folder
from projcomp.reporting.intervals import draw_intervals
from projcomp.reporting.style import INK

if TYPE_CHECKING:
    from projcomp.settings.report import FigureSettings

PANELS = {"total_variation": "total variation from the true shares", "frechet": "Frechet distance"}


def draw(settings: "FigureSettings", folder: Folder) -> Figure:
    """The shares as a heat map, and two distances with their intervals."""
    table = read_table(folder.table(settings.name), COLUMNS, "table", WORDS)
    table = table.assign(line=table["experiment"] + " " + table["case"].fillna(""))
    lines = list(dict.fromkeys(table["line"]))
    figure = Figure(figsize=(11.0, 1.6 + 0.32 * len(lines)), layout="constrained")
    shares, *others = figure.subplots(1, 3, sharey=True, width_ratios=[1.6, 1, 1])
    _draw_shares(shares, pd.DataFrame(table[table["measure"] == "share"]), lines)
    for axes, (measure, title) in zip(others, PANELS.items(), strict=True):
        _draw_measure(axes, pd.DataFrame(table[table["measure"] == measure]), lines)
        axes.set_title(title)
    shares.set_yticks(range(len(lines)), lines)
    return figure


def _draw_shares(axes: Axes, found: pd.DataFrame, lines: list[str]) -> None:
    classes = list(dict.fromkeys(found["class"]))
    values = found.pivot_table(index="line", columns="class", values="value", sort=False)
    percent = 100 * values.reindex(index=lines, columns=classes).to_numpy()
    axes.imshow(percent, aspect="auto", cmap="Greys", vmin=0, vmax=max(np.nanmax(percent), 1))
    for row, column in np.ndindex(percent.shape):
        dark = percent[row, column] > np.nanmax(percent) / 2
        color = "white" if dark else INK
        text = f"{percent[row, column]:.0f}"
        axes.text(column, row, text, ha="center", va="center", color=color, fontsize=7)
    axes.set_xticks(range(len(classes)), classes, rotation=60, ha="right")
    axes.set_title("share of each class (%)")


def _draw_measure(axes: Axes, found: pd.DataFrame, lines: list[str]) -> None:
    found = found.drop_duplicates("line").set_index("line").reindex(lines)
    draw_intervals(axes, found, found["floor"])
