"""Samples of pictures from files, by class and in features: the one judge is a small classifier.

Of every case: the share of samples of each class with Wilson's interval, beside the share among the
reference pictures; how far these shares are from the reference's together; of a case that asks for
a class, the share that is *right*; and distances to the reference's pictures (of that class) in the
classifier's features (``feature_distances.py``), and in a published network's where the config has
one. The last rows are of the reference itself: its shares are the classifier's own errors, its
distances those of one half of every class from the other.
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from projcomp import seeds
from projcomp.evaluation.classified import Classified, read_classified
from projcomp.evaluation.feature_distances import Unit, measures
from projcomp.evaluation.intervals import wilson
from projcomp.evaluation.tables.mixture import total_variation
from projcomp.evaluation.two_sample import Compared, null
from projcomp.folder import REFERENCE, Folder

if TYPE_CHECKING:
    from projcomp.settings.report import TableSettings

COLUMNS = ["experiment", "case", "measure", "class"]
COLUMNS += ["value", "low", "high", "expected", "p_value", "floor", "critical", "num_samples"]
"""One row per case, measure and class. Measures: ``share`` of a class; ``right``, of the class that
was asked for; ``total_variation`` of all shares from the expected ones, whose ``floor`` is what as
many samples of the expected shares have; and those of ``feature_distances.py``, which end in the
network's name where they are of a published one's features."""

WORDS = ("class",)
"""Those of COLUMNS that hold words, besides the common ones."""

ITSELF = "reference"
MOST = 2000
"""Pictures that distances are taken of, at most: the first samples, and reference pictures drawn at
random."""


def table(settings: "TableSettings", folder: Folder) -> pd.DataFrame:
    """The rows of all cases, the reference's last.

    Raises:
        FileFormatError: a file is missing or damaged.
    """
    # files have any order of classes: the first ones are some of each
    order = seeds.generator(settings.seed, "permutations", settings.name, "reference")
    reference = read_classified(Path(folder.classifier(REFERENCE)))
    reference = _rows(reference, order.permutation(len(reference.told)))
    rows: list[dict[str, Any]] = []
    for experiment, names in settings.cases.items():
        for name in names:
            found = read_classified(Path(folder.classified(experiment, name)))
            asked = _asked(settings, name)
            known = {"experiment": experiment, "case": name, "num_samples": len(found.told)}
            for row in _of_case(settings, f"{experiment} {name}", found, reference, asked):
                rows.append({**known, **row})
    by_class = np.argsort(reference.classes, kind="stable")
    halves = [_rows(reference, np.sort(by_class[start::2])) for start in (0, 1)]
    known = {"experiment": ITSELF, "case": "", "num_samples": len(halves[0].told)}
    for row in _of_case(settings, ITSELF, halves[0], halves[1], None):
        rows.append({**known, **row})
    return pd.DataFrame(rows).reindex(columns=pd.Index(COLUMNS))


def _asked(settings: "TableSettings", case: str) -> str | None:
    """The class that a case asks for, where that is all that it asks for."""
    (wanted, *others) = settings.asked.get(case, []) or [None]
    if wanted is None or others or wanted.avoided or set(wanted.told) != {settings.label}:
        return None
    return str(wanted.told[settings.label])


def _rows(found: Classified, rows: NDArray[Any]) -> Classified:
    """Some of the pictures."""
    chosen = Classified(
        found.values, found.probabilities[rows], found.features[rows], found.classes[rows]
    )
    if found.published is None:
        return chosen
    return replace(chosen, published=found.published[rows])


def _of_case(
    settings: "TableSettings",
    stream: str,
    found: Classified,
    reference: Classified,
    asked: str | None,
) -> Iterator[dict[str, Any]]:
    confidence, number = settings.confidence, len(found.told)
    true = reference.classes if asked is None else np.array([reference.values.index(asked)])
    expected = np.bincount(true, minlength=len(found.values)) / len(true)
    counts = np.bincount(found.told, minlength=len(found.values))
    for value, count, right in zip(found.values, counts.tolist(), expected.tolist(), strict=True):
        low, high = wilson(count, number, confidence)
        ends = {"low": low, "high": high, "expected": right}
        yield {"measure": "share", "class": value, "value": count / number, **ends}
        if value == asked:
            yield {"measure": "right", "class": value, "value": count / number, **ends}
    yield {"measure": "total_variation", **_far(settings, stream, counts, expected)}
    kept = slice(None) if asked is None else reference.classes == reference.values.index(asked)
    yield from _distances(settings, stream, "", found.features, reference.features, kept)
    if settings.published and found.published is not None and reference.published is not None:
        points = found.published, reference.published
        yield from _distances(settings, stream, f"_{settings.published}", *points, kept)


def _distances(
    settings: "TableSettings",
    stream: str,
    suffix: str,
    found: NDArray[Any],
    reference: NDArray[Any],
    kept: Any,
) -> Iterator[dict[str, Any]]:
    """Distances of features ``(N, F)`` from those of the reference that are ``kept``."""
    unit = Unit(reference.astype(float))
    x, y = (unit.of(points[:MOST].astype(float)) for points in (found, reference[kept]))
    if len(y) < 2:
        return
    rng = partial(seeds.generator, settings.seed, "permutations", settings.name, stream + suffix)
    ways = {"confidence": settings.confidence, "bootstrap": settings.bootstrap, "rng": rng}
    for measure, one in measures(x, y, **ways):
        yield {"measure": measure + suffix, **vars(one)}


def _far(
    settings: "TableSettings", stream: str, counts: np.ndarray, expected: np.ndarray
) -> dict[str, Any]:
    """Half the sum of the shares' differences, its bootstrap interval, and what equals have."""
    rng = seeds.generator(settings.seed, "bootstrap", settings.name, stream)
    number, ends = int(counts.sum()), [(1 - settings.confidence) / 2, (1 + settings.confidence) / 2]

    def far(found: np.ndarray) -> np.ndarray:
        return total_variation(found / number, expected)

    value = float(far(counts))
    low, high = np.quantile(far(rng.multinomial(number, counts / number, settings.bootstrap)), ends)
    equal = far(rng.multinomial(number, expected, settings.bootstrap))
    return vars(Compared(value, float(low), float(high), *null(value, equal, settings.confidence)))
