"""How far models reach, and where their conditions act, against the noise level."""

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from pandas import DataFrame, concat

from projcomp.evaluation.read_table import read_table
from projcomp.folder import LOCALITY, Folder
from projcomp.reporting.style import FAINT, looks

if TYPE_CHECKING:
    from projcomp.settings.report import FigureSettings

COLUMNS = ["model", "background", "sigma", "distance", "share", "low", "high", "even", "near"]
TITLES = {"share": "share of the Jacobian", "near": "share of the difference,\naround the place"}

LINES = {(False, False): "-", (True, False): "--", (False, True): ":", (True, True): "-."}
"""By whether it is a difference, and whether the model is an exact twin."""


def draw(settings: "FigureSettings", folder: Folder) -> Figure:
    """One panel per distance, from ``models/<model>/locality.csv``.

    Above the share of the Jacobian within it, of models and of their differences from backgrounds
    (dashed). Below, where conditions are places, the share of the differences themselves within it
    of the requested place.
    """
    tables = [
        read_table(folder.model(name, LOCALITY), COLUMNS, "locality", ["model", "background"])
        for name in settings.models
    ]
    table = concat(tables).fillna({"background": ""})
    distances = sorted(table["distance"].unique())
    shown = [column for column in TITLES if np.isfinite(table[column].to_numpy(float)).any()] or [
        "share"
    ]
    size = (2.6 * len(distances) + 1.6, 0.6 + 2.4 * len(shown))
    figure = Figure(figsize=size, layout="constrained")
    panels = figure.subplots(len(shown), len(distances), sharex=True, sharey=True, squeeze=False)
    for row, column in zip(panels, shown, strict=True):
        for axes, distance in zip(row, distances, strict=True):
            _panel(axes, DataFrame(table[table["distance"] == distance]), column)
        row[0].set_ylabel(TITLES[column])
    for axes, distance in zip(panels[0], distances, strict=True):
        axes.set_title(f"within {distance} pixel{'' if distance == 1 else 's'}")
    for axes in panels[-1]:
        axes.set_xlabel("noise level sigma")
    figure.legend(*panels[0, -1].get_legend_handles_labels(), loc="outside right upper", fontsize=6)
    return figure


def _panel(axes: Axes, table: DataFrame, column: str) -> None:
    styles = looks(table["model"].unique())
    pairs = table[["model", "background"]].drop_duplicates()
    for model, background in zip(pairs["model"], pairs["background"], strict=True):
        chosen = (table["model"] == model) & (table["background"] == background)
        shown = DataFrame(table[chosen]).dropna(subset=[column])
        if column == "near" and shown.empty:
            continue
        look = styles[model]
        axes.plot(
            shown["sigma"],
            shown[column],
            LINES[bool(background), "linestyle" in look],
            marker=look["marker"],
            markersize=3,
            color=look["color"],
            label=f"{model} − {background}" if background else model,
        )
        if column == "share":
            axes.fill_between(
                shown["sigma"], shown["low"], shown["high"], color=look["color"], alpha=0.15, lw=0
            )
    if column == "share":
        axes.axhline(table["even"].iloc[0], color=FAINT, linestyle=":", label="even")
    axes.set_xscale("log")
    axes.set_ylim(-0.02, 1.02)
    axes.grid()
