"""Success against cost, for every operator and sampler of a sweep.

Caption: share of samples that show everything that was asked for and nothing else, with Wilson
interval, against network evaluations per image. Every member of the sweep composes the same models
for the same requests from the same noise. Colours are samplers, shapes are operators; a ring is the
share among the samples that CompLift accepted.
"""

from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from projcomp.evaluation.sweep import COLUMNS
from projcomp.evaluation.tables import read_table
from projcomp.reporting.style import INK, MARKERS, PALETTE

if TYPE_CHECKING:
    from projcomp.displays import FigureSettings


def draw(settings: "FigureSettings", root: Path) -> Figure:
    """One panel per case."""
    table = read_table(root / "results" / f"{settings.name}.csv", COLUMNS, "tabulate")
    names = list(dict.fromkeys(table["case"]))
    colors = {name: PALETTE[i % len(PALETTE)] for i, name in enumerate(_unique(table, "sampler"))}
    shapes = {name: MARKERS[i % len(MARKERS)] for i, name in enumerate(_unique(table, "operator"))}
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
    for row in table.to_dict("records"):
        value = row["success"]
        axes.errorbar(
            row["network_evaluations"],
            value,
            yerr=[[value - row["success_low"]], [row["success_high"] - value]],
            color=colors[row["sampler"]],
            marker=shapes[row["operator"]],
            markersize=5,
            capsize=2,
            elinewidth=0.8,
        )
        if pd.notna(row["accepted_success"]):
            axes.plot(
                row["network_evaluations"],
                row["accepted_success"],
                color=colors[row["sampler"]],
                marker="o",
                markersize=8,
                fillstyle="none",
            )
    axes.set_xscale("log")
    axes.set_ylim(-0.03, 1.03)
    axes.set_xlabel("network evaluations per image")
    axes.grid(axis="y")
