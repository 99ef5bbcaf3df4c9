"""Three changes of basis ([B], Fig. 12): samples by DDIM and by Langevin, and the modes' shares."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from projcomp.reporting.exact.read import select, sheet
from projcomp.reporting.style import FAINT, PALETTE

MAPS = ("axis-aligned", "orthogonal", "non-orthogonal")
SAMPLERS = ("DDIM", "Langevin at t = 0", "truth")
MODES = ("1", "2", "3", "4", "none")


def draw(table: pd.DataFrame) -> Figure:
    """Per map two panels of samples, and the shares of the clusters."""
    figure, panels = sheet(table, 7.6, 6.0, 3, 3, gridspec_kw={"width_ratios": [1, 1, 1.7]})
    for row, name in enumerate(MAPS):
        for column, sampler in enumerate(SAMPLERS[:2]):
            _samples(panels[3 * row + column], table, name, sampler, column)
        _shares(panels[3 * row + 2], table, name)
        panels[3 * row].set_ylabel(name, fontsize=9)
    for column, sampler in enumerate(SAMPLERS[:2]):
        panels[column].set_title(sampler)
    panels[2].set_title("share of the samples in each cluster")
    panels[2].legend(fontsize=6, ncols=3, loc="upper center")
    panels[8].set_xlabel("cluster of the true composition")
    return figure


def _samples(axes: Axes, table: pd.DataFrame, name: str, sampler: str, number: int) -> None:
    """Which cluster of the first conditional, which of the second: the truth has all four."""
    for x in (-1, 1):
        for y in (-1, 1):
            axes.plot(x, y, "o", color=FAINT, markersize=14, fillstyle="none", linewidth=0.8)
    rows = select(table, name, "point", sampler)
    axes.plot(rows["x"], rows["value"], ".", color=PALETTE[number], markersize=3)
    axes.set_xlim(-1.7, 1.7)
    axes.set_ylim(-1.7, 1.7)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_aspect("equal")


def _shares(axes: Axes, table: pd.DataFrame, name: str) -> None:
    colors = (PALETTE[0], PALETTE[1], FAINT)
    for number, sampler in enumerate(SAMPLERS):
        rows = select(table, name, "share of mode", sampler)
        error = [rows["value"] - rows["low"], rows["high"] - rows["value"]]
        axes.bar(
            rows["x"] + 0.27 * (number - 1),
            rows["value"],
            0.25,
            yerr=error,
            color=colors[number],
            label=sampler,
            error_kw={"elinewidth": 0.8, "capsize": 1.5},
        )
    axes.axhline(0.25, color=FAINT, linestyle=":", linewidth=0.8)
    axes.set_xticks(range(len(MODES)), MODES)
    axes.set_ylim(0, 0.7)
