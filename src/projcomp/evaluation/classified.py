"""Files of what the classifier says of pictures: probabilities, features, and true classes."""

import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from projcomp.errors import FileFormatError
from projcomp.files.atomic import atomic_path
from projcomp.files.inputs import check_input
from projcomp.files.npz import names_in, read_array

_EXPECTED = "what the classifier says of pictures (.npz)"
_ARRAYS = ("probabilities", "features", "values", "classes")
_PUBLISHED = "published"


@dataclass(frozen=True)
class Classified:
    """What is said of N pictures.

    Attributes:
        values: the classes in the order of their numbers.
        probabilities: of each class, ``(N, C)``.
        features: the pictures' own, ``(N, F)``.
        classes: the true number of each one's class, ``(N,)``; empty where nobody knows.
        published: features of a published network, ``(N, G)``, where they are asked for.
    """

    values: list[str]
    probabilities: NDArray[Any]
    features: NDArray[Any]
    classes: NDArray[np.int64]
    published: NDArray[Any] | None = None

    @property
    def told(self) -> NDArray[np.int64]:
        """The likeliest class of each picture, by its number, ``(N,)``."""
        return self.probabilities.argmax(1)


def write_classified(path: Path, found: Classified) -> None:
    """Write it atomically."""
    more = {} if found.published is None else {_PUBLISHED: found.published.astype(np.float32)}
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(
            file,
            probabilities=found.probabilities.astype(np.float32),
            features=found.features.astype(np.float32),
            values=np.array(found.values),
            classes=found.classes.astype(np.int64),
            **more,
        )


def read_classified(path: Path) -> Classified:
    """What :func:`write_classified` wrote.

    Raises:
        FileFormatError: it is missing, damaged or another file.
    """
    check_input(path, _EXPECTED, "run classify")
    held = names_in(path) if zipfile.is_zipfile(path) else []
    if not set(_ARRAYS) <= set(held):
        raise FileFormatError(f"{path}: {_EXPECTED} expected, got another file: run classify again")
    arrays = {name: read_array(path, name) for name in (*_ARRAYS, _PUBLISHED) if name in held}
    count = len(arrays["probabilities"])
    fits = arrays["probabilities"].shape == (count, len(arrays["values"]))
    lengths = {len(arrays[name]) for name in ("features", _PUBLISHED) if name in arrays}
    if not fits or lengths != {count} or len(arrays["classes"]) not in (0, count):
        raise FileFormatError(
            f"{path}: {_EXPECTED} expected, got arrays of different lengths: run classify again"
        )
    return Classified(**{**arrays, "values": arrays["values"].tolist()})
