"""One file with images in it, whatever it is: how many, how large, and some of them decoded."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from projcomp.words import in_utf8

ACCEPTED = (
    "8-bit RGB or gray pictures (PNG, JPEG, WebP, BMP), or an .npz or HDF5 file whose images are "
    "uint8 (N, H, W, 3), or gray (N, H, W), in an .npz also floats in [0, 1]"
)
"""What images may lie in, in words."""


@dataclass(frozen=True)
class ImageSource(ABC):
    """Images of one size in one file.

    Attributes:
        path: the file.
        size: height and width of the images, pixels.
        count: their number.
    """

    path: Path
    size: tuple[int, int]
    count: int

    @abstractmethod
    def read(self, rows: slice) -> NDArray[np.uint8]:
        """Some of the images, uint8 (n, H, W, 3).

        Raises:
            FileFormatError: the file went away, or its data are damaged.
        """

    def name(self, number: int) -> str:
        """What to call the image of that number, in characters that a table can hold."""
        return f"{in_utf8(str(self.path))}[{number}]"
