"""A folder of folders of pictures, one a class."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from projcomp.data.arrays import IMAGES, Stored
from projcomp.data.idx import LABEL
from projcomp.data.pictures import Pictures, natural_order, open_pictures
from projcomp.errors import FileFormatError

EXPECTED = "a folder of pictures in folders by class"


def open_class_folders(path: Path) -> Stored:
    """The pictures of all classes, in natural order, and the name of each one's folder.

    Raises:
        FileFormatError: there is none, or anything but folders of pictures of one size.
    """
    opened = _opened(path)

    def read(name: str) -> NDArray[Any]:
        if name == IMAGES:
            return np.concatenate([decoded(pictures) for pictures in opened.values()])
        return np.concatenate([np.full(len(some), label) for label, some in opened.items()])

    return Stored(path, [LABEL], read)


def decoded(pictures: Pictures) -> NDArray[np.uint8]:
    """All of them, uint8 ``(N, H, W, 3)``."""
    return np.concatenate([images for _, images in pictures.batches()])


def _entries(path: Path) -> list[Path]:
    try:
        return list(path.iterdir())
    except OSError as error:
        raise FileFormatError(
            f"{path}: {EXPECTED} expected, got one that cannot be read ({error.strerror}): ask its "
            "owner for permission"
        ) from None


def _opened(path: Path) -> Mapping[str, Pictures]:
    folders = sorted(
        (entry for entry in _entries(path) if entry.name[0] != "."),
        key=lambda entry: natural_order(entry.name),
    )
    for entry in folders:
        if not entry.is_dir():
            raise FileFormatError(
                f"{path}: a folder of folders of pictures, one a class, expected, got the file "
                f"{entry.name} in it: move it away"
            )
    if not folders:
        raise FileFormatError(f"{path}: {EXPECTED} expected, got an empty folder: name another")
    opened = {folder.name: open_pictures([folder]) for folder in folders}
    first = opened[folders[0].name]
    for name, pictures in opened.items():
        if pictures.size != first.size:
            raise FileFormatError(
                f"{path / name}: {first.size[1]} x {first.size[0]} pixels expected, as in "
                f"{folders[0]}, got {pictures.size[1]} x {pictures.size[0]}: give images of one "
                "size"
            )
    return opened
