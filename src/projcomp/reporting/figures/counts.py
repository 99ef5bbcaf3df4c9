"""Mean number of objects against the number of composed locations."""

from typing import TYPE_CHECKING

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from projcomp.folder import Folder
from projcomp.reporting.lines import draw_clutter, draw_measure, legend_beside
from projcomp.reporting.style import FAINT

if TYPE_CHECKING:
    from projcomp.settings.report import FigureSettings


def draw(settings: "FigureSettings", folder: Folder) -> Figure:
    """Mean counts of every experiment in ``settings``, what is right over clutter, the diagonal."""
    figure = Figure(figsize=(6.2, 3.8), layout="constrained")
    axes = figure.subplots()
    most = draw_measure(axes, settings, folder, "mean_count")
    draw_clutter(axes, settings, folder, "mean_count", "exact", "--")
    axes.plot([0, most], [0, most], color=FAINT, linestyle=":", linewidth=1, label="as requested")
    axes.set_ylabel("objects found (mean)")
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_ylim(bottom=0)
    legend_beside(figure, axes)
    return figure
