"""Samples against the number of composed locations (as Bradley et al. 2025, Fig. 3)."""

from typing import TYPE_CHECKING

from matplotlib.figure import Figure

from projcomp.folder import Folder
from projcomp.reporting.results import read_case
from projcomp.reporting.sheet import Row, case_tiles, sheet_figure
from projcomp.reporting.style import title_of

if TYPE_CHECKING:
    from projcomp.settings.report import FigureSettings

COLUMNS = 8


def draw(settings: "FigureSettings", folder: Folder) -> Figure:
    """One row per case of the one experiment."""
    ((experiment, names),) = settings.cases.items()
    rows = []
    for name in names:
        result = read_case(folder, experiment, name)
        asked = len(result.locations)
        label = f"k = {asked}" if name == f"k{asked}" else name.replace("-", "\n")
        rows.append(Row(label, case_tiles(result, COLUMNS, asked, rings=True)))
    return sheet_figure(rows, f"{title_of(experiment)}: k composed locations")
