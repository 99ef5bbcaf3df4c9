"""Mixtures of models side by side: do all colours come out, as often as they should?

For every experiment and for the truth: the share of images with exactly the number of objects asked
for, that of images that the detector doubts, every colour's share of the objects found, and the
total variation of these shares from uniform. Shares of few objects are never quite uniform: the
distance is too large by nature, its bootstrap interval still more so, and
``total_variation_of_uniform`` is what as many objects of uniform colours would have.
"""

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from projcomp import seeds
from projcomp.evaluation.counted import read_counted
from projcomp.evaluation.intervals import wilson
from projcomp.folder import Folder
from projcomp.scenes.vocabulary import COLORS

if TYPE_CHECKING:
    from projcomp.settings.report import TableSettings

COLUMNS = ["experiment", "case", "num_samples", "measure", "value", "low", "high"]


def table(settings: "TableSettings", folder: Folder) -> pd.DataFrame:
    """One row per experiment, case and measure.

    Raises:
        FileFormatError: a table is missing or damaged.
    """
    rows = []
    for experiment, names in settings.cases.items():
        for name in names:
            path = folder.counted(experiment, name)
            counted = read_counted(path, experiment, name)
            rng = seeds.generator(settings.seed, "bootstrap", settings.name, experiment, name)
            start = {"experiment": experiment, "case": name, "num_samples": len(counted)}
            rows += [{**start, **row} for row in _measures(counted, settings, rng)]
    return pd.DataFrame(rows, columns=pd.Index(COLUMNS))


def _measures(
    counted: pd.DataFrame, settings: "TableSettings", rng: np.random.Generator
) -> list[dict[str, Any]]:
    found = []
    for rate in ("exact_count", "unsure"):
        number = int(counted[rate].sum())
        low, high = wilson(number, len(counted), settings.confidence)
        found.append(_entry(rate, number / len(counted), low, high))
    objects = color_counts(counted)
    ends = [(1 - settings.confidence) / 2, (1 + settings.confidence) / 2]
    if objects.sum() == 0:
        return found
    uniform = np.isin(list(COLORS), settings.colors) / len(settings.colors)
    resamples = rng.multinomial(
        len(objects), np.full(len(objects), 1 / len(objects)), settings.bootstrap
    )
    shares = _shares(resamples @ objects)
    lows, highs = np.nanquantile(shares, ends, axis=0)
    value = _shares(objects.sum(0))
    found += [
        _entry(f"share_{color}", *row)
        for color, *row in zip(COLORS, value, lows, highs, strict=True)
    ]
    far = np.nanquantile(total_variation(shares, uniform), ends)
    found.append(_entry("total_variation", float(total_variation(value, uniform)), *far))
    drawn = _shares(rng.multinomial(objects.sum(), uniform, settings.bootstrap))
    floor = total_variation(drawn, uniform)
    found.append(_entry("total_variation_of_uniform", floor.mean(), *np.quantile(floor, ends)))
    return found


def color_counts(counted: pd.DataFrame) -> np.ndarray:
    """Objects of each of CLEVR's colours in every image, ``(N, 8)``."""
    names = counted["colors"].fillna("").str.split(";")
    return np.array([[image.count(color) for color in COLORS] for image in names])


def total_variation(shares: np.ndarray, target: np.ndarray) -> np.ndarray:
    """``1/2 sum_c |share_c - target_c|``: ``(..., 8)`` and ``(8,)`` to ``(...)``."""
    return np.abs(shares - target).sum(-1) / 2


def _shares(objects: np.ndarray) -> np.ndarray:
    """Counts ``(..., 8)`` over their sum; NaN where there are none."""
    total = objects.sum(-1, keepdims=True)
    return np.divide(objects, total, out=np.full(objects.shape, np.nan), where=total > 0)


def _entry(measure: str, value: float, low: float, high: float) -> dict[str, Any]:
    return {"measure": measure, "value": value, "low": low, "high": high}
