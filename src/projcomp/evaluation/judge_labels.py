"""Anybody's samples against the places they were asked for: Composable Diffusion's protocol.

Liu et al. (2022) compose k places of a set, all positive, and ask a classifier of each place
whether it holds an object; an image is right when all of them do. Objects that nobody asked for are
not seen. Here the detector places and counts, so that the exact count stands beside.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from tqdm import tqdm

from projcomp import seeds
from projcomp.data.arrays import check_scale
from projcomp.data.label_sets import read_label_sets
from projcomp.data.pictures import Pictures, open_pictures
from projcomp.errors import ConfigError, FileFormatError
from projcomp.evaluation.detect import Detecting, detect
from projcomp.evaluation.forward import load_detector
from projcomp.evaluation.heatmaps import Detections
from projcomp.evaluation.intervals import bootstrap_mean, wilson
from projcomp.evaluation.matching import match
from projcomp.evaluation.scope import Scope, read_scope
from projcomp.files.atomic import atomic_path

RATES = ("all_places", "exact_count", "success", "unsure")
"""Shares of images: an object at every place, exactly k objects, and both; those that the detector
doubts."""

MEANS = ("places_hit", "extra_objects")
"""Means over images: the share of an image's places that hold an object, and the other objects."""

COLUMNS = [
    "num_composed",
    "images",
    *(f"{name}{end}" for name in (*MEANS, *RATES) for end in ("", "_low", "_high")),
    "places_hit_chance",
    "all_places_chance",
]
"""One row per file of labels. Rates have Wilson intervals and means bootstrap intervals over
images. By *chance*: the same images against the labels of the next image; empty of one image."""


@dataclass(frozen=True)
class Judging:
    """How samples are judged: the fields as of the config's sections of the same words.

    Attributes:
        threshold: least height of a peak that counts as an object; the detector's own where None.
    """

    radius: float
    threshold: float | None
    confidence: float
    bootstrap: int
    seed: int = 0


def judge(
    images: Sequence[Path],
    labels: Sequence[Path],
    detector_dir: Path,
    out: Path,
    how: Judging,
    *,
    y_down: bool = False,
) -> Iterator[str]:
    """Judge ``images[i]`` by ``labels[i]``, write one row each, and tell each in a line.

    Everything is looked at before the first image is judged.

    Raises:
        ConfigError: there are more of the ones than of the others.
        FileFormatError: a file is missing or damaged, images and labels are not as many, or images
            are not of the detector's resolution or none is brighter than 1 of 255.
    """
    if len(images) != len(labels):
        raise ConfigError(
            f"--labels: one file for each of {len(images)} sets of images expected, got "
            f"{len(labels)}: name them in the same order"
        )
    detector, scope = load_detector(detector_dir), read_scope(detector_dir)
    if how.threshold is not None:
        scope = replace(scope, threshold=how.threshold)
    pairs = [
        _pair(image, label, detector.resolution, y_down)
        for image, label in zip(images, labels, strict=True)
    ]
    rows = [_judged(detector, pictures, places, how, scope) for pictures, places in pairs]
    with atomic_path(out) as temporary:
        table = pd.DataFrame(rows, columns=pd.Index(COLUMNS))
        table.to_csv(temporary, index=False, float_format="%.6g")
    for row in rows:
        yield _told(row)
        if row["outside"]:
            yield (
                f"{row['outside']} of them have mean colours that the detector has not seen, which "
                f"learned from {scope}: do not trust what it says of these"
            )


def _pair(image: Path, label: Path, side: int, y_down: bool) -> tuple[Pictures, np.ndarray]:
    """Images and the places asked of each ``(N, k, 2)``, found to belong together."""
    places, pictures = read_label_sets(label, y_down=y_down), open_pictures([image])
    if len(pictures) != len(places):
        raise FileFormatError(
            f"{image}: one image for each of {len(places)} rows of labels expected, got "
            f"{len(pictures)}: make as many, or take as many rows of {label}"
        )
    if pictures.size != (side, side):
        height, width = pictures.size
        raise FileFormatError(
            f"{image}: {side} x {side} pixels expected, as the detector was trained on, got "
            f"{width} x {height}: resize them, or train a detector at this resolution"
        )
    return pictures, places


def _judged(
    detector: Detecting, pictures: Pictures, places: np.ndarray, how: Judging, scope: Scope
) -> dict[str, Any]:
    """A row of the table, and ``outside``, images that the detector is not made for."""
    count, asked = places.shape[:2]
    found: list[Detections] = []
    outside = greatest = 0
    with tqdm(total=count, unit="image", disable=None) as bar:
        for _, images in pictures.batches():
            greatest = max(greatest, int(images.max()))
            found += detect(detector, images, scope.threshold)
            outside += int(scope.outside(images).sum())
            bar.update(len(images))
    check_scale(pictures.sources[0].path, greatest)
    hits, chance = (_hits(found, np.roll(places, -turn, 0), how.radius) for turn in (0, 1))
    objects = np.array([len(one.xy) for one in found])
    values = {
        "places_hit": hits / asked,
        "extra_objects": objects - hits,
        "all_places": hits == asked,
        "exact_count": objects == asked,
        "success": (hits == asked) & (objects == asked),
        "unsure": np.array([one.unsure for one in found]),
    }
    row: dict[str, Any] = {"num_composed": asked, "images": count, "outside": outside}
    for name, each in values.items():
        if name in RATES:
            low, high = wilson(int(each.sum()), count, how.confidence)
        else:
            rng = seeds.generator(how.seed, "bootstrap", "labels", asked, name)
            low, high = bootstrap_mean(each, how.confidence, how.bootstrap, rng=rng)
        row |= {name: float(each.mean()), f"{name}_low": low, f"{name}_high": high}
    if count > 1:
        row["places_hit_chance"] = float(chance.mean()) / asked
        row["all_places_chance"] = float((chance == asked).mean())
    return row


def _hits(found: Sequence[Detections], places: np.ndarray, radius: float) -> np.ndarray:
    """How many places hold an object of their own, in each image ``(N,)``."""
    pairs = zip(found, places, strict=True)
    return np.array([len(match(one.xy, wanted, radius)[0]) for one, wanted in pairs])


def _told(row: dict[str, Any]) -> str:
    """One row as a line of text."""

    def share(name: str) -> str:
        value, low, high = (100 * row[f"{name}{end}"] for end in ("", "_low", "_high"))
        by_chance = row.get(f"{name}_chance")
        chance = "" if by_chance is None else f", by chance {100 * by_chance:.1f} %"
        return f"{value:.1f} % [{low:.1f}, {high:.1f}]{chance}"

    extra, low, high = (row[f"extra_objects{end}"] for end in ("", "_low", "_high"))
    return (
        f"k = {row['num_composed']}, {_images(row['images'])}: places hit {share('places_hit')}; "
        f"all places {share('all_places')}; exact count {share('exact_count')}; both "
        f"{share('success')}; other objects {extra:.2f} [{low:.2f}, {high:.2f}] an image; unsure "
        f"{share('unsure')}"
    )


def _images(count: int) -> str:
    return "1 image" if count == 1 else f"{count} images"
