"""What figures read: the images and the table of a case, and the summary."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from projcomp.data.images import read_samples
from projcomp.errors import FileFormatError
from projcomp.evaluation.evaluate import read_counted


@dataclass(frozen=True)
class CaseResult:
    """The images of a case and what was counted in them, row i for image i."""

    images: np.ndarray
    """uint8 ``(N, H, W, 3)``"""
    locations: np.ndarray
    """``(k, 2)`` requested places in [0, 1]"""
    table: pd.DataFrame


def samples_path(root: Path, experiment: str, case: str) -> Path:
    """The images of a case."""
    return root / "samples" / experiment / f"{case}.h5"


def table_path(root: Path, experiment: str, case: str) -> Path:
    """The evaluation of a case, one row per image."""
    return root / "results" / experiment / f"{case}.csv"


def read_case(root: Path, experiment: str, case: str) -> CaseResult:
    """The images and the table of a case.

    Raises:
        FileFormatError: one of them is missing or damaged, or they do not belong together.
    """
    samples = read_samples(samples_path(root, experiment, case), case, experiment)
    path = table_path(root, experiment, case)
    table = read_counted(path, experiment, case)
    if len(table) != len(samples.images):
        raise FileFormatError(
            f"{path}: expected a row for each of {len(samples.images)} images, got {len(table)}; "
            "run evaluate again"
        )
    return CaseResult(samples.images, np.asarray(samples.locations).reshape(-1, 2), table)
