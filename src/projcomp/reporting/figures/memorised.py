"""Whether samples are nearer to training images than new renders are, against k."""

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure
from pandas import DataFrame

from projcomp.evaluation.read_table import read_table
from projcomp.evaluation.tables.memorised import COLUMNS, PARTS
from projcomp.folder import Folder
from projcomp.reporting.style import FAINT, MARKERS, PALETTE, title_of
from projcomp.settings.case import TRUTH

if TYPE_CHECKING:
    from projcomp.settings.report import FigureSettings

LABELS = {"whole": "whole pictures", "places": "windows around the places"}


def draw(settings: "FigureSettings", folder: Folder) -> Figure:
    """One line for each part of the picture."""
    table = read_table(folder.table(settings.name), COLUMNS, "table", ["part"])
    figure = Figure(figsize=(4.2, 3.0), layout="constrained")
    axes = figure.subplots()
    axes.axhline(0.5, color=FAINT, linestyle="--", linewidth=1, label="nothing copied")
    for number, part in enumerate(PARTS):
        rows = DataFrame(table[table["part"] == part]).sort_values("num_composed")
        value = rows["value"].to_numpy()
        below, above = value - rows["low"].to_numpy(), rows["high"].to_numpy() - value
        axes.errorbar(
            rows["num_composed"].to_numpy() + 0.08 * number,
            value,
            yerr=np.clip([below, above], 0, None),
            color=PALETTE[number],
            marker=MARKERS[number],
            capsize=2,
            markersize=4,
            elinewidth=0.9,
            label=LABELS[part],
        )
    axes.set_xlabel("composed locations k")
    axes.set_ylabel("nearer to the training images\nthan a new render, probability")
    axes.set_ylim(-0.03, 1.03)
    axes.set_xticks(sorted(table["num_composed"].unique()))
    axes.grid(axis="y")
    (experiment, *_) = (name for name in settings.cases if name != TRUTH)
    axes.set_title(f"{title_of(experiment)}: nearest training images")
    axes.legend()
    return figure
