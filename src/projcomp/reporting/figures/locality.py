"""How far the Jacobian of every model reaches, and of its deltas, against the noise level."""

from typing import TYPE_CHECKING

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from pandas import DataFrame, concat

from projcomp.evaluation.read_table import read_table
from projcomp.folder import LOCALITY, Folder
from projcomp.reporting.style import FAINT, looks

if TYPE_CHECKING:
    from projcomp.settings.report import FigureSettings

COLUMNS = ["model", "background", "sigma", "distance", "share", "low", "high", "even"]


def draw(settings: "FigureSettings", folder: Folder) -> Figure:
    """One panel per distance, from ``models/<model>/locality.csv``."""
    tables = [
        read_table(folder.model(name, LOCALITY), COLUMNS, "locality", ["model", "background"])
        for name in settings.models
    ]
    table = concat(tables).fillna({"background": ""})
    distances = sorted(table["distance"].unique())
    figure = Figure(figsize=(2.6 * len(distances) + 1.6, 3.0), layout="constrained")
    panels = figure.subplots(1, len(distances), sharey=True, squeeze=False)[0]
    for axes, distance in zip(panels, distances, strict=True):
        _panel(axes, DataFrame(table[table["distance"] == distance]))
        axes.set_title(f"within {distance} pixel{'' if distance == 1 else 's'}")
        axes.set_xlabel("noise level sigma")
    panels[0].set_ylabel("share of the Jacobian")
    figure.legend(*panels[-1].get_legend_handles_labels(), loc="outside right upper", fontsize=6)
    return figure


def _panel(axes: Axes, table: DataFrame) -> None:
    styles = looks(table["model"].unique())
    pairs = table[["model", "background"]].drop_duplicates()
    for model, background in zip(pairs["model"], pairs["background"], strict=True):
        chosen = (table["model"] == model) & (table["background"] == background)
        shown = DataFrame(table[chosen]).dropna(subset=["share"])
        look = styles[model]
        axes.plot(
            shown["sigma"],
            shown["share"],
            "--" if background else "-",
            marker=look["marker"],
            markersize=3,
            color=look["color"],
            label=f"{model} − {background}" if background else model,
        )
        axes.fill_between(
            shown["sigma"], shown["low"], shown["high"], color=look["color"], alpha=0.15, lw=0
        )
    axes.axhline(table["even"].iloc[0], color=FAINT, linestyle=":", label="even")
    axes.set_xscale("log")
    axes.set_ylim(-0.02, 1.02)
    axes.grid()
