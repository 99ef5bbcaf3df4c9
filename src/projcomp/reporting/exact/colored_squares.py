"""Coloured squares ([B], Fig. 13): the colours' projections, what compositions show, how often."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from projcomp.reporting.exact.read import select, sheet
from projcomp.reporting.style import FAINT, INK, MARKERS, PALETTE

COLORS = ("red", "green", "blue", "yellow")
STACKS = ("exact", "trained, pixel norm", "trained, group norm")
ASKED = (
    "red+green",
    "red+blue",
    "green+blue",
    "red+green+blue",
    "red+yellow",
    "red+green corrected",
    "red+yellow corrected",
)
OUTCOMES = ("apart", "together", "neither")
SHOWN = 8


def draw(table: pd.DataFrame) -> Figure:
    """Cosines of the colours, the first pictures of every composition, shares of the outcomes.

    And the share of every training, because they differ.
    """
    figure, panels = sheet(table, 9.6, 8.2, 3, 3, gridspec_kw={"width_ratios": [1, 1.5, 1.6]})
    _cosines(panels[0], table)
    _deltas(panels[3], table)
    _trainings(panels[6], table)
    for row, stack in enumerate(STACKS):
        _pictures(panels[3 * row + 1], table, stack)
        _outcomes(panels[3 * row + 2], table, stack)
    panels[2].legend(fontsize=6, ncols=4, loc="upper center", columnspacing=0.9, handlelength=1.2)
    return figure


def _cosines(axes: Axes, table: pd.DataFrame) -> None:
    rows = select(table, "projection", "cosine of means").set_index("setting")["value"]
    grid = np.array([[rows[f"{a} {b}"] for b in COLORS] for a in COLORS])
    axes.imshow(grid, cmap="Blues", vmin=0, vmax=1.4)
    for (y, x), value in np.ndenumerate(grid):
        axes.text(x, y, f"{value:.2g}", ha="center", va="center", fontsize=7)
    axes.set_xticks(range(4), COLORS, rotation=30)
    axes.set_yticks(range(4), COLORS)
    axes.set_title("cosine of the mean pictures")


def _deltas(axes: Axes, table: pd.DataFrame) -> None:
    """The same of the score deltas along the path, of the first two colours asked for."""
    plain = [asked for asked in ASKED if "corrected" not in asked]
    for number, stack in enumerate(STACKS):
        rows = select(table, stack, "cosine of deltas").set_index("setting").loc[plain]
        axes.barh(
            np.arange(len(plain)) + 0.27 * (number - 1),
            rows["value"],
            0.25,
            color=PALETTE[number],
            label=stack,
        )
    axes.axvline(0, color=INK, linewidth=0.8)
    axes.set_yticks(range(len(plain)), [asked.replace("+", " + ") for asked in plain])
    axes.invert_yaxis()
    axes.set_title("cosine of the score deltas")
    axes.legend(fontsize=6, loc="upper center", bbox_to_anchor=(0.3, -0.12))


def _trainings(axes: Axes, table: pd.DataFrame) -> None:
    """The share of pictures with all squares apart, of every training by itself."""
    for number, stack in enumerate(STACKS[1:], start=1):
        rows = select(table, stack, "apart, one training")
        where = np.array([ASKED.index(asked) for asked in rows["setting"]])
        shifted = where + 0.15 * (2 * number - 3)
        axes.plot(rows["value"], shifted, MARKERS[number], color=PALETTE[number], markersize=3.5)
    axes.set_yticks(range(len(ASKED)), _labels())
    axes.set_xlim(-0.05, 1.05)
    axes.invert_yaxis()
    axes.set_title("share apart, by training")


def _pictures(axes: Axes, table: pd.DataFrame, stack: str) -> None:
    """The first pictures of every composition, unselected: the mean colour of each place."""
    for row, asked in enumerate(ASKED):
        values = [
            select(table, stack, f"picture {channel}", asked).sort_values("x")["value"].to_numpy()
            for channel in "rgb"
        ]
        places = np.stack(values, 1).reshape(-1, 2, 2, 3)
        for column, picture in enumerate(places[:SHOWN]):
            # 2 is a channel lit twice; shown lit once, as a screen would
            box = (column, column + 0.9, row + 0.9, row)
            axes.imshow(picture.clip(0, 1), extent=box, interpolation="nearest")
    axes.set_xlim(0, SHOWN)
    axes.set_ylim(len(ASKED), 0)
    axes.set_aspect("equal")
    axes.set_xticks([])
    axes.set_yticks(np.arange(len(ASKED)) + 0.45, _labels())
    axes.tick_params(length=0)
    axes.set_title(f"{stack}: first pictures")


def _outcomes(axes: Axes, table: pd.DataFrame, stack: str) -> None:
    colors = dict(zip(OUTCOMES, (PALETTE[0], PALETTE[4], FAINT), strict=True))
    where, left = np.arange(len(ASKED)), np.zeros(len(ASKED))
    for outcome in OUTCOMES:
        rows = select(table, stack, outcome).set_index("setting").loc[list(ASKED)]
        axes.barh(where, rows["value"], 0.7, left=left, color=colors[outcome], label=outcome)
        if outcome == "apart":
            error = [rows["value"] - rows["low"], rows["high"] - rows["value"]]
            axes.errorbar(rows["value"], where, xerr=error, fmt="none", ecolor=INK, elinewidth=0.8)
        left = left + rows["value"].to_numpy()
    truth = select(table, "truth", "apart").drop_duplicates("setting").set_index("setting")
    axes.plot(truth["value"].loc[list(ASKED)], where, "|", color=INK, markersize=14, label="truth")
    axes.set_yticks(where, _labels())
    axes.set_xlim(0, 1)
    axes.set_ylim(len(ASKED) - 0.5, -1.2)
    axes.set_title(f"{stack}: shares")


def _labels() -> list[str]:
    return [asked.replace("+", " + ").replace(" corrected", "\ncorrected") for asked in ASKED]
