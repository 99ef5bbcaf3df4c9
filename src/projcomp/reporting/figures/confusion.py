"""Requested against found, one panel per experiment, what is right beside those over clutter."""

from math import ceil
from typing import TYPE_CHECKING

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from pandas import DataFrame

from projcomp.evaluation.read_table import read_table
from projcomp.evaluation.tables.confusion import COLUMNS
from projcomp.folder import Folder
from projcomp.reporting.matrix import draw_shares
from projcomp.reporting.style import WRONG
from projcomp.settings.case import TRUTH

if TYPE_CHECKING:
    from projcomp.settings.report import FigureSettings

_PER_ROW = 4


def draw(settings: "FigureSettings", folder: Folder) -> Figure:
    """Panels in the order of the table."""
    table = read_table(folder.table(settings.name), COLUMNS, "table")
    panels: list[tuple[str, DataFrame]] = []
    laws: dict[bytes, tuple[list[str], DataFrame]] = {}
    for name in dict.fromkeys(table["experiment"]):
        own = DataFrame(table[table["experiment"] == name])
        panels.append(("rendered truth" if name == TRUTH else name, _matrix(own, "share")))
        law = _matrix(own, "expected")
        if ((law > 0) & (law < 1)).to_numpy().any():  # over clutter
            laws.setdefault(law.to_numpy().tobytes(), ([], law))[0].append(name)
    panels += [(f"right for {', '.join(names)}", law) for names, law in laws.values()]
    framed = len(panels) - len(laws)
    rows = ceil(len(panels) / _PER_ROW)
    columns = min(len(panels), _PER_ROW)
    figure = Figure(figsize=(2.5 * columns, 2.6 * rows), layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False)
    for axes in grid.flat[len(panels) :]:
        axes.set_axis_off()
    for number, (axes, (title, shares)) in enumerate(zip(grid.flat, panels, strict=False)):
        _panel(axes, shares, number < framed)
        axes.set_title(title)
    for axes in grid[:, 0]:
        axes.set_ylabel("objects found")
    for number, axes in enumerate(grid.flat[: len(panels)]):
        if number + columns >= len(panels):
            axes.set_xlabel("locations composed")
    return figure


def _matrix(own: DataFrame, column: str) -> DataFrame:
    """One experiment's numbers, objects found by locations composed."""
    return own.pivot(index="found", columns="num_composed", values=column)


def _panel(axes: Axes, shares: DataFrame, framed: bool) -> None:
    """One matrix in percent; what was asked for is framed."""
    asked, found = shares.columns.to_numpy(), shares.index.to_numpy()
    draw_shares(axes, shares, fontsize=5, origin="lower")
    for x, k in enumerate(asked if framed else ()):
        corner = (x - 0.5, k - found[0] - 0.5)
        axes.add_patch(Rectangle(corner, 1, 1, fill=False, edgecolor=WRONG, linewidth=0.8))
    axes.set_xticks(range(len(asked)), [str(k) for k in asked])
    axes.set_yticks(range(len(found)), [str(n) for n in found])
