"""Samples of every experiment's background (as Bradley et al. 2025, Fig. 8)."""

from typing import TYPE_CHECKING

from matplotlib.figure import Figure

from projcomp.folder import Folder
from projcomp.reporting.results import read_case
from projcomp.reporting.sheet import Row, case_tiles, sheet_figure
from projcomp.settings.case import TRUTH

if TYPE_CHECKING:
    from projcomp.settings.report import FigureSettings

COLUMNS = 10


def draw(settings: "FigureSettings", folder: Folder) -> Figure:
    """One row per experiment."""
    rows = []
    for experiment, (name,) in settings.cases.items():
        result = read_case(folder, experiment, name)
        label = "truth" if experiment == TRUTH else experiment
        rows.append(Row(label, case_tiles(result, COLUMNS, None, rings=False)))
    return sheet_figure(rows, "Backgrounds: nothing composed", side=104)
