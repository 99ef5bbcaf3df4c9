"""Counting the objects in anybody's images: ``projcomp count``."""

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from tqdm import tqdm

from projcomp.data.arrays import check_scale
from projcomp.data.pictures import Pictures, open_pictures
from projcomp.data.preview import contact_sheet, save_sheet
from projcomp.errors import FileFormatError
from projcomp.evaluation.detect import detect
from projcomp.evaluation.forward import load_detector
from projcomp.evaluation.grid import ATTRIBUTES
from projcomp.evaluation.heatmaps import Detections
from projcomp.evaluation.scope import Scope, read_scope
from projcomp.files.atomic import write_text
from projcomp.scenes.vocabulary import COLORS, VIEW

COLUMNS = ("image", "num_objects", "unsure", "doubt", "colors", "fits")
"""Of the table of images: its name; objects found; whether the detector is unsure (0 or 1), and its
greatest doubt in [0, 1]; colours of the objects, sorted; 0 where the image's mean colour is none
that the detector has learned from."""

OBJECT_COLUMNS = ("image", "object", "x", "y", "confidence", *ATTRIBUTES)
"""Of the table of objects, the surest of an image first, counted from 0: the centre in [0, 1], x
right and y down; the height of its peak in [0, 1]; what it looks like."""

SHOWN = 60
"""Images on the sheet: the first."""

_RING = 0.09
"""Radius of the rings on the sheet, a share of the image side."""

_SIDE = 128
"""Least side of the images on the sheet, pixels."""


@dataclass
class _Counted:
    """What was found so far."""

    rows: list[tuple[Any, ...]] = field(default_factory=list)
    objects: list[tuple[Any, ...]] = field(default_factory=list)
    shown: list[NDArray[np.uint8]] = field(default_factory=list)
    greatest: int = 0
    outside: int = 0
    crowded: int = 0


def count(
    images: Sequence[Path],
    detector_dir: Path,
    out: Path,
    *,
    objects: Path | None = None,
    sheet: Path | None = None,
    resize: bool = False,
) -> list[str]:
    """Detect the objects in ``images`` and write a row per image (COLUMNS) to ``out``.

    Args:
        images: pictures, folders of them, ``.npz`` or HDF5 files, all of one size.
        detector_dir: folder of a trained detector, whose threshold is taken.
        out: table to write.
        objects: table of the objects to write (OBJECT_COLUMNS).
        sheet: picture of the first images to draw, what was found in them ringed.
        resize: whether images of another size than the detector's are resized.

    Returns:
        lines to say: what the detector was made for and where the images do not fit; what it found.

    Raises:
        FileFormatError: there are no images, or not of the detector's size, or none is brighter
            than 1 of 255; the detector's files are missing, damaged or of another format.
    """
    scope, detector = read_scope(detector_dir), load_detector(detector_dir)
    pictures = open_pictures(images)
    side = detector.resolution
    if pictures.size != (side, side) and not resize:
        raise FileFormatError(
            f"{pictures.sources[0].path}: images of {side} x {side} pixels expected, as the "
            f"detector in {detector_dir} learned from, got {_size(pictures)}: train a detector at "
            "that resolution, or pass --resize and check its counts on images that you know"
        )
    counted = _Counted()
    with tqdm(total=len(pictures), desc="counting", unit="image", disable=None) as bar:
        for names, batch in pictures.batches():
            counted.greatest = max(counted.greatest, int(batch.max()))
            fitting = _resized(batch, side)
            found = detect(detector, fitting, scope.threshold)
            _add(counted, names, fitting, found, scope)
            bar.update(len(batch))
    check_scale(pictures.sources[0].path, counted.greatest)
    write_text(out, _csv(COLUMNS, counted.rows))
    if objects:
        write_text(objects, _csv(OBJECT_COLUMNS, counted.objects))
    if sheet:
        shown, total = counted.shown, len(pictures)
        labels = [f"{row[1]}{' unsure' if row[2] else ''}" for row in counted.rows[: len(shown)]]
        title = f"objects found in the first {len(shown)} of {total}"
        save_sheet(contact_sheet(np.stack(shown), labels, title), sheet)
    return _sentences(scope, pictures, side, counted)


