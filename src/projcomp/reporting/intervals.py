"""Values with their intervals, a line each."""

from typing import Any

import pandas as pd
from matplotlib.axes import Axes

from projcomp.reporting.style import FAINT, INK


def draw_intervals(axes: Axes, found: pd.DataFrame, floor: Any = None) -> None:
    """Draw one value a line along x, from the top line 0 on.

    Args:
        axes: the panel.
        found: the columns value, low and high, a row per line.
        floor: what each value is at least by nature, drawn as a mark.
    """
    value, lines = found["value"], range(len(found))
    axes.errorbar(
        value,
        lines,
        xerr=[(value - found["low"]).clip(lower=0), (found["high"] - value).clip(lower=0)],
        linestyle="",
        marker="o",
        markersize=4,
        capsize=2,
        color=INK,
    )
    if floor is not None:
        axes.scatter(floor, lines, marker="|", s=80, color=FAINT)
    axes.grid(axis="x")
