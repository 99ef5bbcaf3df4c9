"""From the images of one case to one row per image.

Every case is a job of its own, so that what a job must import counts: neither torch nor pandas.
"""

import csv
import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from projcomp.data.images import SampleSet, asked_of, read_samples
from projcomp.errors import FileFormatError
from projcomp.evaluation.detect import detect
from projcomp.evaluation.forward import load_detector
from projcomp.evaluation.measures import Measures, measure
from projcomp.evaluation.objects_told import tell_objects
from projcomp.files.atomic import write_text
from projcomp.scenes.vocabulary import COLORS

if TYPE_CHECKING:
    from projcomp.settings.stages import EvaluateSettings

COLUMNS = (
    "experiment",
    "case",
    "num_composed",
    "index",
    "num_objects",
    "num_hit",
    "all_places",
    "extra_objects",
    "exact_count",
    "colors",
    "colors_hit",
    "all_colors",
    "success",
    "network_evaluations",
    "seconds",
    "acceptance",
    "effective_size",
    "log_weight",
    "accepted",
    "unsure",
    "outcome",
    "objects",
    "places_hit",
    "place_distance",
)
"""Columns of a case's table. Truth values are 0 or 1; what the case does not ask for, and what its
sampler did not measure, is empty. ``acceptance`` is of a corrector's proposals, ``effective_size``
the least of a sample's swarm, ``accepted`` CompLift's verdict. ``unsure`` is 1 where the detector
doubts what it sees; such an image is counted all the same. ``outcome`` is one of
``binding.OUTCOMES`` where objects were requested by their attributes. ``objects`` says where each
object was found and in which colour (``objects_told.py``). ``places_hit`` is the share of the
requested places that hold an object, and ``place_distance`` how far from its place such an object
is on average, as a share of the image side."""

TRUTHS = ("all_places", "exact_count", "all_colors", "success", "accepted", "unsure")
"""Those of COLUMNS that are 0 or 1."""


def evaluate(
    settings: "EvaluateSettings",
    samples: Path,
    detector_dir: Path,
    out_csv: Path,
) -> None:
    """Detect the objects in every image of ``samples`` and write one row per image (COLUMNS).

    Runs on the CPU: it takes a second, and its result should not depend on who has a GPU.

    Raises:
        FileFormatError: a file is missing or damaged, or holds another case or resolution.
    """
    case = settings.case
    taken = read_samples(samples, experiment=settings.experiment)
    asked = np.asarray(case.locations, dtype=float).reshape(-1, 2)
    held = np.asarray(taken.locations, dtype=float).reshape(-1, 2)
    same_name = taken.attrs["case"] == case.name
    same = list(taken.colors) == list(case.colors) and taken.asked == asked_of(case)
    if not same_name or not same or not _same(held, asked):
        raise FileFormatError(
            f"{samples}: expected images of case {case.name}, got images of another request; "
            "delete the file and sample the case again"
        )
    detector = load_detector(detector_dir)
    vocabulary, wanted = list(COLORS), case.num_objects
    everything = detect(detector, taken.images, settings.threshold)
    rows = []
    for index, found in enumerate(everything):
        measured = measure(
            found, asked, case.colors, settings.radius, vocabulary, wanted, case.asked
        )
        told = {"unsure": int(found.unsure), "objects": tell_objects(found, vocabulary)}
        rows.append({**_row(settings, index, measured), **told})
    for name, values in _measured(taken, samples).items():
        for row, value in zip(rows, np.broadcast_to(values, len(rows)), strict=True):
            row[name] = value
    lines = [[_cell(row.get(name)) for name in COLUMNS] for row in rows]
    content = io.StringIO()
    csv.writer(content, lineterminator="\n").writerows([COLUMNS, *lines])
    write_text(out_csv, content.getvalue())


def _measured(taken: SampleSet, path: Path) -> dict[str, Any]:
    """Columns of what was measured while the images were made."""
    measured = taken.measured
    for name, dims in {
        "acceptance": 1,
        "log_weight": 1,
        "effective_size": 2,
        "accepted": 1,
    }.items():
        if name in measured and measured[name].ndim != dims:
            raise FileFormatError(
                f"{path}: expected {name} of {dims} dimensions, got {measured[name].shape}; "
                "sample the case again"
            )
    found = {
        "network_evaluations": _number(taken, "network_evaluations_per_image"),
        "seconds": _number(taken, "seconds_per_image"),
        "acceptance": measured.get("acceptance"),
        "log_weight": measured.get("log_weight"),
    }
    sizes = measured.get("effective_size")
    if sizes is not None and sizes.shape[1]:
        found["effective_size"] = sizes.min(1)
    if "accepted" in measured:
        found["accepted"] = measured["accepted"].astype(int)
    return {name: values for name, values in found.items() if values is not None}


def _number(taken: SampleSet, name: str) -> Any:
    """A number among the attributes; None where it was not measured."""
    value = taken.attrs.get(name)
    return value if isinstance(value, int | float | np.number) else None


def _cell(value: Any) -> str:
    """A value as it stands in the table; empty where there is none."""
    return "" if value is None or value != value else str(value)


def _same(held: np.ndarray, asked: np.ndarray) -> bool:
    return held.shape == asked.shape and bool(np.allclose(held, asked, atol=1e-6))


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 6)


def _row(settings: "EvaluateSettings", index: int, measured: Measures) -> dict[str, Any]:
    def number(value: bool | int | None) -> int | None:
        return None if value is None else int(value)

    return {
        "experiment": settings.experiment,
        "case": settings.case.name,
        "num_composed": settings.case.num_composed,
        "index": index,
        "num_objects": measured.num_objects,
        "num_hit": number(measured.num_hit),
        "places_hit": _rounded(measured.places_hit),
        "place_distance": _rounded(measured.place_distance),
        "all_places": number(measured.all_places),
        "extra_objects": measured.extra_objects,
        "exact_count": number(measured.exact_count),
        "outcome": measured.outcome,
        "colors": ";".join(measured.colors),
        "colors_hit": number(measured.colors_hit),
        "all_colors": number(measured.all_colors),
        "success": number(measured.success),
    }
