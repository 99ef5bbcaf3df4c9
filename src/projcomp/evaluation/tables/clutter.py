"""What is right where clutter is composed: its exact law of counts, and what chance does.

The ideal of a Bayes composition over clutter is no picture of exactly k objects; its mean count and
exact-count rate follow from the numbers of objects in the training pictures
(``evaluation/bayes_counts.py``). It holds all requested places; ``chance`` is how often clutter of
which nothing is requested holds them too, counted in the training pictures' own objects. Beyond the
greatest number of objects there is no exact composition, and its cells are empty.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from projcomp.data.objects import Objects, read_shares
from projcomp.evaluation.bayes_counts import composed_counts
from projcomp.evaluation.intervals import rate_columns
from projcomp.evaluation.matching import match
from projcomp.folder import Folder

if TYPE_CHECKING:
    from projcomp.settings.report import TableSettings

COLUMNS = [
    "experiment",
    "case",
    "num_composed",
    "mean_count",
    "exact_count",
    "all_places",
    "chance",
    "chance_low",
    "chance_high",
    "scenes",
]
"""``mean_count``, ``exact_count`` and ``all_places`` are exact; ``chance`` is counted in so many
``scenes`` and has Wilson intervals."""

MOST = 50_000
"""Pictures in which chance is counted, at most."""


def table(settings: "TableSettings", folder: Folder) -> pd.DataFrame:
    """One row per experiment and case.

    Raises:
        FileFormatError: a dataset is missing or damaged.
    """
    rows = []
    for experiment, names in settings.cases.items():
        clutter = settings.clutter[experiment]
        paths = {Path(folder.index(name)): share for name, share in clutter.datasets.items()}
        scenes = list(read_shares(paths, MOST))
        for name in names:
            places = settings.places[name]
            row = {"experiment": experiment, "case": name, "num_composed": len(places)}
            law = _law(clutter.counts, len(places))
            rows.append(row | law | _chance(scenes, places, settings))
    return pd.DataFrame(rows, columns=pd.Index(COLUMNS))


def _law(prior: Sequence[float], asked: int) -> dict[str, float]:
    law = composed_counts(prior, asked)
    return {
        "mean_count": float(law @ np.arange(len(law))),
        "exact_count": float(law[asked]) if asked < len(law) else np.nan,
        "all_places": float(law.sum()) if asked else np.nan,
    }


def _chance(
    scenes: Sequence[Objects], places: Sequence[tuple[float, float]], settings: "TableSettings"
) -> dict[str, Any]:
    """How often all of the places hold an object of a scene; empty where none is requested."""
    count = sum(len(part.num_objects) for part in scenes)
    if not places:
        return {"scenes": count}
    hits = sum(filled(part, np.array(places), settings.radius).sum() for part in scenes)
    return {**rate_columns("chance", int(hits), count, settings.confidence), "scenes": count}


def filled(objects: Objects, places: np.ndarray, radius: float) -> np.ndarray:
    """Which scenes ``(N,)`` hold an object at each of ``places`` ``(k, 2)``, one per place."""
    found = np.zeros(len(objects.num_objects), bool)
    for index in np.flatnonzero(objects.num_objects >= len(places)):
        centres = objects.pixel[index, : objects.num_objects[index]]
        found[index] = len(match(centres, places, radius)[0]) == len(places)
    return found
