"""What the figures of the exact experiments read, and the parts that they share."""

import textwrap
from collections.abc import Iterable

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from projcomp.errors import FileFormatError
from projcomp.evaluation.read_table import read_table
from projcomp.folder import Folder
from projcomp.reporting.style import INK, PALETTE, WRONG

COLUMNS = ("experiment", "panel", "setting", "quantity", "x", "value", "low", "high")
LINE = 0.165
"""Height of a line of the claims, inches."""

CHARACTERS = 17.5
"""Characters of the claims per inch."""


def read_theory(folder: Folder, experiment: str) -> pd.DataFrame:
    """The table of an experiment.

    Raises:
        FileFormatError: it is missing or damaged.
    """
    path = folder.exact(experiment)
    return read_table(path, COLUMNS, f"theory {experiment}")


def select(table: pd.DataFrame, panel: str, quantity: str, setting: str = "") -> pd.DataFrame:
    """The rows of a panel and a quantity, of one setting where it is given.

    Raises:
        FileFormatError: there are none; a line would be missing, and nobody would see it.
    """
    rows = table.query("panel == @panel and quantity == @quantity")
    rows = rows.query("setting == @setting") if setting else rows
    if rows.empty:
        asked = " ".join(filter(None, (panel, quantity, setting)))
        (experiment,) = table["experiment"].unique()
        raise FileFormatError(f"theory {experiment}: expected rows of {asked!r}, got none")
    return rows


def sheet(
    table: pd.DataFrame, width: float, height: float, rows: int, columns: int, **options: object
) -> tuple[Figure, list[Axes]]:
    """A figure with ``rows x columns`` panels, row by row, and the table's claims below them."""
    lines = _claim_lines(table, width)
    below = LINE * (len(lines) + 1)
    total = height + below
    layout = ConstrainedLayoutEngine(rect=(0, below / total, 1, height / total))
    figure = Figure(figsize=(width, total), layout=layout)
    for number, (text, color) in enumerate(lines):
        y = below - LINE * (number + 0.9)
        figure.text(0.1 / width, y / total, text, fontsize=7, color=color, va="center")
    panels = figure.subplots(rows, columns, squeeze=False, **options)  # pyright: ignore[reportArgumentType, reportCallIssue]
    return figure, list(panels.flat)


def _claim_lines(table: pd.DataFrame, width: float) -> list[tuple[str, str]]:
    """Every claim in lines that fit, with a mark and a colour for whether it agrees."""
    lines = []
    claims = table.query("quantity == 'agrees'")
    for claim, agrees in zip(claims["setting"], claims["value"], strict=True):
        mark = "\N{CHECK MARK} agrees: " if agrees else "\N{BALLOT X} does not agree: "
        color = INK if agrees else WRONG
        wrapped = textwrap.wrap(mark + claim, int(CHARACTERS * width), subsequent_indent="      ")
        lines += [(text, color) for text in wrapped]
    return lines


def log_ticks(axes: Axes, values: Iterable[float]) -> None:
    """A logarithmic abscissa that names the values drawn, and no others."""
    drawn = sorted(set(values))
    axes.set_xscale("log")
    axes.set_xticks(drawn, [f"{value:g}" for value in drawn])
    axes.set_xticks([], minor=True)


def line(axes: Axes, rows: pd.DataFrame, label: str, number: int, **style: object) -> None:
    """A line through the rows over ``x``, with a band for the interval where there is one."""
    rows = rows.sort_values("x")
    color = style.pop("color", PALETTE[number % len(PALETTE)])
    axes.plot(rows["x"], rows["value"], label=label, color=color, **style)  # pyright: ignore[reportArgumentType]
    axes.fill_between(rows["x"], rows["low"], rows["high"], color=color, alpha=0.2, lw=0)  # pyright: ignore[reportArgumentType]
