"""How often the detector itself errs: its findings against renders whose objects are known.

Radius and level are the config's defaults, whatever it sets: the check is a part of the detector's
training, which would run again for it.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from projcomp.config.evaluation import CONFIDENCE, RADIUS
from projcomp.evaluation.heatmaps import Detections
from projcomp.evaluation.intervals import wilson
from projcomp.evaluation.labelled import LabelledImages
from projcomp.evaluation.matching import match

FEW = (1, 5)
"""The range of object counts that is reported as one row, beside the row of all images."""


def check_detections(found: Sequence[Detections], truth: LabelledImages) -> pd.DataFrame:
    """One row per true number of objects, then the rows ``1-5`` and ``all``.

    Columns: ``num_objects`` (the true number, as text); ``images``; ``exact_count`` (rate of images
    with as many detections as objects) with its Wilson interval ``exact_count_low`` and ``_high``;
    ``count_error`` (mean of detections minus objects); ``localization_error`` (mean distance of
    matched pairs, share of the image side); ``recall``; ``precision``; ``color_accuracy`` (of the
    matched pairs). What has nothing to be a mean of is empty.
    """
    compared = np.array([_compare(f, truth, i) for i, f in enumerate(found)], dtype=float)
    compared = compared.reshape(-1, len(_COMPARED))
    number = compared[:, 0]
    groups = {f"{n:.0f}": number == n for n in np.unique(number)}
    groups[f"{FEW[0]}-{FEW[1]}"] = (number >= FEW[0]) & (number <= FEW[1])
    groups["all"] = np.ones(len(number), dtype=bool)
    return pd.DataFrame(
        [{"num_objects": name, **_row(compared[chosen])} for name, chosen in groups.items()]
    )


_COMPARED = ("objects", "found", "matched", "distance", "right_color")


def _compare(found: Detections, truth: LabelledImages, index: int) -> tuple[float, ...]:
    """The numbers named in _COMPARED for one image, sums over its matched pairs."""
    number = int(truth.num_objects[index])
    centres = truth.pixel[index, :number].astype(float)
    rows, columns = match(found.xy, centres, RADIUS)
    distance = np.linalg.norm(found.xy[rows] - centres[columns], axis=1)
    right_color = found.color[rows] == truth.color[index, columns]
    return number, len(found.xy), len(rows), float(distance.sum()), int(right_color.sum())


def _row(images: np.ndarray) -> dict[str, float]:
    exact = int((images[:, 1] == images[:, 0]).sum())
    low, high = wilson(exact, len(images), CONFIDENCE)
    objects, found, matched, distance, right_color = images.sum(0).tolist()
    return {
        "images": len(images),
        "exact_count": _ratio(exact, len(images)),
        "exact_count_low": low,
        "exact_count_high": high,
        "count_error": _ratio(found - objects, len(images)),
        "localization_error": _ratio(distance, matched),
        "recall": _ratio(matched, objects),
        "precision": _ratio(matched, found),
        "color_accuracy": _ratio(right_color, matched),
    }


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else float("nan")
