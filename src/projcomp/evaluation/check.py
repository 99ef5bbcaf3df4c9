"""How often the detector itself errs: its findings against renders whose objects are known."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from projcomp.evaluation.heatmaps import Detections
from projcomp.evaluation.intervals import wilson
from projcomp.evaluation.labelled import LabelledImages
from projcomp.evaluation.matching import match

RADIUS = 0.09
"""A detection is an object's when it lies this near its centre, as a share of the image side."""
CONFIDENCE = 0.95
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
    images = pd.DataFrame([_compare(f, truth, i) for i, f in enumerate(found)])
    groups = [
        (str(number), images[images["objects"] == number])
        for number in sorted(set(truth.num_objects.tolist()))
    ]
    few = images[images["objects"].between(*FEW)]
    groups += [(f"{FEW[0]}-{FEW[1]}", few), ("all", images)]
    return pd.DataFrame([{"num_objects": name, **_row(group)} for name, group in groups])


def _compare(found: Detections, truth: LabelledImages, index: int) -> dict[str, float]:
    number = int(truth.num_objects[index])
    centres = truth.pixel[index, :number].astype(float)
    rows, columns = match(found.xy, centres, RADIUS)
    distance = np.linalg.norm(found.xy[rows] - centres[columns], axis=1)
    right_color = found.color[rows] == truth.color[index, columns]
    return {
        "objects": number,
        "found": len(found.xy),
        "matched": len(rows),
        "distance": float(distance.sum()),
        "right_color": int(right_color.sum()),
    }


def _row(images: pd.DataFrame) -> dict[str, float | int]:
    exact = int((images["found"] == images["objects"]).sum())
    low, high = wilson(exact, len(images), CONFIDENCE)
    total = images.sum()
    return {
        "images": len(images),
        "exact_count": _ratio(exact, len(images)),
        "exact_count_low": low,
        "exact_count_high": high,
        "count_error": _ratio(total["found"] - total["objects"], len(images)),
        "localization_error": _ratio(total["distance"], total["matched"]),
        "recall": _ratio(total["matched"], total["objects"]),
        "precision": _ratio(total["matched"], total["found"]),
        "color_accuracy": _ratio(total["right_color"], total["matched"]),
    }


def _ratio(part: float, whole: float) -> float:
    return float(part) / float(whole) if whole else float("nan")
