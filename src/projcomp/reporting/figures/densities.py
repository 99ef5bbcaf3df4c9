"""How far apart the log-densities of what is composed are, against the noise level."""

from itertools import cycle
from typing import TYPE_CHECKING

from matplotlib.figure import Figure

from projcomp.evaluation.read_table import read_table
from projcomp.evaluation.tables.densities import COLUMNS
from projcomp.folder import Folder
from projcomp.reporting.style import MANY

if TYPE_CHECKING:
    from projcomp.settings.report import FigureSettings


def draw(settings: "FigureSettings", folder: Folder) -> Figure:
    """A curve for every experiment, and at its least level what the sampler followed."""
    table = read_table(folder.table(settings.name), COLUMNS, "table")
    figure = Figure(figsize=(7.2, 3.4), layout="constrained")
    axes = figure.subplots()
    for experiment, color in zip(settings.cases, cycle(MANY), strict=False):
        rows = table[table["experiment"] == experiment]
        sigma, gap = rows["sigma"], rows["gap"]
        axes.plot(sigma, gap, color=color, label=experiment.replace("_", " "))
        axes.fill_between(sigma, rows["gap_low"], rows["gap_high"], color=color, alpha=0.2, lw=0)
        axes.plot(sigma, rows["error"], ":", color=color, lw=0.8)
        axes.plot(sigma, rows["followed"], "x", color=color)
    axes.set_xscale("log")
    axes.set_yscale("symlog", linthresh=1.0)
    axes.set_ylim(bottom=0)
    axes.set_xlabel("noise level")
    axes.set_ylabel("gap of log-densities, nats")
    axes.grid()
    figure.legend(loc="outside right upper")
    return figure
