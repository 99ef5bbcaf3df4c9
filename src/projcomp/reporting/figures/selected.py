"""What CompLift accepts, and how good that is."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from projcomp.evaluation.read_table import read_table
from projcomp.evaluation.tables.selected import COLUMNS
from projcomp.folder import Folder
from projcomp.reporting.style import INK

if TYPE_CHECKING:
    from projcomp.settings.report import FigureSettings


def draw(settings: "FigureSettings", folder: Folder) -> Figure:
    """One row per experiment and case."""
    table = read_table(folder.table(settings.name), COLUMNS, "table")
    figure = Figure(figsize=(8.0, 1.0 + 0.3 * len(table)), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    _draw_rates(left, table, "acceptance")
    left.set_yticks(range(len(table)), [_label(row) for row in table.to_dict("records")])
    left.invert_yaxis()
    left.set_xlabel("share accepted")
    _draw_rates(right, table, "selected_success")
    right.set_xlabel("success among the accepted")
    return figure


def _label(row: dict) -> str:
    cost = row["network_evaluations_per_accepted"]
    price = f"{cost:,.0f} evaluations each" if np.isfinite(cost) else "none accepted"
    return f"{row['experiment']}, {row['case']}\n{price}"


def _draw_rates(axes: Axes, table: pd.DataFrame, name: str) -> None:
    values = table[name].to_numpy()
    ends = table[[f"{name}_low", f"{name}_high"]].to_numpy().T
    errors = np.abs(ends - values)
    axes.errorbar(
        values, np.arange(len(table)), xerr=errors, linestyle="", marker="o", color=INK, capsize=2
    )
    axes.set_xlim(-0.03, 1.03)
    axes.grid(axis="x")
