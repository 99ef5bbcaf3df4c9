"""Measures of the summary against the number of composed locations, with their intervals."""

from typing import TYPE_CHECKING

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from projcomp.evaluation.summary import read_summary
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
