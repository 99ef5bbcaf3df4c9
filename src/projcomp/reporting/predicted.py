"""The table of predicted pairs as a heat map: success below the diagonal, cosines above it."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from projcomp.reporting.style import plain_style, save_png

_CELL, _MARGIN = 0.42, 1.6
"""Inches of a cell and of the names beside them."""

_MOST_NUMBERS = 20
"""Conditions up to which every cell has its number in it."""


def draw_predicted(tables: Mapping[str, pd.DataFrame], png: Path) -> None:
    """Write the heat maps of tables with ``first``, ``second``, ``cosine`` and ``success``.

    Args:
        tables: by the feature map that was composed.
        png: the file.
    """
    with plain_style():
        save_png(heat_maps(tables), "predicted pairs", png)


def heat_maps(tables: Mapping[str, pd.DataFrame]) -> Figure:
    """One heat map for every feature map, side by side; of several, each under its name."""
    most = max(len(_names(table)) for table in tables.values())
    side = _CELL * most + _MARGIN
    figure = Figure(figsize=((side + 1.2) * len(tables), side), layout="constrained")
    for axes, (name, table) in zip(
        figure.subplots(1, len(tables), squeeze=False)[0], tables.items(), strict=True
    ):
        _draw(axes, table)
        if len(tables) > 1:
            axes.set_title(name)
    return figure


def _names(table: pd.DataFrame) -> list[str]:
    return list(dict.fromkeys([*table["first"], *table["second"]]))


def _draw(axes: Axes, table: pd.DataFrame) -> None:
    """The two matrices in one; pairs that were not asked for stay white."""
    names = _names(table)
    success, cosine = (np.full((len(names), len(names)), np.nan) for _ in range(2))
    for row in table.to_dict("records"):
        first, second = sorted((names.index(row["first"]), names.index(row["second"])))
        success[second, first], cosine[first, second] = row["success"], row["cosine"]
    for values, cmap, least, label in (
        (success, "cividis", 0, "success (below the diagonal)"),
        (cosine, "coolwarm", -1, "cosine of mean deltas (above)"),
    ):
        image = axes.imshow(values, vmin=least, vmax=1, cmap=cmap)
        axes.figure.colorbar(image, ax=axes, label=label, shrink=0.7)
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
