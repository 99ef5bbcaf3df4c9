"""How often a composition comes out, against the number of composed locations."""

from typing import TYPE_CHECKING

from matplotlib.figure import Figure

from projcomp.folder import Folder
from projcomp.reporting.lines import draw_clutter, draw_measure, legend_beside

if TYPE_CHECKING:
    from projcomp.settings.report import FigureSettings

PANELS = {"exact_count": "exact count", "all_places": "all places hit"}


def draw(settings: "FigureSettings", folder: Folder) -> Figure:
    """Two panels, one per rate, with what is right over clutter, and what chance does there."""
    figure = Figure(figsize=(9.4, 3.8), layout="constrained")
    panels = figure.subplots(1, len(PANELS), sharex=True, sharey=True)
    for axes, (measure, title) in zip(panels, PANELS.items(), strict=True):
        draw_measure(axes, settings, folder, measure)
        draw_clutter(axes, settings, folder, measure, "exact", "--")
        axes.set_title(title)
        axes.set_ylim(-0.02, 1.02)
    draw_clutter(panels[-1], settings, folder, "chance", "by chance", ":")
    panels[0].set_ylabel("share of samples")
    legend_beside(figure, panels[-1])
    return figure
