"""Mean number of objects against the number of composed locations.

Caption: objects counted by the detector in the samples of k composed locations, mean with bootstrap
interval, for each experiment and for renders of the true composition. On the dotted line as many
objects appear as were asked for. Cases that avoid a place too are not drawn here.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from projcomp.reporting.lines import draw_measure
from projcomp.reporting.style import FAINT

if TYPE_CHECKING:
    from projcomp.displays import FigureSettings


def draw(settings: "FigureSettings", root: Path) -> Figure:
    """Mean counts of every experiment in ``settings``, and the diagonal."""
    figure = Figure(figsize=(4.8, 3.8), layout="constrained")
    axes = figure.subplots()
    most = draw_measure(axes, settings, root, "mean_count")
    axes.plot([0, most], [0, most], color=FAINT, linestyle=":", linewidth=1, label="as asked")
    axes.set_ylabel("objects found (mean)")
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_ylim(bottom=0)
    axes.legend()
    return figure
