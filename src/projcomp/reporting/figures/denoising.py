"""How well every model denoises images that it never saw, against the noise level."""

from itertools import cycle
from typing import TYPE_CHECKING

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from pandas import DataFrame

from projcomp.evaluation.read_table import read_table
from projcomp.folder import CHECK, Folder
from projcomp.reporting.style import PALETTE

if TYPE_CHECKING:
    from projcomp.settings.report import FigureSettings

COLUMNS = ["dataset", "part", "told", "sigma", "error", "low", "high"]
STYLES = {"condition": "-", "nothing": "--"}


def draw(settings: "FigureSettings", folder: Folder) -> Figure:
    """One panel per model, from ``models/<model>/check.csv``."""
    names = list(settings.models)
    columns = min(len(names), 4)
    rows = -(-len(names) // columns)
    figure = Figure(figsize=(2.6 * columns + 0.4, 2.6 * rows), layout="constrained")
    panels = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    for axes in panels.flat[len(names) :]:
        axes.set_visible(False)
    for name, axes in zip(names, panels.flat, strict=False):
        table = read_table(folder.model(name, CHECK), COLUMNS, "check-model")
        _panel(axes, table)
        axes.set_title(name)
    for axes in panels[:, 0]:
        axes.set_ylabel("denoising error")
    for axes in panels[-1]:
        axes.set_xlabel("noise level sigma")
    return figure


def _panel(axes: Axes, table: DataFrame) -> None:
    for dataset, color in zip(table["dataset"].unique(), cycle(PALETTE), strict=False):
        for told, style in STYLES.items():
            chosen = table[(table["dataset"] == dataset) & (table["told"] == told)]
            held_out, training = (
                chosen[chosen["part"] == part] for part in ("held_out", "training")
            )
            label = f"{dataset}, unconditional" if told == "nothing" else dataset
            axes.plot(held_out["sigma"], held_out["error"], style, color=color, label=label)
            axes.fill_between(
                held_out["sigma"], held_out["low"], held_out["high"], color=color, alpha=0.2, lw=0
            )
            axes.plot(training["sigma"], training["error"], ".", color=color, markersize=3)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.grid()
    axes.legend(fontsize=6)
