"""Samples against the number of composed locations (as Bradley et al. 2025, Fig. 3).

Caption: each row composes one more location than the row above; the columns are the first samples,
not chosen. Rings in the first column mark the requested places. Under each image is the number of
objects that the detector found, in orange where it is not the number asked for.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from matplotlib.figure import Figure

from projcomp.reporting.results import read_case
from projcomp.reporting.sheet import Row, case_tiles, sheet_figure
from projcomp.reporting.style import title_of

if TYPE_CHECKING:
    from projcomp.displays import FigureSettings

COLUMNS = 8


def draw(settings: "FigureSettings", root: Path) -> Figure:
    """One row per case of the one experiment; the background only where there is nothing else."""
    ((experiment, names),) = settings.cases.items()
    shown = [name for name in names if name != "k0"] or names
    rows = []
    for name in shown:
        result = read_case(root, experiment, name)
        asked = len(result.locations)
        label = f"k = {asked}" if name == f"k{asked}" else name
        rows.append(Row(label, case_tiles(result, COLUMNS, asked, rings=True)))
    return sheet_figure(rows, f"{title_of(experiment)}: k composed locations")
