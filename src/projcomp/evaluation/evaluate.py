"""From the images of one case to one row per image."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from projcomp.data.images import SampleSet, read_samples
from projcomp.errors import FileFormatError
from projcomp.evaluation.measures import Measures, measure
from projcomp.evaluation.read_table import check_rates, read_table
from projcomp.files.atomic import atomic_path
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
)
"""Columns of a case's table. Truth values are 0 or 1; what the case does not ask for, and what its
sampler did not measure, is empty. ``acceptance`` is of a corrector's proposals, ``effective_size``
the least of a sample's swarm, ``accepted`` CompLift's verdict."""

TRUTHS = ("all_places", "exact_count", "all_colors", "success", "accepted")
"""Those of COLUMNS that are 0 or 1."""


def evaluate(
    settings: "EvaluateSettings",
    samples: Path,
    detector_dir: Path,
    out_csv: Path,
    *,
    threads: int = 1,
) -> None:
    """Detect the objects in every image of ``samples`` and write one row per image (COLUMNS).

    Runs on the CPU: it takes a second, and its result should not depend on who has a GPU.

    Raises:
        FileFormatError: a file is missing or damaged, or holds another case or resolution.
    """
    import torch

    from projcomp.evaluation.detect import detect, load_detector

    torch.set_num_threads(threads)
    case = settings.case
    taken = read_samples(samples, experiment=settings.experiment)
    asked = np.asarray(case.locations, dtype=float).reshape(-1, 2)
    held = np.asarray(taken.locations, dtype=float).reshape(-1, 2)
    same_name = taken.attrs["case"] == case.name
    if not same_name or list(taken.colors) != list(case.colors) or not _same(held, asked):
        raise FileFormatError(
            f"{samples}: expected images of case {case.name}, got images of another request; "
            "delete the file and sample the case again"
        )
    detector = load_detector(detector_dir)
    vocabulary, wanted = list(COLORS), case.num_objects
    rows = [
        _row(settings, i, measure(found, asked, case.colors, settings.radius, vocabulary, wanted))
        for i, found in enumerate(detect(detector, taken.images, settings.threshold))
    ]
    table = pd.DataFrame(rows).assign(**_measured(taken, samples))
    with atomic_path(out_csv) as temporary:
        table.reindex(columns=pd.Index(COLUMNS)).to_csv(temporary, index=False)


def read_counted(
    path: str | Path, experiment: str | None = None, case: str | None = None
) -> pd.DataFrame:
    """The table of a case, as :func:`evaluate` writes it.

    Args:
        path: the file.
        experiment: the experiment that it must be of, if given.
        case: the case that it must be of, if given.

    Raises:
        FileFormatError: it is missing, damaged, or another case's.
    """
    table = read_table(path, COLUMNS, "evaluate")
    check_rates(table, TRUTHS, path, "evaluate")
    for column, wanted in {"experiment": experiment, "case": case}.items():
        other = table[column].dropna().unique() if wanted is not None else []
        if any(name != wanted for name in other):
            raise FileFormatError(
                f"{path}: expected the {column} {wanted}, got a table of {', '.join(other)}; "
                "run evaluate again"
            )
    return table


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


def _same(held: np.ndarray, asked: np.ndarray) -> bool:
    return held.shape == asked.shape and bool(np.allclose(held, asked, atol=1e-6))


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
        "all_places": number(measured.all_places),
        "extra_objects": measured.extra_objects,
        "exact_count": number(measured.exact_count),
        "colors": ";".join(measured.colors),
        "colors_hit": number(measured.colors_hit),
        "all_colors": number(measured.all_colors),
        "success": number(measured.success),
    }
