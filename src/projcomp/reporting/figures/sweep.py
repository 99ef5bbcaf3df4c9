"""Success against cost, for every operator and sampler of a sweep."""

from collections import Counter
from itertools import cycle
from typing import TYPE_CHECKING

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, NullFormatter, ScalarFormatter

from projcomp.evaluation.read_table import read_table
from projcomp.evaluation.tables.sweep import COLUMNS
from projcomp.folder import Folder
from projcomp.reporting.style import INK, MANY, MARKERS

if TYPE_CHECKING:
    from projcomp.settings.report import FigureSettings

_MARKERS = (*MARKERS, "X", "<", ">", "*")
_DODGE = 1.04
"""Members of one cost stand this factor apart."""


def draw(settings: "FigureSettings", folder: Folder) -> Figure:
    """One panel per case."""
    table = read_table(folder.table(settings.name), COLUMNS, "table")
    names = list(dict.fromkeys(table["case"]))
    colors = dict(zip(_unique(table, "sampler"), cycle(MANY), strict=False))
    shapes = dict(zip(_unique(table, "operator"), cycle(_MARKERS), strict=False))
    figure = Figure(figsize=(1.6 + 3.2 * len(names), 3.6), layout="constrained")
    panels = figure.subplots(1, len(names), sharey=True, squeeze=False)[0]
    for axes, name in zip(panels, names, strict=True):
        _draw_case(axes, table.query("case == @name"), colors, shapes)
        axes.set_title(name)
    panels[0].set_ylabel("success (share of samples)")
    handles = [
        Line2D([], [], color=color, marker="s", linestyle="", label=name)
        for name, color in colors.items()
    ]
    handles += [
        Line2D([], [], color=INK, marker=shape, linestyle="", fillstyle="none", label=name)
        for name, shape in shapes.items()
    ]
    figure.legend(handles=handles, loc="outside right upper")
    return figure


def _unique(table: pd.DataFrame, column: str) -> list[str]:
    return sorted(table[column].unique())


def _draw_case(
    axes: Axes, table: pd.DataFrame, colors: dict[str, str], shapes: dict[str, str]
) -> None:
    same, seen = Counter(table["network_evaluations"]), Counter()
    for row in table.to_dict("records"):
        cost, value = row["network_evaluations"], row["success"]
        place = seen[cost] - (same[cost] - 1) / 2
        seen[cost] += 1
        cost *= _DODGE**place
        axes.errorbar(
            cost,
            value,
            yerr=[[abs(value - row["success_low"])], [abs(row["success_high"] - value)]],
            color=colors[row["sampler"]],
            marker=shapes[row["operator"]],
            markersize=5,
            capsize=2,
            elinewidth=0.8,
        )
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter(ScalarFormatter())
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_ylim(-0.03, 1.03)
    axes.set_xlabel("network evaluations per image")
    axes.grid(axis="y")
