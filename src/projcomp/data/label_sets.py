"""Files of label sets in Composable Diffusion's layout, and those that are shipped.

The evaluation of Liu et al. (2022) reads ``coords_labels`` of an ``.npz`` file: floats
``(N, k, 2)``, the k places that image i was asked for, or ``(N, 2)`` for one place. What else a
file holds (``ims``, in their training set) is not read. Their coordinates are shares of the image
side, x to the right and y **up**; so the code of Yu and Gao (2025, CompLift) reads them, who
evaluate with the original's files. Everywhere else in this project y goes down.
"""

from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from projcomp.data.unit import MEND_POINTS, is_unit, span
from projcomp.errors import ConfigError, FileFormatError
from projcomp.files.atomic import atomic_path
from projcomp.files.contents import ZIP, what_is
from projcomp.files.inputs import check_input
from projcomp.files.npz import names_in, read_array
from projcomp.scenes.label_sets import SETS, Objects

KEY = "coords_labels"
SHIPPED = "label_sets.npz"
"""The shipped file, beside this module: places by ``any_3`` and the like, y down, as float16."""

_MAKE = "`projcomp labels` writes such a file"


def read_label_sets(path: Path, *, y_down: bool = False) -> NDArray[np.float64]:
    """The places ``(N, k, 2)`` of a file, x right and y down.

    Args:
        path: an ``.npz`` file.
        y_down: whether its y already goes down.

    Raises:
        FileFormatError: it is missing or damaged, has no labels, or some that are no places.
    """
    check_input(path, "label sets (.npz)", _MAKE)
    looks = what_is(path)
    if looks != ZIP:
        raise FileFormatError(f"{path}: label sets (.npz) expected, got {looks}: {_MAKE}")
    names = names_in(path)
    if KEY not in names:
        told = ", ".join(names[:12]) or "nothing"
        raise FileFormatError(f"{path}: an array {KEY} expected, got {told}: {_MAKE}")
    labels = read_array(path, KEY)
    if labels.dtype.kind not in "fiu":
        raise _wrong(path, "numbers", f"{labels.dtype}", "convert them")
    places = labels[:, None] if labels.ndim == 2 else labels
    if places.ndim != 3 or places.shape[2] != 2 or 0 in places.shape:
        raise _wrong(path, "the shape (N, k, 2) or (N, 2)", f"{labels.shape}", "reshape them")
    places = places.astype(float)
    if np.isnan(places).any():
        mend = "leave rows of fewer places out, into a file of their own"
        raise _wrong(path, "a place everywhere", "some that are no numbers (NaN)", mend)
    if not is_unit(places):
        raise _wrong(path, "shares of the image side in [0, 1]", span(places), MEND_POINTS)
    return places if y_down else _turned(places)


def write_label_sets(path: Path, places: NDArray[np.floating]) -> None:
    """Write places ``(N, k, 2)``, x right and y down, in the original's layout."""
    labels = _turned(places.astype(np.float64)).astype(np.float32)
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, **{KEY: labels})


def shipped_label_sets(objects: Objects, num_composed: int) -> NDArray[np.float16]:
    """The sets that are shipped ``(N, k, 2)``, x right and y down (``scenes/label_sets.py``).

    Raises:
        ConfigError: there are none of so many places.
    """
    numbers = SETS[objects]
    if num_composed not in numbers:
        raise ConfigError(
            f"label sets: expected {min(numbers)} to {max(numbers)} places, which are shipped, "
            f"got {num_composed}"
        )
    with files("projcomp.data").joinpath(SHIPPED).open("rb") as file:
        return np.load(file, allow_pickle=False)[_name(objects, num_composed)]


def write_shipped(path: Path, drawn: Mapping[tuple[Objects, int], NDArray[np.float16]]) -> None:
    """Write the file that is shipped: sets ``(N, k, 2)``, by what they are drawn for and k."""
    arrays = {_name(*key): places for key, places in drawn.items()}
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, **arrays)


def _turned(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Points ``(..., 2)`` with y measured from the other side."""
    return np.stack([points[..., 0], 1 - points[..., 1]], axis=-1)


def _name(objects: Objects, num_composed: int) -> str:
    return f"{objects}_{num_composed}"


def _wrong(path: Path, expected: str, got: str, mend: str) -> FileFormatError:
    return FileFormatError(f"{path}: {expected} expected in {KEY}, got {got}: {mend}")
