"""Running a detector over images, trained in torch or read from disk."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from projcomp.errors import FileFormatError
from projcomp.evaluation.heatmaps import Detections, find_peaks


class Detecting(Protocol):
    """A detector: torch's own (``detector.py``) or the saved one without torch (``forward.py``)."""

    resolution: int
    most_doubt: float

    def outputs(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Raw outputs ``(N, OUTPUTS, grid, grid)`` of ``images``, uint8 ``(N, H, W, 3)``."""
        ...


class Describing(Protocol):
    """What describes whole images by numbers: the saved detector without torch (``forward.py``)."""

    resolution: int

    def features(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Features ``(N, F)`` of ``images``, uint8 ``(N, H, W, 3)``."""
        ...


def detect(detector: Detecting, images: np.ndarray, threshold: float) -> list[Detections]:
    """The objects in each of ``images`` (uint8 ``(N, H, W, 3)``), computed in float32.

    Raises:
        FileFormatError: the images are not of the detector's resolution.
    """
    _check(images, detector.resolution)
    return find_peaks(detector.outputs(images), threshold, detector.most_doubt)


def features(detector: Describing, images: np.ndarray) -> NDArray[np.float32]:
    """Features ``(N, F)`` of ``images`` (uint8 ``(N, H, W, 3)``).

    Raises:
        FileFormatError: the images are not of the detector's resolution.
    """
    _check(images, detector.resolution)
    return detector.features(images)


def _check(images: np.ndarray, side: int) -> None:
    if images.ndim != 4 or images.shape[1:] != (side, side, 3) or images.dtype != np.uint8:
        raise FileFormatError(
            f"images: expected uint8 (N, {side}, {side}, 3) as the detector was trained on, got "
            f"{images.dtype} {images.shape}; train a detector at this resolution"
        )
