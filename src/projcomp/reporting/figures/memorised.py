"""Whether samples are nearer to training images than new renders are, against k."""

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure
from pandas import DataFrame

from projcomp.evaluation.read_table import read_table
from projcomp.evaluation.tables.memorised import COLUMNS, PARTS
from projcomp.folder import Folder
from projcomp.reporting.style import FAINT, looks

if TYPE_CHECKING:
    from projcomp.settings.report import FigureSettings

TITLES = {"whole": "whole pictures", "places": "windows around the places"}
_DODGE = 0.06


def draw(settings: "FigureSettings", folder: Folder) -> Figure:
    """A panel for each part of the picture, a line for each experiment."""
    figure = Figure(figsize=(7.2, 3.4), layout="constrained")
    panels = dict(zip(PARTS, figure.subplots(1, len(PARTS), sharey=True), strict=True))
    shown: set[int] = set()
    for number, (name, style) in enumerate(looks(settings.cases).items()):
        table = read_table(folder.table(f"memorised_{name}"), COLUMNS, "table", ["part"])
        table = DataFrame(table[table["case"].isin(settings.cases[name])])
        shown |= set(table["num_composed"])
        for part, axes in panels.items():
            rows = DataFrame(table[table["part"] == part]).sort_values("num_composed")
            value = rows["value"].to_numpy()
            ends = [value - rows["low"].to_numpy(), rows["high"].to_numpy() - value]
            look: Any = {"capsize": 2, "markersize": 4, "elinewidth": 0.9, "label": name, **style}
            axes.errorbar(
                rows["num_composed"].to_numpy() + _DODGE * (number - len(settings.cases) / 2),
                value,
                yerr=np.clip(ends, 0, None),
                **look,
            )
    for part, axes in panels.items():
        axes.axhline(0.5, color=FAINT, linestyle="--", linewidth=1)
        axes.set_title(TITLES[part])
        axes.set_xlabel("composed locations k")
        axes.set_xticks(sorted(shown))
        axes.set_ylim(-0.03, 1.03)
        axes.grid(axis="y")
    panels[PARTS[0]].set_ylabel("nearer to the training images\nthan a new render, probability")
    figure.legend(*panels[PARTS[0]].get_legend_handles_labels(), loc="outside right center")
    return figure
