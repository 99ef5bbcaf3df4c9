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


def draw(settings: "FigureSettings", folder: Folder) -> Figure:
    """All places against k for every network, with the mean of the exact twins, and the gaps."""
    table = read_table(folder.table(settings.name), local.COLUMNS, "table", ["model"])
    rows = DataFrame(table[table["experiment"] != "all"])
    totals = DataFrame(table[table["experiment"] == "all"]).set_index("distance")
    distances = sorted(rows["distance"].unique())
    styles = looks(rows["experiment"].unique())
    width = 4.2 + 2.6 * len(distances)
    figure = Figure(figsize=(width, 3.6), layout="constrained")
    shares = {"width_ratios": [1.6] + [1.0] * len(distances)}
    panels = figure.subplots(1, 1 + len(distances), gridspec_kw=shares)
    _against_k(panels[0], settings, folder, styles)
    for axes, distance in zip(panels[1:], distances, strict=True):
        _gaps(axes, DataFrame(rows[rows["distance"] == distance]), styles)
        rho, low, high = (
            totals.loc[distance, key] for key in ("spearman", "spearman_low", "spearman_high")
        )
        known = f"\n$\\rho$ = {rho:.2f} [{low:.2f}, {high:.2f}]" if np.isfinite(rho) else ""
        axes.set_title(f"within {distance} pixel{'' if distance == 1 else 's'}{known}", fontsize=8)
    panels[1].set_ylabel("all places: exact - trained, mean over k")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=5)
    return figure


def _against_k(
    axes: Axes, settings: "FigureSettings", folder: Folder, styles: dict[Any, dict[str, Any]]
) -> None:
    exact: dict[str, Any] = {}
    for name, cases in settings.cases.items():
        found = read_table(folder.table(f"ceiling_{name}"), ceiling.COLUMNS, "table")
        chosen = found[found["case"].isin(cases) & (found["measure"] == local.MEASURE)]
        rates = DataFrame(chosen).sort_values("num_composed")
        exact[name] = rates.set_index("num_composed")["exact"]
        look = styles[name]
        axes.plot(
            rates["num_composed"],
            rates["trained"],
            marker=look["marker"],
            color=look["color"],
            markersize=4,
            label=name,
        )
    twins = DataFrame(exact)
    axes.plot(
        twins.index.to_numpy(), twins.to_numpy().mean(1), "--", color=FAINT, label="exact, mean"
    )
    axes.set_xlabel("composed conditions k")
    axes.set_ylabel("all places, share of samples")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_ylim(-0.03, 1.03)
    axes.grid(axis="y")


def _gaps(axes: Axes, rows: DataFrame, styles: dict[Any, dict[str, Any]]) -> None:
    for row in rows.to_dict("records"):
        look = styles[row["experiment"]]
        axes.plot(row["locality"], row["gap"], marker=look["marker"], color=look["color"], ls="")
    axes.set_xlabel("share of the delta's Jacobian")
    axes.grid()
