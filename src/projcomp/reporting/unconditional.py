"""Samples of every experiment's background (as Bradley et al. 2025, Fig. 8).

Caption: what each experiment composes over: one row of samples, not chosen, of its background
distribution alone (the empty scene, or the unconditional model), and of the rendered empty scene.
Under each image is the number of objects that the detector found.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from matplotlib.figure import Figure

from projcomp.cases import TRUTH
from projcomp.reporting.results import read_case
from projcomp.reporting.sheet import Row, case_tiles, sheet_figure

if TYPE_CHECKING:
    from projcomp.displays import FigureSettings

COLUMNS = 10


def draw(settings: "FigureSettings", root: Path) -> Figure:
    """One row per experiment."""
    rows = []
    for experiment, (name, *_) in settings.cases.items():
        result = read_case(root, experiment, name)
        label = "truth" if experiment == TRUTH else experiment
        rows.append(Row(label, case_tiles(result, COLUMNS, None, rings=False)))
    return sheet_figure(rows, "Backgrounds: nothing composed", side=104)
