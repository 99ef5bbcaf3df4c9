"""Networks that learned the same in different ways: how near the ceiling, and how local."""

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from pandas import DataFrame

from projcomp.evaluation.read_table import read_table
from projcomp.evaluation.tables import ceiling, local
from projcomp.folder import Folder
from projcomp.reporting.style import FAINT, looks

if TYPE_CHECKING:
    from projcomp.settings.report import FigureSettings

TITLES = {"pixels": "the delta's Jacobian", "condition": "the delta, around the location"}


def draw(settings: "FigureSettings", folder: Folder) -> Figure:
    """All places against k with the mean of the exact twins, and every gap against locality."""
    table = read_table(folder.table(settings.name), local.COLUMNS, "table", ["model"])
    distances = sorted(table["distance"].unique())
    styles = looks(settings.cases)
    figure = Figure(figsize=(4.6 + 2.0 * len(distances), 5.2), layout="constrained")
    grid = figure.add_gridspec(2, 1 + len(distances), width_ratios=[2.2] + [1.0] * len(distances))
    first = figure.add_subplot(grid[:, 0])
    _against_k(first, settings, folder, styles)
    for row, sense in enumerate(local.SENSES):
        for column, distance in enumerate(distances):
            axes = figure.add_subplot(grid[row, 1 + column])
            chosen = (table["measure"] == sense) & (table["distance"] == distance)
            _gaps(axes, DataFrame(table[chosen]), styles)
            axes.set_xlabel(f"within {distance} pixel{'' if distance == 1 else 's'}", fontsize=7)
            if not column:
                axes.set_ylabel(f"gap, against the share of\n{TITLES[sense]}", fontsize=7)
    figure.legend(*first.get_legend_handles_labels(), loc="outside lower center", ncols=5)
    return figure


def _against_k(
    axes: Axes, settings: "FigureSettings", folder: Folder, styles: dict[str, dict[str, Any]]
) -> None:
    exact: dict[str, Any] = {}
    for name, cases in settings.cases.items():
        found = read_table(folder.table(f"ceiling_{name}"), ceiling.COLUMNS, "table")
        chosen = found[found["case"].isin(cases) & (found["measure"] == local.GAP_OF)]
        rates = DataFrame(chosen).sort_values("num_composed")
        exact[name] = rates.set_index("num_composed")["exact"]
        axes.plot(rates["num_composed"], rates["trained"], markersize=4, label=name, **styles[name])
    twins = DataFrame(exact)
    axes.plot(twins.index.to_numpy(), twins.to_numpy().mean(1), "--", color=FAINT, label="exact")
    axes.set_xlabel("composed conditions k")
    axes.set_ylabel("all places, share of samples")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_ylim(-0.03, 1.03)
    axes.grid(axis="y")


def _gaps(axes: Axes, rows: DataFrame, styles: dict[str, dict[str, Any]]) -> None:
    records: Any = rows.to_dict("records")
    for row in (row for row in records if row["experiment"] != "all"):
        axes.plot(row["locality"], row["gap"], ls="", markersize=5, **styles[row["experiment"]])
    for row in (row for row in records if row["experiment"] == "all"):
        rho, low, high = (row[key] for key in ("spearman", "spearman_low", "spearman_high"))
        if np.isfinite(rho):
            axes.set_title(f"$\\rho$ = {rho:.2f} [{low:.2f}, {high:.2f}]", fontsize=7)
    axes.tick_params(labelsize=6)
    axes.grid()
