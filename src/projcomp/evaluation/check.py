"""How often the detector itself errs: its findings against renders whose objects are known.

Radius and level are the config's defaults, whatever it sets: the check is a part of the detector's
training, which would run again for it.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from projcomp.config.evaluation import CONFIDENCE, RADIUS
from projcomp.evaluation.grid import ATTRIBUTES
from projcomp.evaluation.heatmaps import Detections
from projcomp.evaluation.intervals import wilson
from projcomp.evaluation.labelled import LabelledImages
from projcomp.evaluation.matching import match

RANGES = ((1, 5), (1, 9), (6, 10), (11, 12))
"""Ranges of object counts that are reported as one row each, beside the row of all images."""

BINS = 10
"""Of peaks by height, as many as have an interval of one tenth each."""


def check_detections(
    found: Sequence[Detections],
    truth: LabelledImages,
    disturbed: Mapping[str, tuple[Sequence[Detections], LabelledImages]] | None = None,
) -> pd.DataFrame:
    """One row per true number of objects, one for each of RANGES, the row ``all``, and more.

    The last rows are of renders that were ``disturbed``, by the disturbance's name.

    Columns: ``num_objects`` (the true number, as text); ``images``; ``exact_count`` (rate of images
    with as many detections as objects) with its Wilson interval ``exact_count_low`` and ``_high``;
    ``one_less`` and ``one_more`` (rates of one detection less and more than objects); ``unsure``
    (rate); ``all_found`` (rate of images all of whose objects were found where they are);
    ``some_false`` (rate of images with a detection where no object is) and ``false_objects`` (their
    mean number); ``count_error`` (mean of detections minus objects); ``localization_error`` (mean
    distance of matched pairs, share of the image side) and ``pixel_error`` (the same in pixels);
    ``recall``; ``precision``; ``score`` (mean height of the detections' peaks: calibrated heights
    equal the precision); ``color_accuracy``, ``shape_accuracy``, ``material_accuracy`` and
    ``size_accuracy`` (of the matched pairs). What has nothing to be a mean of is empty.
    """
    compared = _all(found, truth)
    number = compared["objects"]
    groups = {f"{n:.0f}": number == n for n in np.unique(number)}
    groups |= {f"{low}-{high}": (number >= low) & (number <= high) for low, high in RANGES}
    groups["all"] = np.ones(len(number), dtype=bool)
    parts = {name: compared[chosen] for name, chosen in groups.items()}
    parts |= {name: _all(*pair) for name, pair in (disturbed or {}).items()}
    side = truth.images.shape[1]
    return pd.DataFrame(
        [{"num_objects": name, **_row(images, side)} for name, images in parts.items()]
    )


def reliability(found: Sequence[Detections], truth: LabelledImages) -> pd.DataFrame:
    """Whether a peak's height is the probability that an object stands there, by its height.

    Columns: ``low`` and ``high`` (the bin of heights, tenths; the last row has all of them);
    ``peaks``; ``height`` (their mean); ``precision`` (the share of them that are matched to an
    object) with its Wilson interval ``precision_low`` and ``_high``; ``calibration_error``, in the
    last row (the expected calibration error of Naeini et al. 2015: the mean over the peaks of
    ``|height - precision|`` of their bins).

    Args:
        found: all peaks, low ones too.
        truth: what stands in the images.
    """
    height = np.concatenate([np.empty(0), *(one.score for one in found)])
    right = np.zeros(len(height), dtype=bool)
    start = 0
    for index, one in enumerate(found):
        right[start + _matched(one, truth, index)[0]] = True
        start += len(one.score)
    bins = np.minimum((height * BINS).astype(int), BINS - 1)
    rows = [
        {"low": n / BINS, "high": (n + 1) / BINS, **_reliable(height[bins == n], right[bins == n])}
        for n in range(BINS)
    ]
    gaps = [row["peaks"] * abs(row["height"] - row["precision"]) for row in rows if row["peaks"]]
    error = _ratio(sum(gaps), len(height))
    whole = {"low": 0.0, "high": 1.0, **_reliable(height, right), "calibration_error": error}
    return pd.DataFrame([*rows, whole])


_COMPARED = ["objects", "found", "matched", "distance", "score", "unsure"]
_COMPARED += [f"right_{name}" for name in ATTRIBUTES]


def _all(found: Sequence[Detections], truth: LabelledImages) -> np.ndarray:
    """A record of each image, with the numbers named in _COMPARED."""
    rows = [_compare(one, truth, index) for index, one in enumerate(found)]
    return np.array(rows, dtype=[(name, float) for name in _COMPARED])


def _compare(found: Detections, truth: LabelledImages, index: int) -> tuple[float, ...]:
    """The numbers named in _COMPARED for one image, sums over its matched pairs."""
    rows, columns = _matched(found, truth, index)
    centres = truth.pixel[index, columns].astype(float)
    distance = np.linalg.norm(found.xy[rows] - centres, axis=1).sum()
    said = np.stack([getattr(found, name)[rows] for name in ATTRIBUTES], axis=-1)
    right = (said == truth.attributes[index, columns]).sum(0)
    counts = int(truth.num_objects[index]), len(found.xy), len(rows)
    return *counts, float(distance), float(found.score.sum()), found.unsure, *right.tolist()


def _matched(found: Detections, truth: LabelledImages, index: int) -> tuple[np.ndarray, np.ndarray]:
    """Which detections stand at which objects of the image ``index``."""
    number = int(truth.num_objects[index])
    return match(found.xy, truth.pixel[index, :number].astype(float), RADIUS)


def _row(images: np.ndarray, side: int) -> dict[str, float]:
    count, over = len(images), images["found"] - images["objects"]
    low, high = wilson(int((over == 0).sum()), count, CONFIDENCE)
    false = images["found"] - images["matched"]
    objects, found, matched = (images[name].sum() for name in ("objects", "found", "matched"))
    distance = _ratio(images["distance"].sum(), matched)
    return {
        "images": count,
        "exact_count": _ratio((over == 0).sum(), count),
        "exact_count_low": low,
        "exact_count_high": high,
        "one_less": _ratio((over == -1).sum(), count),
        "one_more": _ratio((over == 1).sum(), count),
        "unsure": _ratio(images["unsure"].sum(), count),
        "all_found": _ratio((images["matched"] == images["objects"]).sum(), count),
        "some_false": _ratio((false > 0).sum(), count),
        "false_objects": _ratio(false.sum(), count),
        "count_error": _ratio(over.sum(), count),
        "localization_error": distance,
        "pixel_error": distance * side,
        "recall": _ratio(matched, objects),
        "precision": _ratio(matched, found),
        "score": _ratio(images["score"].sum(), found),
        **{
            f"{name}_accuracy": _ratio(images[f"right_{name}"].sum(), matched)
            for name in ATTRIBUTES
        },
    }


def _reliable(height: np.ndarray, right: np.ndarray) -> dict[str, float]:
    low, high = wilson(int(right.sum()), len(right), CONFIDENCE)
    return {
        "peaks": len(height),
        "height": _ratio(height.sum(), len(height)),
        "precision": _ratio(right.sum(), len(right)),
        "precision_low": low,
        "precision_high": high,
    }


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else float("nan")
