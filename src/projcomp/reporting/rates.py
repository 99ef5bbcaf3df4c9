"""How often a composition comes out, against the number of composed locations.

Caption: left, share of samples with exactly as many objects as locations were composed; right,
share of samples with an object at every requested place. Wilson intervals; the truth is the
detector's score on renders of the true composition, the best that can be measured. Cases that avoid
a place too are not drawn here.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from matplotlib.figure import Figure

from projcomp.reporting.lines import draw_measure

if TYPE_CHECKING:
    from projcomp.displays import FigureSettings

PANELS = {"exact_count": "exact count", "all_places": "all places hit"}


def draw(settings: "FigureSettings", root: Path) -> Figure:
    """Two panels, one per rate."""
    figure = Figure(figsize=(8.0, 3.6), layout="constrained")
    panels = figure.subplots(1, len(PANELS), sharex=True, sharey=True)
    for axes, (measure, title) in zip(panels, PANELS.items(), strict=True):
        draw_measure(axes, settings, root, measure)
        axes.set_title(title)
        axes.set_ylim(-0.02, 1.02)
    panels[0].set_ylabel("share of samples")
    panels[-1].legend(loc="best")
    return figure
