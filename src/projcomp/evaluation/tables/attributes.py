"""Requested against found, attribute by attribute: which colour the cube has that should be red.

For each attribute of a requested object, an object is looked for that is everything else that was
requested of it; what it is instead is what was found. So the rows of one attribute are a confusion,
in which networks that bind wrongly stand beside those that lose an object (``none``). The rows of
the truth are the detector's own confusion.
"""

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from projcomp.conditions.holding import answering
from projcomp.conditions.table import Table, of_detections
from projcomp.evaluation.case_samples import case_samples
from projcomp.evaluation.detect import Detecting, detect
from projcomp.evaluation.forward import load_detector
from projcomp.evaluation.grid import ATTRIBUTES
from projcomp.evaluation.heatmaps import Detections
from projcomp.evaluation.intervals import rate_columns
from projcomp.folder import DETECTOR, Folder

if TYPE_CHECKING:
    from projcomp.settings.case import Wanted
    from projcomp.settings.report import TableSettings

NONE = "none"
"""Found where no object is everything else that was requested."""

COLUMNS = ["experiment", "kind", "requested", "found", "objects", "num_requests"]
COLUMNS += ["share", "share_low", "share_high", "unsure"]
"""One row per experiment, attribute, requested value and found one, ``none`` the last: how many
``objects`` of ``num_requests`` over all cases and images, their ``share`` with its Wilson
interval, and the share of those requests whose image the detector is ``unsure`` of."""

MOST = 500
"""Images taken of a case, at most, the first ones."""


def table(settings: "TableSettings", folder: Folder) -> pd.DataFrame:
    """The confusions of an experiment, of its exact twin and of the truth.

    Raises:
        FileFormatError: a file is missing or damaged.
    """
    detector = load_detector(Path(folder.detector(DETECTOR)).parent)
    rows: list[dict[str, Any]] = []
    for experiment, names in settings.cases.items():
        counts: dict[tuple[str, str], dict[str, int]] = {}
        unsure: Counter[tuple[str, str]] = Counter()
        for name in names:
            for found in _detected(settings, folder, detector, experiment, name):
                for wanted in settings.asked[name]:
                    _count(counts, of_detections(found), wanted, settings.radius)
                    if found.unsure:
                        unsure.update((kind, str(value)) for kind, value in wanted.told.items())
        rows += [
            {"experiment": experiment, **row}
            for kind, values in ATTRIBUTES.items()
            for value in values
            if (kind, value) in counts
            for row in _rows(
                kind, value, counts[kind, value], unsure[kind, value], settings.confidence
            )
        ]
    return pd.DataFrame(rows, columns=pd.Index(COLUMNS))


def found_value(objects: Table, wanted: "Wanted", kind: str, bandwidth: float) -> str:
    """Which value of an attribute the object has that is everything else that was requested.

    Of several such objects one with the requested value is taken, else the surest.

    Args:
        objects: found in one image, the surest first (``conditions/table.py``).
        wanted: the requested object.
        kind: one of the attributes that were requested of it.
        bandwidth: how near an image point counts as there, as a share of the image's side.

    Returns:
        One of the attribute's values; NONE where there is no such object.
    """
    told = {name: value for name, value in wanted.told.items() if name != kind}
    able = np.flatnonzero(answering(objects, wanted.model_copy(update={"told": told}), bandwidth))
    if not len(able):
        return NONE
    values = [ATTRIBUTES[kind][int(index)] for index in objects[kind][0][able]]
    requested = str(wanted.told[kind])
    return requested if requested in values else values[0]


def _detected(
    settings: "TableSettings", folder: Folder, detector: Detecting, experiment: str, case: str
) -> list[Detections]:
    images = case_samples(folder, experiment, case).images
    return detect(detector, images[:MOST], settings.threshold)


def _count(
    counts: dict[tuple[str, str], dict[str, int]],
    objects: Table,
    wanted: "Wanted",
    bandwidth: float,
) -> None:
    for kind, value in wanted.told.items():
        if kind in ATTRIBUTES:
            row = counts.setdefault((kind, str(value)), dict.fromkeys([*ATTRIBUTES[kind], NONE], 0))
            row[found_value(objects, wanted, kind, bandwidth)] += 1


def _rows(
    kind: str, value: str, counts: dict[str, int], unsure: int, confidence: float
) -> list[dict[str, Any]]:
    total = sum(counts.values())
    rows = []
    for found, count in counts.items():
        share = rate_columns("share", count, total, confidence)
        told = {"kind": kind, "requested": value, "found": found}
        share |= {"unsure": unsure / total}
        rows.append({**told, "objects": count, "num_requests": total, **share})
    return rows
