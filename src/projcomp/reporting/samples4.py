"""Many samples of four composed locations (as Bradley et al. 2025, Fig. 2 and 9).

Caption: the first samples of the composition of four locations, not chosen. Rings in the first
image mark the four requested places. Under each image is the number of objects that the detector
found, in orange where it is not four.
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
ROWS = 4


def draw(settings: "FigureSettings", root: Path) -> Figure:
    """Rows of samples of the one case in ``settings``."""
    ((experiment, (name, *_)),) = settings.cases.items()
    result = read_case(root, experiment, name)
    asked = len(result.locations)
    tiles = case_tiles(result, ROWS * COLUMNS, asked, rings=True)
    rows = [Row("", tiles[start : start + COLUMNS]) for start in range(0, len(tiles), COLUMNS)]
    return sheet_figure(rows, f"{title_of(experiment)}: {asked} composed locations")
