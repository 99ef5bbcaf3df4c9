"""Many samples of four composed locations (as Bradley et al. 2025, Fig. 2 and 9)."""

from typing import TYPE_CHECKING

from matplotlib.figure import Figure

from projcomp.folder import Folder
from projcomp.reporting.results import read_case
from projcomp.reporting.sheet import Row, case_tiles, sheet_figure
from projcomp.reporting.style import title_of

if TYPE_CHECKING:
    from projcomp.settings.report import FigureSettings

ASKED = 4
COLUMNS = 8
ROWS = 4


def draw(settings: "FigureSettings", folder: Folder) -> Figure:
    """Rows of samples of the one experiment's cases; each set of places has one."""
    ((experiment, names),) = settings.cases.items()
    rows = []
    for name in names:
        tiles = case_tiles(read_case(folder, experiment, name), ROWS * COLUMNS, ASKED, rings=True)
        rows += [Row("", tiles[start : start + COLUMNS]) for start in range(0, len(tiles), COLUMNS)]
    return sheet_figure(rows, f"{title_of(experiment)}: {ASKED} composed locations")
