"""Errors of followed log-densities against the number of steps ([S])."""

import pandas as pd
from matplotlib.figure import Figure

from projcomp.reporting.exact.read import line, log_ticks, select, sheet
from projcomp.reporting.style import FAINT, MARKERS

ESTIMATORS = ("Ito", "detailed balance", "smooth, probe", "smooth, exact")
QUANTITIES = ("root mean square", "standard deviation")


def draw(table: pd.DataFrame) -> Figure:
    """Two dimensions above, 32 below; root mean square on the left, spread alone on the right."""
    figure, panels = sheet(table, 7.2, 5.2, 2, 2, sharex=True)
    for row, panel in enumerate(("d = 2", "d = 32")):
        for column, quantity in enumerate(QUANTITIES):
            axes = panels[2 * row + column]
            there = set(select(table, panel, quantity)["setting"])  # not all go to every dimension
            for number, name in enumerate(ESTIMATORS):
                if name in there:
                    rows, label = select(table, panel, quantity, name), _label(table, panel, name)
                    line(axes, rows, label, number, marker=MARKERS[number], markersize=3.5)
            log_ticks(axes, select(table, panel, quantity)["x"])
            axes.set_yscale("log")
            axes.set_title(f"{panel}: {quantity}")
            axes.grid(color=FAINT, alpha=0.3)
        panels[2 * row].set_ylabel("error of log q, nats")
        panels[2 * row + 1].legend(fontsize=6)
    for axes in panels[2:]:
        axes.set_xlabel("number of steps N")
    return figure


def _label(table: pd.DataFrame, panel: str, name: str) -> str:
    """The name with the slope of its standard deviation."""
    slope = select(table, panel, "slope", name)
    value, low, high = (slope[column].iloc[0] for column in ("value", "low", "high"))
    return f"{name}: N^{value:.2f} [{low:.2f}, {high:.2f}]"
