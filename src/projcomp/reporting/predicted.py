"""The table of predicted pairs as a heat map: success below the diagonal, cosines above it."""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from projcomp.reporting.style import plain_style, save_png

_CELL, _MARGIN = 0.42, 1.6
"""Inches of a cell and of the names beside them."""

_MOST_NUMBERS = 20
"""Conditions up to which every cell has its number in it."""


def draw_predicted(table: pd.DataFrame, png: Path) -> None:
    """Write the heat map of a table with ``first``, ``second``, ``cosine`` and ``success``."""
    with plain_style():
        save_png(heat_map(table), "predicted pairs", png)


def heat_map(table: pd.DataFrame) -> Figure:
    """The two matrices side by side in one; pairs that were not asked for stay white."""
    names = list(dict.fromkeys([*table["first"], *table["second"]]))
    success, cosine = (np.full((len(names), len(names)), np.nan) for _ in range(2))
    for row in table.to_dict("records"):
        first, second = sorted((names.index(row["first"]), names.index(row["second"])))
        success[second, first], cosine[first, second] = row["success"], row["cosine"]
    side = _CELL * len(names) + _MARGIN
    figure = Figure(figsize=(side + 1.2, side), layout="constrained")
    axes = figure.add_subplot()
    for values, cmap, least, label in (
        (success, "cividis", 0, "success (below the diagonal)"),
        (cosine, "coolwarm", -1, "cosine of mean deltas (above)"),
    ):
        image = axes.imshow(values, vmin=least, vmax=1, cmap=cmap)
        figure.colorbar(image, ax=axes, label=label, shrink=0.7)
        if len(names) > _MOST_NUMBERS:
            continue
        for (row, column), value in np.ndenumerate(values):
            if not np.isnan(value):
                light = sum(image.cmap(image.norm(value))[:3]) > 1.5
                ink = "black" if light else "white"
                axes.text(column, row, f"{value:.2f}", ha="center", va="center", color=ink)
    axes.set_xticks(range(len(names)), names, rotation=45, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(len(names)), names)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    return figure
