"""Methods by the number of composed locations: what each reaches, sorted, beside what it costs."""

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from pandas import DataFrame

from projcomp.evaluation.read_table import read_table
from projcomp.evaluation.tables.leaderboard import CLUTTER, COLUMNS, OBJECTS, TEXT
from projcomp.folder import Folder
from projcomp.reporting.sheet import doubt
from projcomp.reporting.style import FAINT, INK, WRONG
from projcomp.settings.case import TRUTH
from projcomp.settings.report import DOUBTED, NONE

if TYPE_CHECKING:
    from projcomp.settings.report import FigureSettings

_KINDS = (TRUTH, "exact", "network")
"""From top to bottom: what is right, the ceiling, and what is ranked below it."""

_RIGHT = {
    OBJECTS: ("k objects and nothing else", "success"),
    CLUTTER: ("the law over clutter", "all places"),
}
"""What is right, and by what is ranked."""

_ROW, _HEAD, _CELL, _LETTER, _COST = 0.19, 0.65, 0.33, 0.047, 1.1
"""Inches: height of a row and of a panel's head and foot, widths of a cell, of a label's letter and
of the costs."""


def draw(settings: "FigureSettings", folder: Folder) -> Figure:
    """One panel for each set of places and each thing that is right there."""
    table = read_table(folder.table(settings.name), COLUMNS, "table", TEXT)
    panels = [DataFrame(group) for _, group in table.groupby(["places", "right"], sort=False)]
    matrices = [_sorted(panel) for panel in panels]
    labels = {(row["kind"], row["experiment"]): _label(row) for row in table.to_dict("records")}
    left = 0.2 + _LETTER * max(map(len, labels.values()))
    heights = [_HEAD + _ROW * len(matrix) for matrix in matrices]
    widest = _CELL * max(len(matrix.columns) for matrix in matrices)
    width, height = left + widest + _COST, sum(heights)
    figure = Figure(figsize=(width, height))
    top = height
    for panel, matrix, tall in zip(panels, matrices, heights, strict=True):
        bottom = (top - tall + 0.35) / height
        size = (_CELL * len(matrix.columns) / width, _ROW * len(matrix) / height)
        axes = figure.add_axes((left / width, bottom, *size))
        _panel(axes, panel, matrix)
        axes.set_yticks(range(len(matrix)), [labels[key] for key in matrix.index], fontsize=6)
        top -= tall
    return figure


def _label(row: dict[Any, Any]) -> str:
    """What a row is: the experiment, and how it composes."""
    if row["kind"] == TRUTH:
        return "rendered truth"
    over = "no background" if row["background"] == NONE else f"over {row['background']}"
    return f"{row['experiment']}: {row['operator']}, {over}, {row['sampler']}, {row['model']}"


def _sorted(panel: DataFrame) -> DataFrame:
    """Scores, methods by number composed: kind by kind, each from the best mean downwards."""
    scores = panel.assign(value=_score(panel)).pivot(
        index=["kind", "experiment"], columns="num_composed", values="value"
    )
    order = sorted(
        scores.index,
        key=lambda key: (_KINDS.index(key[0]), -np.nanmean(scores.loc[key].to_numpy()), key[1]),
    )
    return scores.loc[order]


def _score(panel: DataFrame) -> np.ndarray:
    """The column that ranks each row."""
    return np.array([row[row["score"]] for row in panel.to_dict("records")], dtype=float)


def _panel(axes: Axes, panel: DataFrame, matrix: DataFrame) -> None:
    first = panel.iloc[0]
    axes.imshow(matrix.to_numpy(), cmap="Blues", vmin=0, vmax=1.15, aspect="auto")
    rows = {key: y for y, key in enumerate(matrix.index)}
    columns = {k: x for x, k in enumerate(matrix.columns)}
    for row in panel.to_dict("records"):
        x, y = columns[row["num_composed"]], rows[row["kind"], row["experiment"]]
        value = matrix.to_numpy()[y, x]
        if np.isfinite(value):
            told = f"{100 * value:.0f}{doubt(row['unsure'] > DOUBTED)}"
            color = "white" if value > 0.6 else INK
            axes.text(x, y, told, ha="center", va="center", fontsize=6, color=color)
        if row["rank"] == 1:
            corner = (x - 0.46, y - 0.46)
            axes.add_patch(Rectangle(corner, 0.92, 0.92, fill=False, edgecolor=WRONG, linewidth=1))
        elif row["tied"] == 1:
            axes.plot(x + 0.36, y - 0.32, ".", color=WRONG, markersize=3)
    axes.set_xticks(range(len(columns)), [str(k) for k in columns], fontsize=7)
    axes.tick_params(length=0)
    axes.set_xlabel("locations composed", fontsize=7)
    right, score = _RIGHT[first["right"]]
    title = f"places {first['places']}, right is {right}: {score}, %"
    axes.set_title(title, fontsize=8, loc="left")
    _costs(axes, panel, rows)
    kinds = [kind for kind, _ in rows]
    for y in range(1, len(kinds)):
        if kinds[y] != kinds[y - 1]:
            axes.axhline(y - 0.5, color=FAINT, linewidth=0.8)


def _costs(axes: Axes, panel: DataFrame, rows: dict[tuple[str, str], int]) -> None:
    """Evaluations and seconds per image where most is composed, right of the rows."""
    dearest = panel.sort_values("num_composed").groupby(["kind", "experiment"]).last()
    end = axes.get_xlim()[1] + 0.15
    for key, y in rows.items():
        cost = dearest.loc[key]
        if np.isfinite(cost["network_evaluations"]):
            told = f"{cost['network_evaluations']:.0f} ev, {cost['seconds']:.2g} s"
            axes.text(end, y, told, ha="left", va="center", fontsize=6, color=FAINT)
