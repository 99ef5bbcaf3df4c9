"""One rendered image and where its objects are in it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Picture:
    """One rendered image.

    Attributes:
        image: uint8 (height, width, 3), sRGB.
        mask: uint8 (height, width): which object covers most of the pixel, from 1 in the scene's
            order; 0 where it is the ground.
    """

    image: NDArray[np.uint8]
    mask: NDArray[np.uint8]


def mask_boxes(
    mask: NDArray[np.uint8], count: int
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """What each of ``count`` objects covers of a mask (height, width).

    Returns:
        Its pixels (count,), and its box (count, 4): left, top, right, bottom as shares of the
        image's sides, zero where no pixel shows it.
    """
    height, width = mask.shape
    pixels = np.bincount(mask.ravel(), minlength=count + 1)[1 : count + 1].astype(np.int32)
    boxes = np.zeros((count, 4), dtype=np.float32)
    for number in np.flatnonzero(pixels):
        covered = mask == number + 1
        rows, columns = np.flatnonzero(covered.any(1)), np.flatnonzero(covered.any(0))
        boxes[number] = (
            columns[0] / width,
            rows[0] / height,
            (columns[-1] + 1) / width,
            (rows[-1] + 1) / height,
        )
    return pixels, boxes
