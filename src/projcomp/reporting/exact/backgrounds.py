"""Empty and unconditional backgrounds ([B], Fig. 11): sparse, cluttered, and how they converge."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from projcomp.reporting.exact.read import line, log_ticks, select, sheet
from projcomp.reporting.style import FAINT, INK, PALETTE

BACKGROUNDS = ("empty", "unconditional")


def draw(table: pd.DataFrame) -> Figure:
    """Four panels: the sparse compositions, two measures of the cluttered ones, chi-square."""
    figure, (sparse, places, elsewhere, distance) = sheet(table, 9.6, 2.7, 1, 4)
    _sparse(sparse, table)
    for axes, quantity, title in (
        (places, "all composed places above 1/2", "clutter: all composed places"),
        (elsewhere, "occupied elsewhere", "clutter: elsewhere"),
    ):
        for number, background in enumerate(BACKGROUNDS):
            rows = select(table, "clutter", quantity, background)
            line(axes, rows, background, number, marker="o", markersize=3)
        axes.set_title(title)
        axes.set_xlabel("number of places n")
        log_ticks(axes, select(table, "clutter", quantity)["x"])
    places.set_ylabel("share of samples")
    places.set_ylim(0.5, 1.02)
    exact = select(table, "clutter", "occupied elsewhere", "unconditional, exact")
    line(elsewhere, exact, "unconditional, exact at t = 0", 1, linestyle=":")
    truth = select(table, "clutter", "occupied elsewhere", "truth")
    line(elsewhere, truth, "truth", 0, color=INK, linestyle="--")
    elsewhere.set_ylabel("share of places occupied")
    elsewhere.set_ylim(bottom=0)
    elsewhere.legend(fontsize=6)
    _distance(distance, table)
    return figure


def _sparse(axes: Axes, table: pd.DataFrame) -> None:
    for number, background in enumerate(BACKGROUNDS):
        rows = select(table, "sparse", "mean", background)
        top = select(table, "sparse", "maximiser", background)
        axes.bar(
            rows["x"] + 0.4 * number - 0.2,
            rows["value"],
            width=0.38,
            color=PALETTE[number],
            label=f"{background}: samples' mean",
        )
        axes.plot(top["x"] + 0.4 * number - 0.2, top["value"], "_", color=INK, markersize=7)
    axes.plot([], [], "_", color=INK, markersize=7, label="exact maximiser")
    axes.set_title("nothing else in the picture")
    axes.set_xlabel("place (composed: 0, 2, 4, 6)")
    axes.set_ylabel("value")
    axes.set_ylim(-0.1, 1.6)
    axes.legend(fontsize=6, loc="upper left")


def _distance(axes: Axes, table: pd.DataFrame) -> None:
    exact = select(table, "chi-square", "chi-square", "(1 - q)/(n q)")
    line(axes, exact, "(1 − q)/(n q)", 0, color=FAINT, linestyle="--")
    rows = select(table, "chi-square", "chi-square", "measured")
    line(axes, rows, "measured", 2, marker="o", markersize=3, linestyle="none")
    log_ticks(axes, rows["x"])
    axes.set_yscale("log")
    axes.set_title("p_u and p_b")
    axes.set_xlabel("number of places n")
    axes.set_ylabel("chi-square distance")
    axes.legend(fontsize=6)
