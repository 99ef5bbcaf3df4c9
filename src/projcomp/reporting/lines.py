"""Measures of the summary against the number of composed locations, with their intervals."""

from typing import TYPE_CHECKING

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from projcomp.evaluation.read_table import read_table
from projcomp.evaluation.summary import read_summary
from projcomp.evaluation.tables.clutter import COLUMNS
from projcomp.folder import Folder
from projcomp.reporting.style import looks
from projcomp.settings.case import TRUTH

if TYPE_CHECKING:
    from projcomp.settings.report import FigureSettings

_DODGE = 0.06


def draw_measure(axes: Axes, settings: "FigureSettings", folder: Folder, measure: str) -> int:
    """One line with error bars per experiment; cases without the measure are left out.

    Returns:
        the greatest number of composed locations drawn.
    """
    styles = looks(settings.cases)
    middle, most = (len(styles) - 1) / 2, 0
    for number, (experiment, names) in enumerate(settings.cases.items()):
        table = read_summary(folder, experiment, names).dropna(subset=[measure])
        most = max([most, *table["num_composed"]])
        values = table[measure].to_numpy()
        below = values - table[f"{measure}_low"].to_numpy()
        above = table[f"{measure}_high"].to_numpy() - values
        axes.errorbar(
            table["num_composed"].to_numpy() + _DODGE * (number - middle),
            values,
            yerr=[below.clip(min=0), above.clip(min=0)],
            label="truth" if experiment == TRUTH else experiment,
            capsize=2,
            markersize=4,
            elinewidth=0.9,
            **styles[experiment],  # pyright: ignore[reportArgumentType]
        )
    axes.set_xlabel("composed locations k")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(axis="y")
    return int(most)


def legend_beside(figure: Figure, axes: Axes) -> None:
    """A legend of a dozen experiments beside the panels, where it covers none of their lines."""
    figure.legend(*axes.get_legend_handles_labels(), loc="outside right upper", fontsize=8)


def draw_clutter(
    axes: Axes, settings: "FigureSettings", folder: Folder, column: str, told: str, linestyle: str
) -> None:
    """What the table ``clutter`` says in ``column``, a line in each experiment's own colour.

    Args:
        axes: where it is drawn.
        settings: the experiments over clutter among those of the figure.
        folder: of the run.
        column: a column of the table.
        told: what it is, for the legend.
        linestyle: of the lines.
    """
    if not settings.clutter:
        return
    styles = looks(settings.cases)
    table = read_table(folder.table("clutter"), COLUMNS, "table")
    for experiment in settings.clutter:
        own = (table["experiment"] == experiment) & table["case"].isin(settings.cases[experiment])
        shown = table[own & table[column].notna()]
        axes.plot(
            shown["num_composed"],
            shown[column],
            color=styles[experiment]["color"],
            linestyle=linestyle,
            linewidth=1,
            label=f"{experiment}, {told}",
        )
