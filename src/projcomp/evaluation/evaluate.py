"""From the images of one case to one row per image."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from projcomp.data.images import read_samples
from projcomp.errors import FileFormatError
from projcomp.evaluation.measures import Measures, measure
from projcomp.files import atomic_path
from projcomp.scenes.vocabulary import COLORS

if TYPE_CHECKING:
    from projcomp.stages import EvaluateSettings

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
)
"""Columns of a case's table. Truth values are 0 or 1; what the case does not ask for is empty."""


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
    taken = read_samples(samples)
    case = settings.case
    asked = np.asarray(case.locations, dtype=float).reshape(-1, 2)
    held = np.asarray(taken.locations, dtype=float).reshape(-1, 2)
    if list(taken.colors) != list(case.colors) or not _same(held, asked):
        raise FileFormatError(
            f"{samples}: expected images of case {case.name}, got images of another request; "
            "delete the file and sample the case again"
        )
    detector = load_detector(detector_dir)
    vocabulary = list(COLORS)
    rows = [
        _row(settings, index, measure(found, asked, case.colors, settings.radius, vocabulary))
        for index, found in enumerate(detect(detector, taken.images, settings.threshold))
    ]
    with atomic_path(out_csv) as temporary:
        pd.DataFrame(rows, columns=pd.Index(COLUMNS)).to_csv(temporary, index=False)


def _same(held: np.ndarray, asked: np.ndarray) -> bool:
    return held.shape == asked.shape and bool(np.allclose(held, asked, atol=1e-6))


def _row(settings: "EvaluateSettings", index: int, measured: Measures) -> dict[str, Any]:
    def number(value: bool | int | None) -> int | None:
        return None if value is None else int(value)

    case = settings.case
    values = [
        settings.experiment,
        case.name,
        len(case.locations) + len(case.colors),
        index,
        measured.num_objects,
        number(measured.num_hit),
        number(measured.all_places),
        measured.extra_objects,
        number(measured.exact_count),
        ";".join(measured.colors),
        number(measured.colors_hit),
        number(measured.all_colors),
    ]
    return dict(zip(COLUMNS, values, strict=True))