def _add(
    counted: _Counted,
    names: Sequence[str],
    images: NDArray[np.uint8],
    found: Sequence[Detections],
    scope: Scope,
) -> None:
    outside = scope.outside(images)
    counted.outside += int(outside.sum())
    for name, image, one, odd in zip(names, images, found, outside.tolist(), strict=True):
        kinds = {
            kind: [known[index] for index in getattr(one, kind)]
            for kind, known in ATTRIBUTES.items()
        }
        colors = ";".join(sorted(kinds["color"]))
        counted.rows.append(
            (name, len(one.xy), int(one.unsure), f"{one.doubt:.4f}", colors, int(not odd))
        )
        counted.crowded += len(one.xy) > scope.objects[1]
        for number, ((x, y), score, *words) in enumerate(
            zip(one.xy.tolist(), one.score.tolist(), *kinds.values(), strict=True)
        ):
            place = (f"{x:.4f}", f"{y:.4f}", f"{score:.4f}")
            counted.objects.append((name, number, *place, *words))
        if len(counted.shown) < SHOWN:
            counted.shown.append(_ringed(image, one))


def _sentences(scope: Scope, pictures: Pictures, side: int, counted: _Counted) -> list[str]:
    total, problems = len(pictures), []
    if pictures.size != (side, side):
        height, width = pictures.size
        problems.append(f"they were resized from {_size(pictures)}, to which it was not trained")
        if width != height and width * VIEW[1] != height * VIEW[0]:
            problems.append(f"their aspect is neither 1:1 nor {VIEW[0]}:{VIEW[1]}, as renders' is")
    if counted.outside:
        problems.append(f"{counted.outside} of {total} have mean colours that it has not seen")
    if counted.crowded:
        problems.append(f"{counted.crowded} of {total} have more objects than it has seen")
    fit = "these images fit" if not problems else f"these images do not fit: {'; '.join(problems)}"
    number = [row[1] for row in counted.rows]
    unsure = sum(row[2] for row in counted.rows)
    return [
        f"the detector learned from {scope} at {side} x {side} pixels; {fit}",
        f"{total:,} image{'s' * (total != 1)}: {np.mean(number):.2f} objects on average, "
        f"{min(number)} to {max(number)}; unsure of {unsure} ({unsure / total:.1%})",
    ]


def _size(pictures: Pictures) -> str:
    height, width = pictures.size
    return f"{width} x {height}"


def _resized(images: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """Images ``(N, H, W, 3)`` at ``side`` x ``side``: means of what is shrunk, as renders are."""
    height, width = images.shape[1:3]
    if (height, width) == (side, side):
        return images
    larger = min(height, width) < side
    way = Image.Resampling.BICUBIC if larger else Image.Resampling.BOX
    return np.stack([np.asarray(Image.fromarray(one).resize((side, side), way)) for one in images])


def _ringed(image: NDArray[np.uint8], found: Detections) -> NDArray[np.uint8]:
    """An image, magnified where small, with a ring of its colour around every object."""
    factor = max(1, -(-_SIDE // len(image)))
    side = factor * len(image)
    picture = Image.fromarray(image).resize((side, side), Image.Resampling.NEAREST)
    draw, radius = ImageDraw.Draw(picture), _RING * side
    colors = list(COLORS.values())
    for (x, y), color in zip((found.xy * side).tolist(), found.color.tolist(), strict=True):
        for width, ink in ((4, "white"), (2, colors[color])):
            grown = radius + width / 2
            draw.ellipse((x - grown, y - grown, x + grown, y + grown), outline=ink, width=width)
    return np.asarray(picture)


def _csv(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    content = io.StringIO()
    csv.writer(content, lineterminator="\n").writerows([columns, *rows])
    return content.getvalue()
