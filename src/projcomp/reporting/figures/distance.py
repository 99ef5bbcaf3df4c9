"""Distances of composed samples to the rendered truth, against k."""

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure
from pandas import DataFrame

from projcomp.evaluation.read_table import read_table
from projcomp.evaluation.tables.distance import COLUMNS, COMPOSED, WORDS
from projcomp.folder import Folder
from projcomp.reporting.style import INK, PALETTE, title_of
from projcomp.settings.case import TRUTH

if TYPE_CHECKING:
    from projcomp.settings.report import FigureSettings

PANELS = {
    "frechet_raw": "Frechet distance, as fitted",
    "frechet": "Frechet distance, without bias",
    "kernel": "kernel distance",
    "diversity": "diversity",
    "density": "density",
    "coverage": "coverage",
}
STYLES = {
    COMPOSED: {"color": PALETTE[0], "marker": "o", "linestyle": "-"},
    TRUTH: {"color": INK, "marker": "D", "linestyle": "--"},
}


def draw(settings: "FigureSettings", folder: Folder) -> Figure:
    """A panel for each measure that the table has."""
    table = read_table(folder.table(settings.name), COLUMNS, "table", WORDS)
    shown = [measure for measure in PANELS if measure in set(table["measure"])]
    columns = min(3, len(shown))
    lines = -(-len(shown) // columns)
    figure = Figure(figsize=(2.6 * columns, 0.5 + 2.3 * lines), layout="constrained")
    panels = np.ravel(figure.subplots(lines, columns, squeeze=False))
    for axes, measure in zip(panels, shown, strict=False):
        for subject, style in STYLES.items():
            chosen = (table["measure"] == measure) & (table["subject"] == subject)
            rows = DataFrame(table[chosen]).sort_values("num_composed")
            k, value = rows["num_composed"].to_numpy(), rows["value"].to_numpy()
            ends = [value - rows["low"].to_numpy(), rows["high"].to_numpy() - value]
            label = "the truth's halves" if subject == TRUTH else "composed samples"
            bars = {"capsize": 2, "elinewidth": 0.9, "markersize": 4, "label": label}
            # without an interval there is no bar
            axes.errorbar(k, value, yerr=np.nan_to_num(np.clip(ends, 0, None)), **bars, **style)
            axes.plot(
                k, rows["floor"], ":", color=style["color"], lw=1, label=f"equal laws, {label}"
            )
        axes.set_title(PANELS[measure], fontsize=8)
        axes.set_xlabel("composed locations k")
        axes.set_xticks(sorted(table["num_composed"].unique()))
        axes.grid(axis="y")
    for axes in panels[len(shown) :]:
        axes.set_axis_off()
    (experiment, *_) = (name for name in settings.cases if name != TRUTH)
    figure.suptitle(f"{title_of(experiment)}: distance to the truth", fontsize=9)
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return figure
