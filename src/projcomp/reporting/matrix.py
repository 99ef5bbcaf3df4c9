"""Shares in the cells of a matrix, in percent."""

from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from pandas import DataFrame

from projcomp.reporting.style import INK

_LEAST_TOLD = 0.005
"""Least share that is told in its cell, half a percent."""


def draw_shares(
    axes: Axes, shares: DataFrame, fontsize: int, origin: Literal["upper", "lower"] = "upper"
) -> None:
    """Colours and numbers; shares that are not there (NaN) have neither."""
    values = shares.to_numpy()
    axes.imshow(values, cmap="Blues", vmin=0, vmax=1.15, origin=origin, aspect="auto")
    for (y, x), share in np.ndenumerate(values):
        if share >= _LEAST_TOLD:
            color, told = "white" if share > 0.6 else INK, f"{100 * share:.0f}"
            axes.text(x, y, told, ha="center", va="center", fontsize=fontsize, color=color)
    axes.tick_params(labelsize=6, length=0)
