"""Files of how well pictures show prompts, by a judge."""

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

_EXPECTED = "scores of pictures (.npz)"
_ARRAYS = ("scores", "prompts")


@dataclass(frozen=True)
class Scored:
    """Scores of N pictures, the greater the better.

    Attributes:
        prompts: P texts.
        scores: of every picture and prompt, ``(N, P)``.
    """

    prompts: list[str]
    scores: NDArray[Any]


def write_scored(path: Path, found: Scored) -> None:
    """Write it atomically."""
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        scores = found.scores.astype(np.float32)
        np.savez_compressed(file, scores=scores, prompts=np.array(found.prompts))


def read_scored(path: Path, num_images: int) -> Scored:
    """What :func:`write_scored` wrote of that many pictures.

    Raises:
        FileFormatError: it is missing, damaged, another file, or of other pictures.
    """
    check_input(path, _EXPECTED, "run score")
    if not zipfile.is_zipfile(path) or not set(_ARRAYS) <= set(names_in(path)):
        raise FileFormatError(f"{path}: {_EXPECTED} expected, got another file: run score again")
    scores, prompts = (read_array(path, name) for name in _ARRAYS)
    if scores.shape != (num_images, len(prompts)):
        raise FileFormatError(
            f"{path}: {_EXPECTED} expected, of {num_images} pictures, got {scores.shape}: run "
            "score again"
        )
    return Scored(prompts.tolist(), scores)
