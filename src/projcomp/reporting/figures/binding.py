"""What became of requests for attributes: the outcomes of every case, or of a sweep's members."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from projcomp.evaluation.binding import LOST, NEITHER, OUTCOMES, PARTIAL, RIGHT, UNBOUND
from projcomp.evaluation.read_table import read_table
from projcomp.evaluation.tables.binding import COLUMNS
from projcomp.folder import Folder
from projcomp.reporting.style import FAINT, INK, PALETTE, title_of

if TYPE_CHECKING:
    from projcomp.settings.report import FigureSettings

_COLORS = {
    RIGHT: PALETTE[2],
    UNBOUND: PALETTE[4],
    LOST: PALETTE[3],
    PARTIAL: PALETTE[5],
    NEITHER: "#DDDDDD",
}
_ROW = 0.16
"""Height of a case's bar, inches."""

MANY = 4
"""More experiments than these are a sweep's members, of which the means are shown."""


def draw(settings: "FigureSettings", folder: Folder) -> Figure:
    """A panel for each of networks, exact models and truth, a bar per case, and their mean.

    Of a sweep one panel, a bar for the mean of every member.
    """
    table = read_table(folder.table(settings.name), COLUMNS, "table")
    experiments = list(settings.cases)
    if len(experiments) > MANY:
        return _means(table.query("case == 'all'"))
    count = max(map(len, settings.cases.values())) + 1
    size = (1.6 + 2.6 * len(experiments), 1.2 + _ROW * count)
    figure = Figure(figsize=size, layout="constrained")
    panels = np.atleast_1d(figure.subplots(1, len(experiments), sharey=True))
    for axes, experiment in zip(panels, experiments, strict=True):
        rows = table.query("experiment == @experiment")
        _draw_panel(axes, rows)
        unsure = rows.query("case == 'all'")["unsure"].iloc[0]
        axes.set_title(f"{title_of(experiment)}\nunsure {100 * unsure:.0f} %")
        axes.set_xlabel("share of samples")
        axes.axhline(len(rows) - 1.5, color=FAINT, linewidth=0.6)
    return _with_legend(figure, panels[0])


def _means(rows: pd.DataFrame) -> Figure:
    """A bar for every experiment."""
    figure = Figure(figsize=(5.6, 1.2 + _ROW * len(rows)), layout="constrained")
    axes = figure.subplots()
    doubted = [
        f"{name}, unsure {100 * u:.0f} %" for name, u in rows[["experiment", "unsure"]].to_numpy()
    ]
    _draw_panel(axes, rows.assign(case=doubted))
    axes.set_xlabel("share of samples, mean over cases")
    return _with_legend(figure, axes)


def _with_legend(figure: Figure, axes: Axes) -> Figure:
    """``figure`` with what the bars of ``axes`` mean."""
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=len(labels))
    return figure


def _draw_panel(axes: Axes, rows: pd.DataFrame) -> None:
    """Stacked bars, the first case at the top; a mark where chance would be right."""
    places, left = np.arange(len(rows)), np.zeros(len(rows))
    for outcome in OUTCOMES:
        shares = rows[outcome].to_numpy(dtype=float)
        axes.barh(places, shares, left=left, height=0.8, color=_COLORS[outcome], label=outcome)
        left += shares
    error = [rows[RIGHT] - rows[f"{RIGHT}_low"], rows[f"{RIGHT}_high"] - rows[RIGHT]]
    axes.errorbar(rows[RIGHT], places, xerr=error, fmt="none", ecolor=INK, elinewidth=0.7)
    axes.plot(rows["chance"], places, "|", color=INK, label="chance of right", markersize=6)
    axes.set_yticks(places, list(rows["case"]), fontsize=6)
    axes.set_xlim(0, 1)
    axes.set_ylim(len(rows) - 0.4, -0.6)
