"""Truth, exact models and networks on the same requests: who loses what."""

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from projcomp.evaluation.read_table import read_table
from projcomp.evaluation.tables.ceiling import COLUMNS
from projcomp.folder import Folder
from projcomp.reporting.style import FAINT, INK, PALETTE

if TYPE_CHECKING:
    from projcomp.settings.report import FigureSettings

LOOKS: dict[str, dict[str, Any]] = {
    "truth": {"color": INK, "marker": "x", "linestyle": "--"},
    "exact": {"color": PALETTE[2], "marker": "o"},
    "trained": {"color": PALETTE[0], "marker": "s"},
}
TITLES = {
    "exact_count": "exact count",
    "all_places": "all places hit",
    "success": "success",
}
LONGEST = 12
"""Cases up to which they are drawn side by side; more of them become one row each."""


Rows = list[dict[str, Any]]


def draw(settings: "FigureSettings", folder: Folder) -> Figure:
    """Panels against k where each case has a k of its own; one row per case where not."""
    table: Any = read_table(folder.table(settings.name), COLUMNS, "table").to_dict("records")
    rows: Rows = [row for row in table if row["case"] != "all"]
    found = {measure: [row for row in rows if row["measure"] == measure] for measure in TITLES}
    shown = {measure: chosen for measure, chosen in found.items() if chosen}
    sizes = [row["num_composed"] for row in found["success"]]
    if len(set(sizes)) == len(sizes) <= LONGEST:
        return _against_k(shown)
    total = [row for row in table if row["case"] == "all" and row["measure"] == "success"]
    return _by_case(found["success"], total)


def _against_k(shown: dict[str, Rows]) -> Figure:
    figure = Figure(figsize=(3.6 * len(shown), 3.6), layout="constrained")
    panels = np.atleast_1d(figure.subplots(1, len(shown), sharex=True, sharey=True))
    for axes, (measure, rows) in zip(panels, shown.items(), strict=True):
        rows = sorted(rows, key=lambda row: row["num_composed"])
        across = _column(rows, "num_composed")
        for name, look in LOOKS.items():
            axes.plot(across, _column(rows, name), label=name, markersize=4, **look)
        _draw_losses(axes, rows, across, vertical=True)
        axes.set_title(TITLES[measure])
        axes.set_xlabel("composed conditions k")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_ylim(-0.03, 1.03)
        axes.grid(axis="y")
    panels[0].set_ylabel("share of samples")
    panels[-1].legend(loc="best")
    return figure


def _by_case(rows: Rows, total: Rows) -> Figure:
    rows = sorted(rows, key=lambda row: (row["exact"], row["trained"]))
    figure = Figure(figsize=(6.5, 1.2 + 0.17 * len(rows)), layout="constrained")
    axes, places = figure.subplots(), np.arange(len(rows))
    for name, look in LOOKS.items():
        marks: Any = {**look, "linestyle": ""}
        axes.plot(_column(rows, name), places, label=name, markersize=4, **marks)
    _draw_losses(axes, rows, places, vertical=False)
    axes.set_yticks(places, [row["case"] for row in rows], fontsize=6)
    axes.set_xlabel("success, share of samples")
    axes.set_xlim(-0.03, 1.03)
    axes.grid(axis="x")
    axes.legend(loc="lower right")
    for row in total:
        rho, low, high = (row[key] for key in ("spearman", "spearman_low", "spearman_high"))
        if np.isfinite(rho):
            axes.set_title(
                f"rank correlation of exact and trained {rho:.2f} [{low:.2f}, {high:.2f}]"
            )
    return figure


def _draw_losses(axes: Axes, rows: Rows, where: np.ndarray, *, vertical: bool) -> None:
    """A band for what the composition loses, lines for the interval of what the network loses."""
    exact = _column(rows, "exact")
    low = (exact - _column(rows, "network_loss_high")).clip(0, 1)
    high = (exact - _column(rows, "network_loss_low")).clip(0, 1)
    lines = axes.vlines if vertical else axes.hlines
    lines(where, low, high, color=PALETTE[0], linewidth=0.9)
    between = axes.fill_between if vertical else axes.fill_betweenx
    between(where, exact, _column(rows, "truth"), color=FAINT, alpha=0.15, linewidth=0)


def _column(rows: Rows, name: str) -> np.ndarray:
    return np.array([row[name] for row in rows], dtype=float)
