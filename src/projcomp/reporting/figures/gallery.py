"""The first samples of every case, never chosen ones, with what was found in them."""

from typing import TYPE_CHECKING, Any

from matplotlib.figure import Figure

from projcomp.errors import FileFormatError
from projcomp.evaluation.objects_told import FoundObject, read_objects
from projcomp.folder import Folder
from projcomp.reporting.results import read_case
from projcomp.reporting.sheet import Row, Tile, doubt, sheet_figure
from projcomp.reporting.style import INK, WRONG, title_of

if TYPE_CHECKING:
    from projcomp.settings.report import FigureSettings

COLUMNS = 8
SIDE = 96


def draw(settings: "FigureSettings", folder: Folder) -> Figure:
    """One row per case of the one experiment."""
    ((experiment, names),) = settings.cases.items()
    rows = []
    for name in names:
        result = read_case(folder, experiment, name)
        path = folder.counted(experiment, name)
        counted = result.table.head(COLUMNS).to_dict("records")
        tiles = [
            _tile(image, result.locations, row, path, experiment in settings.clutter)
            for image, row in zip(result.images, counted, strict=False)
        ]
        rows.append(Row(name.replace("-", "\n"), tiles))
    return sheet_figure(rows, f"{title_of(experiment)}: the first samples, with detections", SIDE)


def _tile(image: Any, places: Any, row: dict[Any, Any], path: str, over_clutter: bool) -> Tile:
    """One image over what was found of what was requested, and beyond it.

    Over clutter other objects are right, so that what fails there is an empty place alone.
    """
    judged = row["all_places"] if over_clutter else row["success"]
    failed = judged == 0  # where nothing is requested over clutter, nothing fails
    asked = int(row["num_composed"])
    answered = int(row["num_objects"]) - int(row["extra_objects"])
    told = f"{answered} of {asked}" + (f", +{row['extra_objects']}" * bool(row["extra_objects"]))
    return Tile(
        image,
        told + doubt(row["unsure"]),
        WRONG if failed else INK,
        crosses=places,
        found=_found(row, path),
        framed=failed,
    )


def _found(row: dict[Any, Any], path: str) -> list[FoundObject]:
    """The objects of one row.

    Raises:
        FileFormatError: the row tells something else, or another number of them.
    """
    try:
        found = read_objects(row["objects"])
    except ValueError:
        found = None
    if found is None or len(found) != row["num_objects"]:
        raise FileFormatError(
            f"{path}: expected colour and place of each object in the column objects, got "
            f"{row['objects']!r}; run evaluate again"
        )
    return found
