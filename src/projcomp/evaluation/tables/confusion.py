"""Requested against found: how many images of every case hold 0, 1, 2, ... objects.

A mean count and an exact-count rate are one number each; the whole law also tells whether objects
are lost, doubled or added. ``expected`` is the law that is right: all images have what was
requested, but where clutter is composed, where it is the exact Bayes composition's
(``evaluation/bayes_counts.py``). The truth's rows are the detector's own confusion.
"""

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from projcomp.evaluation.bayes_counts import composed_counts
from projcomp.evaluation.counted import read_counted
from projcomp.evaluation.intervals import rate_columns
from projcomp.folder import Folder

if TYPE_CHECKING:
    from projcomp.settings.report import TableSettings

COLUMNS = [
    "experiment",
    "case",
    "num_composed",
    "found",
    "images",
    "num_samples",
    "share",
    "share_low",
    "share_high",
    "expected",
    "unsure",
]
"""One row per case and number of objects ``found``, from 0 to the greatest of the table: in how
many ``images`` of ``num_samples``, their ``share`` with its Wilson interval, the share
``expected``, empty where no picture can be right, and the share of the case's images that the
detector is ``unsure`` of, whatever it counts in them."""


def table(settings: "TableSettings", folder: Folder) -> pd.DataFrame:
    """The rows of every case in ``settings``, experiment by experiment.

    Raises:
        FileFormatError: a case's table is missing or damaged.
    """
    counted = {
        (experiment, case): read_counted(folder.counted(experiment, case), experiment, case)
        for experiment, cases in settings.cases.items()
        for case in cases
    }
    priors = {name: clutter.counts for name, clutter in settings.clutter.items()}
    most = max(
        *(len(prior) - 1 for prior in priors.values()),
        *(int(part[["num_objects", "num_composed"]].to_numpy().max()) for part in counted.values()),
        0,
    )
    rows: list[dict[str, Any]] = []
    for (experiment, case), part in counted.items():
        asked = int(part["num_composed"].iloc[0])
        images = np.bincount(part["num_objects"].astype(int), minlength=most + 1)
        expected = right_counts(asked, most, priors.get(experiment))
        unsure = part["unsure"].mean()
        for found, count in enumerate(images.tolist()):
            rows.append(
                {
                    "experiment": experiment,
                    "case": case,
                    "num_composed": asked,
                    "found": found,
                    "images": count,
                    "num_samples": len(part),
                    **rate_columns("share", count, len(part), settings.confidence),
                    "expected": expected[found],
                    "unsure": unsure,
                }
            )
    return pd.DataFrame(rows, columns=pd.Index(COLUMNS))


def right_counts(asked: int, most: int, prior: list[float] | None) -> np.ndarray:
    """The law of the number of objects that is right, ``(most + 1,)``.

    Args:
        asked: number of requested objects.
        most: greatest number that is told.
        prior: the law of clutter's numbers that is composed over; None for nothing but what is
            requested.
    """
    law = np.zeros(most + 1)
    if prior is None:
        law[asked] = 1.0
    else:
        law[: len(prior)] = composed_counts(prior, asked)
        if np.isnan(law).any():  # no picture of clutter holds so many objects
            law[:] = np.nan
    return law
