"""The coloured squares of the exact experiments as pictures to predict from, and arrays of them."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from projcomp.theory import squares


def square_pictures() -> dict[str, NDArray[np.uint8]]:
    """Pictures of every colour, uint8 ``(4, 8, 8, 3)``, and the black one twice as ``none``."""
    found = {}
    for name in (None, *squares.COLORS):
        points = squares.pictures(name).points.permute(0, 2, 3, 1) * 255
        found[name or "none"] = points.round().numpy().astype(np.uint8)
    found["none"] = found["none"].repeat(2, 0)
    return found


def labelled_squares() -> dict[str, NDArray]:
    """The same as ``images`` and a column ``color``."""
    pictures = square_pictures()
    return {
        "images": np.concatenate(list(pictures.values())),
        "color": np.repeat(list(pictures), [len(some) for some in pictures.values()]),
    }


def write_squares(folder: Path) -> Path:
    """``squares.npz`` in ``folder``."""
    np.savez(folder / "squares.npz", **labelled_squares())
    return folder / "squares.npz"
