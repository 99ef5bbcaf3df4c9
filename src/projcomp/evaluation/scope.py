"""What images a detector is made for, as its training images say, and which others do not fit."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from projcomp.evaluation.forward import TRAINED
from projcomp.evaluation.grid import ATTRIBUTES
from projcomp.evaluation.labelled import LabelledImages
from projcomp.files.described import read_description

SLACK = 8.0
"""How far an image's mean colour may lie outside what was learned, of 255."""


@dataclass(frozen=True)
class Scope:
    """What ``detector.json`` says of a detector beside its network.

    Attributes:
        threshold: least height of a peak that counts as an object.
        images: number of images that it learned from.
        objects: least and greatest number of objects in one of them.
        attributes: by the names in ``grid.ATTRIBUTES``, what some object in them was.
        mean_color: ``(2, 3)`` least and greatest mean red, green and blue of one of them, of 255.
    """

    threshold: float
    images: int
    objects: tuple[int, int]
    attributes: Mapping[str, list[str]]
    mean_color: NDArray[np.float64]

    def outside(self, images: NDArray[np.uint8]) -> NDArray[np.bool_]:
        """Which images ``(N, H, W, 3)`` have mean colours that no training image had."""
        (low, high), means = self.mean_color, mean_colors(images)
        return ((means < low - SLACK) | (means > high + SLACK)).any(1)

    def __str__(self) -> str:
        """The training images in words, as in "4,000 renders of 0 to 10 objects (...)"."""
        kinds = [
            f"all {name}s"
            if len(self.attributes[name]) == len(known)
            else f"{name} {', '.join(self.attributes[name]) or 'unknown'}"
            for name, known in ATTRIBUTES.items()
        ]
        low, high = self.objects
        return f"{self.images:,} renders of {low} to {high} objects ({'; '.join(kinds)})"


def learned_from(images: LabelledImages) -> dict[str, Any]:
    """What ``detector.json`` is to say of the training images: the fields of :class:`Scope`."""
    number = images.num_objects
    used = np.arange(images.pixel.shape[1]) < number[:, None]
    means = mean_colors(images.images)
    return {
        "images": len(images),
        "objects": [int(number.min()), int(number.max())],
        "attributes": {
            name: [names[index] for index in np.unique(images.attributes[used][:, column])]
            for column, (name, names) in enumerate(ATTRIBUTES.items())
        },
        "mean_color": np.round([means.min(0), means.max(0)], 1).tolist(),
    }


def mean_colors(images: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Mean colours ``(N, 3)`` of images ``(N, H, W, 3)``, of 255."""
    return images.mean((1, 2))


def read_scope(folder: Path) -> Scope:
    """What the detector in ``folder`` is made for.

    Raises:
        FileFormatError: a file is missing, damaged, or of another format.
    """
    return read_description(Path(folder), TRAINED, _described)


def _described(description: Any) -> Scope:
    settings, learned = description["settings"]["detector"], description["learned_from"]
    low, high = map(int, learned["objects"])
    threshold = float(settings["threshold"])
    if not 0 < threshold < 1:
        raise ValueError(f"threshold: a height between 0 and 1 expected, got {threshold}")
    return Scope(
        threshold=threshold,
        images=int(learned["images"]),
        objects=(low, high),
        attributes={name: [str(one) for one in learned["attributes"][name]] for name in ATTRIBUTES},
        mean_color=np.asarray(learned["mean_color"], dtype=float).reshape(2, 3),
    )
