"""Two disjoint sets ([S], Fig. 2): samples of every operator, and the gap of AND."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from projcomp.reporting.exact.read import line, log_ticks, select, sheet
from projcomp.reporting.style import FAINT, MARKERS, PALETTE

OPERATORS = ("average", "OR", "AND, published", "AND, corrected")
STACKS = ("exact", "trained")
SIDE = 2.1


def draw(table: pd.DataFrame) -> Figure:
    """Samples with exact and with trained scores; on the right AND against the number of steps."""
    figure, panels = sheet(table, 10.2, 4.4, 2, 5, gridspec_kw={"width_ratios": [1, 1, 1, 1, 1.3]})
    for row, stack in enumerate(STACKS):
        for column, operator in enumerate(OPERATORS):
            axes = panels[5 * row + column]
            _samples(axes, table, stack, operator, column)
            if row == 0:
                axes.set_title(operator)
        panels[5 * row].set_ylabel(f"{stack} scores", fontsize=9)
    _shares(panels[9], table)
    gap = panels[4]
    for number, operator in enumerate(OPERATORS[2:], start=2):
        rows = select(table, "unlike", "gap", operator)
        line(gap, rows, operator, number, marker=MARKERS[number], markersize=3.5)
    log_ticks(gap, select(table, "unlike", "gap")["x"])
    gap.set_yscale("log")
    gap.set_title("AND, sets of different widths:\ngap, root mean square")
    gap.set_xlabel("number of steps")
    gap.set_ylabel("nats")
    gap.legend(fontsize=6)
    return figure


def _samples(axes: Axes, table: pd.DataFrame, stack: str, operator: str, number: int) -> None:
    for name in ("set 1", "set 2"):
        data = select(table, "data", "point", name)
        axes.plot(data["x"], data["value"], ".", color=FAINT, markersize=1.5, alpha=0.5)
    rows = select(table, stack, "point", operator)
    axes.plot(rows["x"], rows["value"], ".", color=PALETTE[number], markersize=2.5)
    neither = select(table, stack, "share in neither", operator)["value"].iloc[0]
    gap = select(table, stack, "gap", operator)["value"].iloc[0]
    said = f"in neither {neither:.0%}, gap {gap:.{0 if gap >= 10 else 2}f} nats"
    axes.text(0.5, 0.01, said, fontsize=6.5, ha="center", transform=axes.transAxes)
    axes.set_xlim(-SIDE, SIDE)
    axes.set_ylim(-SIDE, SIDE)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_aspect("equal")


def _shares(axes: Axes, table: pd.DataFrame) -> None:
    """Share of the samples in each set, exact scores filled, trained ones hatched."""
    for number, operator in enumerate(OPERATORS):
        for shift, stack in ((-0.2, "exact"), (0.2, "trained")):
            below = 0.0
            for alpha, name in ((1.0, "share in set 1"), (0.55, "share in set 2")):
                value = select(table, stack, name, operator)["value"].iloc[0]
                axes.bar(
                    number + shift,
                    value,
                    0.36,
                    bottom=below,
                    color=PALETTE[number],
                    alpha=alpha,
                    hatch="//" if stack == "trained" else None,
                    edgecolor="white",
                )
                below += value
    axes.set_xticks(range(len(OPERATORS)), [name.replace(", ", ",\n") for name in OPERATORS])
    axes.tick_params(axis="x", labelsize=6)
    axes.set_ylim(0, 1.05)
    axes.set_title("share in set 1 and in set 2 (hatched: trained)", fontsize=7)
