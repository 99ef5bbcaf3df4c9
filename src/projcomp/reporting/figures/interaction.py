"""The interaction of pairs beside their success."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter, ScalarFormatter

from projcomp.conditions.kinds import KINDS
from projcomp.evaluation.read_table import read_table
from projcomp.evaluation.tables.interaction import COLUMNS
from projcomp.folder import Folder
from projcomp.reporting.style import FAINT, INK, title_of
from projcomp.settings.case import pair_in

if TYPE_CHECKING:
    from projcomp.settings.report import FigureSettings


DECADES = 100.0
"""Up to this ratio the axis of nats has 1, 2 and 5 as well; beyond, powers of ten alone."""


def draw(settings: "FigureSettings", folder: Folder) -> Figure:
    """Two heat maps and two scatter plots of the one experiment."""
    table = read_table(folder.table(settings.name), COLUMNS, "table")
    pairs = table.query("case != 'all'")
    total = table.query("case == 'all'").iloc[0]
    ((experiment, _),) = settings.cases.items()
    figure = Figure(figsize=(14.0, 3.9), layout="constrained")
    left, middle, right, last = figure.subplots(1, 4)
    _draw_matrix(left, pairs, "interaction", "coolwarm", -1.0)
    left.set_title("interaction (cosine)")
    _draw_matrix(middle, pairs, "success", "cividis", 0.0)
    middle.set_title("success (share of samples)")
    _draw_scatter(right, pairs)
    right.set_title(_correlation(total, "spearman"))
    _draw_absolute(last, pairs)
    last.set_title(_correlation(total, "absolute_spearman"))
    figure.suptitle(title_of(experiment), fontsize=9)
    return figure


def _correlation(total: pd.Series, name: str) -> str:
    rho, low, high = (float(total[key]) for key in (name, f"{name}_low", f"{name}_high"))
    if np.isnan(rho):
        return "no rank correlation: all pairs are equal"
    return f"rank correlation {rho:.2f} [{low:.2f}, {high:.2f}]"


def _sides(pairs: pd.DataFrame) -> tuple[list[str], list[str]]:
    """Conditions of rows and columns: all on both sides, unless no first one is a second one."""
    first, second = ({pair_in(case)[side] for case in pairs["case"]} for side in (0, 1))
    if first & second:
        first = second = first | second
    return _in_order(first), _in_order(second)


def _in_order(names: set[str]) -> list[str]:
    """Names in their kind's order, then by number."""
    known = [value for kind in KINDS.values() for value in kind.values if value in names]
    return known + sorted(names - set(known))


def _draw_matrix(axes: Axes, pairs: pd.DataFrame, column: str, cmap: str, least: float) -> None:
    rows, columns = _sides(pairs)
    values = np.full((len(rows), len(columns)), np.nan)
    for case, value in zip(pairs["case"], pairs[column], strict=True):
        first, second = pair_in(case)
        values[rows.index(first), columns.index(second)] = value
        if rows == columns:
            values[rows.index(second), columns.index(first)] = value
    axes.imshow(values, vmin=least, vmax=1, cmap=cmap)
    dark = 0.45 if least == 0 else 2.0
    for (row, entry), value in np.ndenumerate(values):
        if not np.isnan(value):
            ink = "white" if value < dark and least == 0 else "black"
            axes.text(entry, row, f"{value:.2f}", ha="center", va="center", color=ink, fontsize=6)
    axes.set_xticks(range(len(columns)), columns, rotation=45, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(len(rows)), rows)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)


def _draw_scatter(axes: Axes, pairs: pd.DataFrame) -> None:
    x, y = pairs["interaction"].to_numpy(), pairs["success"].to_numpy()
    axes.errorbar(
        x,
        y,
        xerr=np.abs(pairs[["interaction_low", "interaction_high"]].to_numpy().T - x),
        yerr=np.abs(pairs[["success_low", "success_high"]].to_numpy().T - y),
        linestyle="",
        marker="o",
        markersize=3,
        elinewidth=0.6,
        color=INK,
        alpha=0.8,
    )
    replaced = pairs["replaced"].to_numpy(dtype=float)
    if not np.isnan(replaced).all():
        axes.scatter(replaced, y, s=14, facecolors="none", edgecolors=FAINT)
    rings = "" if np.isnan(replaced).all() else " (rings: background replaced)"
    axes.set_xlim(-1.05, 1.05)
    axes.set_xlabel(f"interaction{rings}")
    axes.set_ylabel("success")
    axes.set_ylim(-0.03, 1.03)
    axes.grid()


def _draw_absolute(axes: Axes, pairs: pd.DataFrame) -> None:
    axes.plot(pairs["absolute"], pairs["success"], "o", markersize=3, color=INK, alpha=0.8)
    if (pairs["absolute"] > 0).all():
        axes.set_xscale("log")
        if pairs["absolute"].max() < DECADES * pairs["absolute"].min():
            axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            axes.xaxis.set_major_formatter(ScalarFormatter())
        axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel("absolute interaction, nats")
    axes.set_ylabel("success")
    axes.set_ylim(-0.03, 1.03)
    axes.grid()
