"""What CompLift accepts, in a table of its own: selected results never stand beside unselected.

Of every case that was judged: the share of samples accepted, the success among the accepted, and
what an accepted sample costs, the rejected ones being paid for.
"""

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from projcomp.evaluation.counted import read_counted
from projcomp.evaluation.intervals import rate_columns
from projcomp.folder import Folder

if TYPE_CHECKING:
    from projcomp.settings.report import TableSettings

COLUMNS = [
    "experiment",
    "case",
    "num_samples",
    "num_accepted",
    "acceptance",
    "acceptance_low",
    "acceptance_high",
    "selected_success",
    "selected_success_low",
    "selected_success_high",
    "network_evaluations_per_accepted",
    "unsure",
    "unsure_low",
    "unsure_high",
]


def table(settings: "TableSettings", folder: Folder) -> pd.DataFrame:
    """One row per experiment and case; the success of no accepted sample is empty.

    Raises:
        FileFormatError: a table is missing or damaged.
    """
    rows = [
        _row(settings, folder, experiment, name)
        for experiment, names in settings.cases.items()
        for name in names
    ]
    return pd.DataFrame(rows, columns=pd.Index(COLUMNS))


def _row(settings: "TableSettings", folder: Folder, experiment: str, name: str) -> dict[str, Any]:
    path = folder.counted(experiment, name)
    counted = read_counted(path, experiment, name)
    chosen = counted["accepted"] == 1
    number, taken = len(counted), int(chosen.sum())
    success = counted.loc[chosen, "success"].dropna()
    cost = counted["network_evaluations"].mean()
    return {
        "experiment": experiment,
        "case": name,
        "num_samples": number,
        "num_accepted": taken,
        **rate_columns("acceptance", taken, number, settings.confidence),
        **rate_columns("selected_success", round(success.sum()), len(success), settings.confidence),
        "network_evaluations_per_accepted": cost * number / taken if taken else np.inf,
        **rate_columns("unsure", round(counted["unsure"].sum()), number, settings.confidence),
    }
