"""What figures read: the images and the table of a case, and the summary."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from projcomp.data.images import read_samples
from projcomp.errors import FileFormatError
from projcomp.evaluation.counted import read_counted
from projcomp.folder import Folder


@dataclass(frozen=True)
class CaseResult:
    """The images of a case and what was counted in them, row i for image i."""

    images: np.ndarray
    """uint8 ``(N, H, W, 3)``"""
    locations: np.ndarray
    """``(k, 2)`` requested places in [0, 1]"""
    table: pd.DataFrame


def read_case(folder: Folder, experiment: str, case: str) -> CaseResult:
    """The images and the table of a case.

    Raises:
        FileFormatError: one of them is missing or damaged, or they do not belong together.
    """
    samples = read_samples(folder.samples(experiment, case), case, experiment)
    path = folder.counted(experiment, case)
    table = read_counted(path, experiment, case)
    if len(table) != len(samples.images):
        raise FileFormatError(
            f"{path}: expected a row for each of {len(samples.images)} images, got {len(table)}; "
            "run evaluate again"
        )
    return CaseResult(samples.images, np.asarray(samples.locations).reshape(-1, 2), table)
