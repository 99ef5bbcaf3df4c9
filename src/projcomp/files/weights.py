"""Weights as they lie in safetensors files: read and held against what there should be.

Without torch: what only looks at such a file, or computes in numpy, starts without it.
"""

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from projcomp.errors import FileFormatError, is_out_of_memory
from projcomp.files.inputs import check_input
from projcomp.words import first_line

SUM = "sha256"
"""Name of the check sum in a file's header."""

_LONGEST_HEADER = 2**27

Weights = TypeVar("Weights")


class UnfitWeights(ValueError):
    """Tensors are not those of the network; the message says what they are instead."""


def read_weights(
    path: str | os.PathLike[str],
    read: Callable[[str | os.PathLike[str]], Weights],
    expected: str,
    mend: str,
) -> Weights:
    """What ``read`` makes of the safetensors file ``path``.

    Args:
        path: the file.
        read: takes the tensors that it expects, and raises UnfitWeights over others.
        expected: what the file should hold, for messages, as in "the weights of model.json".
        mend: what to do otherwise.

    Raises:
        FileFormatError: the file is missing or damaged, or does not fit.
    """
    check_input(path, expected, mend, "no such file")
    try:
        weights = read(path)
        problem = _damage(path)
    except UnfitWeights as unfit:
        weights, problem = None, str(unfit)
    except Exception as error:  # damaged bytes make the reader fail in many ways
        if is_out_of_memory(error):
            raise
        weights, problem = None, f"a file that cannot be read ({first_line(error)})"
    if weights is None or problem:
        raise FileFormatError(f"{path}: expected {expected}, got {problem}; {mend}")
    return weights


def read_metadata(path: str | os.PathLike[str]) -> dict[str, str] | None:
    """What else is kept in the header of a safetensors file; None where the header is damaged.

    Not by safetensors' own reader, which opens no file that has been cut short.

    Raises:
        OSError: it cannot be read.
    """
    with Path(path).open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        header = file.read(min(length, _LONGEST_HEADER))
    try:
        return dict(json.loads(header).get("__metadata__", {}))
    except (ValueError, AttributeError, TypeError, RecursionError):
        return None


def sum_of(content: bytes) -> str:
    """The check sum of all that follows the header of a safetensors file."""
    start = 8 + int.from_bytes(content[:8], "little")
    return hashlib.sha256(memoryview(content)[start:]).hexdigest()


def _damage(path: str | os.PathLike[str]) -> str:
    """Whether the tensors of a file are those that were written; files of old have no sum."""
    told = (read_metadata(path) or {}).get(SUM)
    if told is None or told == sum_of(Path(path).read_bytes()):
        return ""
    return "damaged tensors"
