"""Are composed samples copies of what their models learned? Nearest training images.

Of every case's samples that came out right, and of the rendered truth of the same request, which no
model has learned from: how near the nearest training image is, as a whole picture, and in the
windows of the requested places (``evaluation/crops.py``), where a composition of copies shows.
Exact models are made of their renders, so that theirs are copies: what copying looks like here.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from projcomp import seeds
from projcomp.data.learned import read_learned
from projcomp.errors import FileFormatError
from projcomp.evaluation.case_samples import case_samples
from projcomp.evaluation.counted import counted_of
from projcomp.evaluation.crops import at_place, elsewhere
from projcomp.evaluation.memorised import nearer, nearest_distances, shrunk
from projcomp.folder import Folder
from projcomp.settings.case import TRUTH

if TYPE_CHECKING:
    from projcomp.settings.report import TableSettings

Place = tuple[float, float]

COLUMNS = ["case", "num_composed", "part", "value", "low", "high", "p_value", "floor", "critical"]
COLUMNS += ["nearest", "nearest_of_truth", "unsure", "unsure_of_truth"]
COLUMNS += ["num_samples", "num_reference"]
"""One row per case and part of the picture (``whole``, ``places``). ``value`` is the probability
that a sample is nearer to the training images than a held-out render; ``nearest`` and
``nearest_of_truth`` are the medians of these distances, root mean squares over the part's pixels, 1
for black against white. ``unsure`` and ``unsure_of_truth`` are the shares of these images that the
detector doubts: whether they came out right is a guess."""

PARTS = ("whole", "places")

MOST = 20_000
"""Training images of each dataset that are looked at, at most, the first ones."""

IMAGES = 500
"""Images taken of a case, at most, the first ones."""


def table(settings: "TableSettings", folder: Folder) -> pd.DataFrame:
    """The rows of one experiment; the settings' cases name it and the truth.

    Raises:
        FileFormatError: a file is missing or damaged.
    """
    pictures: dict[tuple[str, str], NDArray[Any]] = {}
    doubts: dict[tuple[str, str], float] = {}
    for name, cases in settings.cases.items():
        for case in cases:
            pictures[name, case], doubts[name, case] = _right(folder, name, case)
    shape = _common_shape(folder, pictures)
    paths = [Path(folder.index(name)) for name in settings.datasets]
    learned = map(shrunk, read_learned(paths, shape, MOST))
    small = {key: shrunk(images) for key, images in pictures.items()}
    whole, at = _distances(settings, small, learned)
    (experiment,) = (name for name in settings.cases if name != TRUTH)
    rows: list[dict[str, Any]] = []
    for case in settings.cases[experiment]:
        ours, true = (experiment, case), (TRUTH, case)
        for part, found in zip(PARTS, (whole, at), strict=True):
            x, y = found[ours], found[true]
            rng = seeds.generator(settings.seed, "permutations", settings.name, case, part)
            compared = nearer(x, y, settings.confidence, rng=rng)
            medians = {"nearest": _median(x), "nearest_of_truth": _median(y)}
            doubted = {"unsure": doubts[ours], "unsure_of_truth": doubts[true]}
            known = {"case": case, "num_composed": len(settings.places[case]), "part": part}
            counts = {"num_samples": len(x), "num_reference": len(y)}
            rows.append({**known, **vars(compared), **medians, **doubted, **counts})
    return pd.DataFrame(rows).reindex(columns=pd.Index(COLUMNS))


def _right(folder: Folder, experiment: str, case: str) -> tuple[NDArray[np.uint8], float]:
    """The images of a case that are right, and the share of these that the detector doubts.

    A place left empty is near to what was empty there.
    """
    images = case_samples(folder, experiment, case).images
    table = counted_of(folder, experiment, case, len(images))
    right = np.flatnonzero(table["success"] == 1)[:IMAGES]
    return images[right], float(table["unsure"].iloc[right].mean())


def _common_shape(folder: Folder, pictures: dict[tuple[str, str], NDArray[Any]]) -> tuple[int, ...]:
    shape = next(iter(pictures.values())).shape[1:]
    for key, images in pictures.items():
        if images.shape[1:] != shape:
            raise FileFormatError(
                f"{folder.samples(*key)}: expected images {shape} as the other cases have, got "
                f"{images.shape[1:]}; sample the case again"
            )
    return shape


def _distances(
    settings: "TableSettings",
    pictures: dict[tuple[str, str], NDArray[Any]],
    learned: Iterable[NDArray[Any]],
) -> tuple[dict[tuple[str, str], NDArray[Any]], dict[tuple[str, str], NDArray[Any]]]:
    """Nearest distances of every case's images: whole ``(N, 1)``, and at its places ``(N, k)``."""
    places = list(dict.fromkeys(p for case in settings.places.values() for p in case))
    users: list[tuple[Place | None, list[tuple[str, str]]]] = [(None, list(pictures))]
    for place in places:
        users.append((place, [key for key in pictures if place in settings.places[key[1]]]))

    def seen(images: NDArray[Any], place: Place | None) -> NDArray[Any]:
        if place is None:
            return elsewhere(images, [], settings.radius)
        return at_place(images, place, settings.radius)

    sets = [np.concatenate([seen(pictures[key], p) for key in keys]) for p, keys in users]
    pieces = ([seen(piece, place) for place, _ in users] for piece in learned)
    found = nearest_distances(sets, pieces)
    whole: dict[tuple[str, str], NDArray[Any]] = {}
    at: dict[tuple[str, str], list[NDArray[Any]]] = {key: [] for key in pictures}
    for (place, keys), points, near in zip(users, sets, found, strict=True):
        ends = np.cumsum([len(pictures[key]) for key in keys])[:-1]
        for key, part in zip(keys, np.split(near / np.sqrt(points.shape[1]), ends), strict=True):
            if place is None:
                whole[key] = part[:, None]
            else:
                at[key].append(part)
    return whole, {key: np.stack(parts, axis=1) for key, parts in at.items()}


def _median(found: NDArray[Any]) -> float:
    return float(np.median(found)) if len(found) else np.nan
