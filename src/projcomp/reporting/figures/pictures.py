"""The first samples of every case on pictures that were not rendered, never chosen ones."""

from typing import TYPE_CHECKING

from matplotlib.figure import Figure

from projcomp.data.images import read_samples
from projcomp.folder import Folder
from projcomp.reporting.sheet import Row, Tile, sheet_figure

if TYPE_CHECKING:
    from projcomp.settings.report import FigureSettings

COLUMNS = 12
SIDE = 64


def draw(settings: "FigureSettings", folder: Folder) -> Figure:
    """One row per case, told by its experiment where that has no other."""
    rows = []
    for experiment, names in settings.cases.items():
        for name in names:
            samples = read_samples(folder.samples(experiment, name), name, experiment)
            label = experiment.replace("_", "\n") if len(settings.cases) > 1 else name
            rows.append(Row(label, [Tile(image) for image in samples.images[:COLUMNS]]))
    (first, *others) = settings.cases
    return sheet_figure(rows, "the first samples" if others else f"{first}: first samples", SIDE)
