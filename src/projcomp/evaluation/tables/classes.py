"""Samples of pictures from files, by class and in features: the one judge is a small classifier.

Of every case: the share of samples of each class with Wilson's interval, beside the share among the
reference pictures; how far these shares are from the reference's together; of a case that asks for
a class, the share that is *right*; and distances to the reference's pictures (of that class) in the
classifier's features (``feature_distances.py``), and in a published network's where the config has
one. An experiment of several cases has all of this of them together, too: *right* over all, and
against the classes as they were asked for, in their numbers. The last rows are of the reference
itself: its shares are the classifier's own errors, its distances those of one half of every class
from the other.
"""

from collections.abc import Iterator, Sequence
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
"""One row per case (ALL: of several together), measure and class. Measures: ``share`` of a class;
``right``, of the class that was asked for; ``total_variation`` of all shares from the expected
ones, whose ``floor`` is what as many samples of the expected shares have; and those of
``feature_distances.py``, which end in the network's name where they are of a published one's
features."""

WORDS = ("class",)
"""Those of COLUMNS that hold words, besides the common ones."""

ITSELF = "reference"
ALL = "all"
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
        found = [read_classified(Path(folder.classified(experiment, name))) for name in names]
        asked = [_asked(settings, name) for name in names]
        judged = [(name, [one], [of]) for name, one, of in zip(names, found, asked, strict=True)]
        if len(names) > 1:
            judged.append((ALL, found, asked))
        for name, some, classes in judged:
            number = sum(len(one.told) for one in some)
            known = {"experiment": experiment, "case": name, "num_samples": number}
            for row in _of_cases(settings, f"{experiment} {name}", some, reference, classes):
                rows.append({**known, **row})
    by_class = np.argsort(reference.classes, kind="stable")
    halves = [_rows(reference, np.sort(by_class[start::2])) for start in (0, 1)]
    known = {"experiment": ITSELF, "case": "", "num_samples": len(halves[0].told)}
    for row in _of_cases(settings, ITSELF, halves[:1], halves[1], [None]):
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


def _of_cases(
    settings: "TableSettings",
    stream: str,
    found: Sequence[Classified],
    reference: Classified,
    asked: Sequence[str | None],
) -> Iterator[dict[str, Any]]:
    """The measures of some cases' samples together, ``asked`` for a class each, or for any."""
    values = reference.values
    true = [reference.classes if one is None else np.array([values.index(one)]) for one in asked]
    expected = np.stack([np.bincount(one, minlength=len(values)) / len(one) for one in true])
    counts = np.stack([np.bincount(one.told, minlength=len(values)) for one in found])
    numbers = counts.sum(1)
    total, right = int(numbers.sum()), numbers @ expected / numbers.sum()
    for value, count, share in zip(values, counts.sum(0).tolist(), right.tolist(), strict=True):
        rate = _rate(settings, count, total)
        yield {"measure": "share", "class": value, "expected": share, **rate}
    if None not in asked:
        hits = int((counts * expected).sum())  # which is 1 at the class that a case asks for
        (told, *others) = dict.fromkeys(asked)
        rate = _rate(settings, hits, total)
        yield {"measure": "right", "class": None if others else told, "expected": 1.0, **rate}
    yield {"measure": "total_variation", **_far(settings, stream, counts, expected)}
    # the first samples of every case, however many are kept: no case stands for all
    order = np.argsort(np.concatenate([np.arange(n) / n for n in numbers]), kind="stable")
    kept = expected.any(0)[reference.classes]
    features = np.concatenate([one.features for one in found])[order]
    yield from _distances(settings, stream, "", features, reference.features, kept)
    published = [one.published for one in found if one.published is not None]
    if settings.published and len(published) == len(found) and reference.published is not None:
        points = np.concatenate(published)[order], reference.published
        yield from _distances(settings, stream, f"_{settings.published}", *points, kept)


def _rate(settings: "TableSettings", count: int, total: int) -> dict[str, float]:
    low, high = wilson(count, total, settings.confidence)
    return {"value": count / total, "low": low, "high": high}


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
    """Half the sum of the shares' differences, its bootstrap interval, and what equals have.

    Both are drawn case by case: as many of a class as were asked for are no chance.

    Args:
        settings: of the table.
        stream: names the random stream.
        counts: of each case's samples by class, ``(K, C)``.
        expected: the shares that are right, ``(K, C)``.
    """
    rng = seeds.generator(settings.seed, "bootstrap", settings.name, stream)
    numbers, ends = counts.sum(1), [(1 - settings.confidence) / 2, (1 + settings.confidence) / 2]
    right = numbers @ expected / numbers.sum()

    def far(found: np.ndarray) -> np.ndarray:
        return total_variation(found / numbers.sum(), right)

    def drawn(shares: np.ndarray) -> np.ndarray:
        return rng.multinomial(numbers, shares, (settings.bootstrap, len(numbers))).sum(1)

    value = float(far(counts.sum(0)))
    low, high = np.quantile(far(drawn(counts / numbers[:, None])), ends)
    equal = far(drawn(expected))
    return vars(Compared(value, float(low), float(high), *null(value, equal, settings.confidence)))
