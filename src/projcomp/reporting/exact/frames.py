"""Superposition of frames: errors of log-densities, OR's shares and AND's gap, by steps."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from projcomp.reporting.exact.read import line, log_ticks, select, sheet
from projcomp.reporting.style import FAINT, MARKERS

CHOICES = ("independent noise", "one noise for both", "noise x 0.1")
SHARE = 0.3
GAPS = (*(f"published, {choice}" for choice in CHOICES), f"corrected, {CHOICES[0]}")


def draw(table: pd.DataFrame) -> Figure:
    """Of OR the size of the error, its mean and the share; of AND the gap."""
    figure, panels = sheet(table, 10.2, 2.7, 1, 4)
    size, bias, share, gap = panels
    _lines(size, table, "OR", "root mean square", CHOICES)
    size.set_yscale("log")
    size.set_title("OR: error of log q,\nroot mean square")
    size.set_ylabel("nats")
    _lines(bias, table, "OR", "bias", CHOICES)
    bias.set_yscale("symlog")
    bias.axhline(0, color=FAINT, linewidth=0.8)
    bias.set_title("OR: error of log q, mean")
    _lines(share, table, "OR", "share", CHOICES)
    share.axhline(SHARE, color=FAINT, linestyle=":", linewidth=0.8)
    share.set_ylim(0, 1)
    share.set_title("OR: share of the first model\n(dotted: its prior)")
    _lines(gap, table, "AND", "gap", GAPS)
    gap.set_yscale("log")
    gap.set_title("AND: gap of the true log q,\nroot mean square")
    gap.margins(y=0.4)
    gap.legend(fontsize=5.5, loc="lower left")
    size.legend(fontsize=5.5)
    for axes in panels:
        axes.set_xlabel("number of steps N")
        axes.grid(color=FAINT, alpha=0.3)
    return figure


def _lines(
    axes: Axes, table: pd.DataFrame, panel: str, quantity: str, settings: tuple[str, ...]
) -> None:
    for number, setting in enumerate(settings):
        rows = select(table, panel, quantity, setting)
        line(axes, rows, setting, number, marker=MARKERS[number], markersize=3.5)
    log_ticks(axes, select(table, panel, quantity)["x"])
