"""Many samples of four composed locations (as Bradley et al. 2025, Fig. 2 and 9)."""

from typing import TYPE_CHECKING

from matplotlib.figure import Figure

from projcomp.folder import Folder
from projcomp.reporting.results import read_case
from projcomp.reporting.sheet import Row, case_tiles, sheet_figure
from projcomp.reporting.style import title_of

if TYPE_CHECKING:
    from projcomp.settings.report import FigureSettings

COLUMNS = 8
ROWS = 4


def draw(settings: "FigureSettings", folder: Folder) -> Figure:
    """Rows of samples of the one case in ``settings``."""
    ((experiment, (name,)),) = settings.cases.items()
    result = read_case(folder, experiment, name)
    asked = len(result.locations)
    tiles = case_tiles(result, ROWS * COLUMNS, asked, rings=True)
    rows = [Row("", tiles[start : start + COLUMNS]) for start in range(0, len(tiles), COLUMNS)]
    return sheet_figure(rows, f"{title_of(experiment)}: {asked} composed locations")
