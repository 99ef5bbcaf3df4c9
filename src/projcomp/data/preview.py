"""A contact sheet of a dataset: its first images, magnified, under one line saying what it is."""

import math
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from projcomp.data.hdf5 import PathLike
from projcomp.data.index import find_shards, read_first
from projcomp.data.picture_sets import is_picture_set, read_picture_set
from projcomp.errors import OutputError
from projcomp.files.atomic import atomic_path

COLUMNS, ROWS = 12, 5
_MIN_SIDE, _GAP, _TITLE_HEIGHT = 96, 2, 20


def draw_preview(path: PathLike, out: PathLike) -> None:
    """Write the contact sheet of ``path``, an index, a shard, or pictures that were not rendered.

    Raises:
        FileFormatError: the index, a shard or the file is missing, damaged, or foreign.
    """
    if is_picture_set(path):
        save_sheet(_labelled_sheet(path), out)
        return
    shards = find_shards(path)
    images, counts = read_first(shards, ("images", "num_objects"), COLUMNS * ROWS)
    title = _title(shards.settings, shards.shape)
    sheet = contact_sheet(images, [str(int(count)) for count in counts], title)
    save_sheet(sheet, out)


def _labelled_sheet(path: PathLike) -> Image.Image:
    """Pictures that were not rendered, with their labels."""
    pictures, _ = read_picture_set(path)
    count, height, width, _ = pictures.images.shape
    shown = min(count, COLUMNS * ROWS)
    words = [
        " ".join(values[numbers[i]] for values, numbers in pictures.labels.values())
        for i in range(shown)
    ]
    title = f"{Path(path).stem}, {count:,} pictures of {width} x {height}"
    return contact_sheet(pictures.images[:shown], words, title)


def save_sheet(sheet: Image.Image, out: PathLike) -> None:
    """Save in the format of the suffix.

    Raises:
        OutputError: it is one that holds no picture of this size.
    """
    try:
        with atomic_path(out) as temporary:
            sheet.save(temporary)
    except (ValueError, OSError, struct.error) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise OutputError(
            f"{out}: a format that can hold {sheet.width} x {sheet.height} pixels expected, got "
            f"one that fails ({error}): name a .png"
        ) from None


def _title(settings: dict[str, Any], shape: tuple[int, ...]) -> str:
    count, height, width, _ = shape
    parts = [f"{count:,} images of {width} x {height}"]
    if {"dataset", "min_objects", "max_objects", "seed"} <= settings.keys():
        low, high = settings["min_objects"], settings["max_objects"]
        amount = f"{low}" if low == high else f"{low} to {high}"
        parts = [f"{settings['dataset']}", *parts, f"objects: {amount}", f"seed {settings['seed']}"]
    return ", ".join(parts)


def contact_sheet(
    images: NDArray[np.uint8], labels: Sequence[str], title: str, columns: int = COLUMNS
) -> Image.Image:
    """Images ``(N, H, W, 3)``, magnified where small, each with its label, under one title."""
    height, width = images.shape[1:3]
    factor = max(1, -(-_MIN_SIDE // max(width, height)))
    step_x, step_y = width * factor + _GAP, height * factor + _GAP
    columns = min(columns, len(images))
    rows = -(-len(images) // columns)
    told = ImageDraw.Draw(Image.new("RGB", (1, 1))).textlength(title)
    wide = max(columns * step_x + _GAP, math.ceil(told) + 2 * _GAP + 4)
    sheet = Image.new("RGB", (wide, rows * step_y + _GAP + _TITLE_HEIGHT), "white")
    draw = ImageDraw.Draw(sheet)
    draw.text((_GAP + 2, 4), title, fill="black")
    for i, (image, label) in enumerate(zip(images, labels, strict=True)):
        x, y = _GAP + i % columns * step_x, _TITLE_HEIGHT + _GAP + i // columns * step_y
        tile = Image.fromarray(image)
        big = tile.resize((width * factor, height * factor), Image.Resampling.NEAREST)
        sheet.paste(big, (x, y))
        draw.text((x + 3, y + 1), label, fill="white")
    return sheet
