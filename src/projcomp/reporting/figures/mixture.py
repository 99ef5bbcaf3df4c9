"""Mixtures of models against each model alone, a model of the union, and the rendered truth."""

from typing import TYPE_CHECKING

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from projcomp.evaluation.read_table import read_table
from projcomp.evaluation.tables.mixture import COLUMNS
from projcomp.folder import Folder
from projcomp.reporting.intervals import draw_intervals
from projcomp.scenes.vocabulary import COLORS

if TYPE_CHECKING:
    from projcomp.settings.report import FigureSettings

PANELS = {"exact_count": "exact count", "total_variation": "total variation from uniform"}


def draw(settings: "FigureSettings", folder: Folder) -> Figure:
    """Two measures and the shares, one line per experiment."""
    table = read_table(folder.table(settings.name), COLUMNS, "table")
    table = table.assign(line=table["experiment"] + " " + table["case"])
    lines = list(dict.fromkeys(table["line"]))
    figure = Figure(figsize=(10.0, 1.4 + 0.32 * len(lines)), layout="constrained")
    *measures, shares = figure.subplots(1, 3, sharey=True, width_ratios=[1, 1, 1.3])
    floors = [None, _of(table, "total_variation_of_uniform", lines)["value"]]
    for axes, (measure, title), floor in zip(measures, PANELS.items(), floors, strict=True):
        draw_intervals(axes, _of(table, measure, lines), floor)
        axes.set_title(title)
        axes.set_xlim(-0.03, 1.03)
    measures[0].set_yticks(range(len(lines)), lines)
    measures[0].invert_yaxis()
    _draw_shares(shares, table, lines)
    shares.set_title("share of each colour (%)")
    return figure


def _of(table: pd.DataFrame, measure: str, lines: list[str]) -> pd.DataFrame:
    return table[table["measure"] == measure].set_index("line").reindex(lines)


def _draw_shares(axes: Axes, table: pd.DataFrame, lines: list[str]) -> None:
    colors = list(COLORS)
    values = pd.DataFrame({c: _of(table, f"share_{c}", lines)["value"] for c in colors}) * 100
    axes.imshow(values, vmin=0, vmax=max(25.0, values.max().max()), cmap="cividis", aspect="auto")
    for row in range(len(lines)):
        for column, value in enumerate(values.iloc[row]):
            if pd.notna(value):
                ink = "black" if value > 15 else "white"
                axes.text(column, row, f"{value:.0f}", ha="center", va="center", color=ink)
    axes.set_xticks(range(len(colors)), colors, rotation=45, ha="right", rotation_mode="anchor")
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
