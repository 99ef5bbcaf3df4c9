"""Anybody's ``.npz`` files; nothing is ever unpickled."""

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from projcomp.errors import FileFormatError, is_out_of_memory
from projcomp.words import first_line


def names_in(path: Path) -> list[str]:
    """The names of the arrays in ``path``.

    Raises:
        FileFormatError: it is damaged, or no such file.
    """
    return _numpy(path, lambda: list(np.load(path, allow_pickle=False).files))


def read_array(path: Path, name: str) -> NDArray[Any]:
    """One of its arrays.

    Raises:
        FileFormatError: it is damaged, holds Python objects, or is no array.
    """
    found = _numpy(path, lambda: np.load(path, allow_pickle=False)[name], f" {name}")
    if not isinstance(found, np.ndarray):  # numpy gives the bytes of what is in no format of its
        raise FileFormatError(
            f"{path}: an array of numpy's expected in {name}, got bytes of something else: write "
            "the file with numpy.savez"
        )
    return found


def _numpy(path: Path, read: Callable[[], Any], what: str = "") -> Any:
    try:
        return read()
    except Exception as error:  # damaged bytes make numpy and zlib fail in every possible way
        if is_out_of_memory(error):
            raise
        if isinstance(error, ValueError) and "allow_pickle" in str(error):
            raise FileFormatError(
                f"{path}:{what} of numbers or texts expected, got Python objects, which are never "
                "unpickled: store it with a numpy type (astype)"
            ) from None
        told = "a damaged zip file" if isinstance(error, zipfile.BadZipFile) else "damaged data"
        raise FileFormatError(
            f"{path}: a whole .npz file expected, got {told} ({first_line(error)}): take a whole "
            "copy of it, or make it again"
        ) from None
