"""Requested against found, attribute by attribute: networks, exact models and the truth."""

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from pandas import DataFrame

from projcomp.evaluation.read_table import read_table
from projcomp.evaluation.tables.attributes import COLUMNS
from projcomp.folder import Folder
from projcomp.reporting.matrix import draw_shares
from projcomp.reporting.style import title_of

if TYPE_CHECKING:
    from projcomp.settings.report import FigureSettings

_TEXT = ("kind", "requested", "found")


def draw(settings: "FigureSettings", folder: Folder) -> Figure:
    """A row of panels for every attribute; what was requested stands on the left."""
    table = read_table(folder.table(settings.name), COLUMNS, "table", _TEXT)
    kinds, experiments = list(dict.fromkeys(table["kind"])), list(settings.cases)
    heights = [0.7 + 0.22 * table.query("kind == @kind")["requested"].nunique() for kind in kinds]
    size = (1.0 + 2.9 * len(experiments), 0.4 + sum(heights))
    figure = Figure(figsize=size, layout="constrained")
    grid = figure.subplots(len(kinds), len(experiments), squeeze=False, height_ratios=heights)
    for line, kind in zip(grid, kinds, strict=True):
        for axes, experiment in zip(line, experiments, strict=True):
            rows = table.query("experiment == @experiment and kind == @kind")
            _panel(axes, rows)
            each = rows.drop_duplicates("requested")
            unsure = np.average(each["unsure"], weights=each["num_requests"])
            axes.set_title(f"{title_of(experiment)}: {kind}\nunsure {100 * unsure:.0f} %")
        line[0].set_ylabel("requested")
    for axes in grid[-1]:
        axes.set_xlabel("found")
    return figure


def _panel(axes: Axes, rows: DataFrame) -> None:
    """One matrix in percent, the values in the table's order."""
    requested, found = (list(dict.fromkeys(rows[name])) for name in ("requested", "found"))
    shares = rows.pivot(index="requested", columns="found", values="share")
    draw_shares(axes, shares.reindex(index=requested, columns=found), fontsize=6)
    axes.set_xticks(range(len(found)), found, rotation=45, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(len(requested)), requested)
