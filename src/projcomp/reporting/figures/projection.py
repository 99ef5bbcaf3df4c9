"""How far the projections of a composition are from what Definition 4.1 says, against k."""

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from pandas import DataFrame

from projcomp.evaluation.grid import ATTRIBUTES
from projcomp.evaluation.read_table import read_table
from projcomp.evaluation.tables.projection import ALL, COLUMNS, COMPOSED, REST, WORDS
from projcomp.folder import Folder
from projcomp.reporting.style import FAINT, INK, PALETTE, title_of
from projcomp.settings.case import TRUTH

if TYPE_CHECKING:
    from projcomp.settings.report import FigureSettings

PLACES = "places"
PANELS = (
    ("the places, against the truth's", PLACES, TRUTH, "energy"),
    ("a place, against its conditional's", PLACES, "conditional", "energy"),
    ("the rest, against the background's", REST, "background", "energy"),
    ("the rest, against the truth's", REST, TRUTH, "energy"),
    *((f"{kind}s at the places, from uniform", PLACES, "uniform", kind) for kind in ATTRIBUTES),
)
IN_A_ROW = 4
LABELS = {"energy": "energy coefficient", **dict.fromkeys(ATTRIBUTES, "total variation")}
STYLES = {
    COMPOSED: {"color": PALETTE[0], "marker": "o", "linestyle": "-"},
    TRUTH: {"color": INK, "marker": "D", "linestyle": "--"},
}
TOLD = 0.05
"""P-values up to this are drawn filled."""


def draw(settings: "FigureSettings", folder: Folder) -> Figure:
    """A panel for each projection and what it is held against, where the table has both."""
    table = read_table(folder.table(settings.name), COLUMNS, "table", WORDS)
    shown = [(title, measure, _rows(table, *rest)) for title, *rest, measure in PANELS]
    shown = [(title, measure, rows[rows["measure"] == measure]) for title, measure, rows in shown]
    shown = [(title, measure, DataFrame(rows)) for title, measure, rows in shown if _tells(rows)]
    columns = min(len(shown), IN_A_ROW)
    lines = -(-len(shown) // columns)
    figure = Figure(figsize=(2.6 * columns, 2.9 * lines), layout="constrained")
    panels = np.ravel(figure.subplots(lines, columns, squeeze=False))
    for axes in panels[len(shown) :]:
        axes.set_axis_off()
    panels = panels[: len(shown)]
    for axes, (title, measure, rows) in zip(panels, shown, strict=True):
        for subject in rows["subject"].unique():
            _line(axes, DataFrame(rows[rows["subject"] == subject]), subject, measure)
        axes.set_title(title, fontsize=7)
        axes.set_xlabel("composed locations k")
        axes.set_ylabel(LABELS[measure])
        axes.set_xticks(sorted(table["num_composed"].unique()))
        axes.grid(axis="y")
    (experiment, *_) = (name for name in settings.cases if name != TRUTH)
    figure.suptitle(title_of(experiment), fontsize=9)
    figure.legend(*panels[-1].get_legend_handles_labels(), loc="outside lower center", ncols=4)
    return figure


def _tells(rows: Any) -> bool:
    """Whether there is anything to see: not where scenes draw one value and no other was found."""
    return bool((rows["value"] != 0).any() or (rows["floor"] != 0).any())


def _rows(table: DataFrame, part: str, against: str) -> DataFrame:
    rest = table["projection"] == REST
    return DataFrame(table[(rest == (part == REST)) & (table["against"] == against)])


def _line(axes: Axes, rows: DataFrame, subject: str, measure: str) -> None:
    """One subject's values: all places together, or each where there is no such row."""
    style = STYLES[subject]
    together = rows["projection"].isin([ALL, REST])
    each = DataFrame(rows[~together])
    whole = each if together.sum() == 0 else DataFrame(rows[together])
    whole = whole.sort_values("num_composed")
    k, value = whole["num_composed"].to_numpy(), whole["value"].to_numpy()
    ends = [value - whole["low"].to_numpy(), whole["high"].to_numpy() - value]
    name = "the truth" if subject == TRUTH else "composed samples"
    line: Any = {"color": style["color"], "linestyle": style["linestyle"], "label": name}
    axes.errorbar(k, value, yerr=np.clip(ends, 0, None), capsize=2, elinewidth=0.9, **line)
    told = whole["p_value"].to_numpy() <= TOLD
    for filled in (True, False):
        face = style["color"] if filled else "white"
        some = told == filled
        dots: Any = {"marker": style["marker"], "linestyle": "", "markersize": 4}
        axes.plot(k[some], value[some], color=style["color"], markerfacecolor=face, **dots)
    if subject == COMPOSED and len(each) and len(each) < len(rows):
        axes.plot(each["num_composed"], each["value"], ".", color=FAINT, ms=3, label="each place")
    if measure in ATTRIBUTES:
        axes.plot(k, whole["floor"], ":", color=style["color"], lw=1, label=f"uniform, of {name}")
