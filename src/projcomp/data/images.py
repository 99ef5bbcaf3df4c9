"""The samples layout: the images of one case and what was asked for, in one HDF5 file."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
from numpy.typing import NDArray

import projcomp
from projcomp.data.hdf5 import (
    FORMAT,
    IMAGE_STORAGE,
    TABLE_STORAGE,
    PathLike,
    attributes,
    checking,
    dataset,
    open_checked,
    reading,
    text,
    write_hdf5,
    wrong,
)

if TYPE_CHECKING:
    from projcomp.settings.case import Case

SAMPLES_KIND = "projcomp samples"
ASKED = "asked"
"""The attribute with requested objects as JSON, where a case asks for attributes."""


@dataclass(frozen=True)
class SampleSet:
    """Images of one case.

    Attributes:
        images: uint8 (N, H, W, 3).
        locations: requested image points (k, 2), x right and y down, in [0, 1].
        colors: requested colours by name.
        attrs: everything else that was written with them.
        measured: what was measured while they were made, by name, each (N, ...).
    """

    images: NDArray[np.uint8]
    locations: NDArray[np.float64]
    colors: list[str]
    attrs: dict[str, Any]
    measured: dict[str, NDArray] = field(default_factory=dict)

    @property
    def asked(self) -> list[Any]:
        """Requested objects by any of their attributes, as :func:`asked_of` writes them."""
        return json.loads(self.attrs.get(ASKED, "[]"))


def write_samples(
    path: PathLike,
    images: NDArray[np.uint8],
    case: "Case",
    attrs: dict[str, Any],
    measured: Mapping[str, NDArray] | None = None,
) -> None:
    """Write images (N, H, W, 3) of ``case`` atomically.

    Args:
        path: the file.
        images: uint8.
        case: what was asked for.
        attrs: numbers, texts (JSON for anything deeper) or small arrays to keep with them.
        measured: what was measured while they were made, by name, each (N, ...); stored as float32
            where it is floating.
    """
    images = np.asarray(images)
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[-1] != 3:
        raise ValueError(f"uint8 (N, H, W, 3) expected, got {images.dtype} {images.shape}")
    with write_hdf5(path) as file:
        file.create_dataset("images", data=images, chunks=(1, *images.shape[1:]), **IMAGE_STORAGE)
        locations = np.asarray(case.locations, dtype=np.float64).reshape(-1, 2)
        file.create_dataset("locations", data=locations)
        file.create_dataset("colors", data=list(case.colors), dtype=h5py.string_dtype())
        if case.asked:
            attrs = {**attrs, ASKED: json.dumps(asked_of(case))}
        for name, values in (measured or {}).items():
            floating = np.issubdtype(values.dtype, np.floating)
            stored = values.astype(np.float32) if floating else values
            storage = TABLE_STORAGE if stored.size else {}
            file.create_dataset(f"measured/{name}", data=stored, **storage)
        file.attrs.update(
            {
                "kind": SAMPLES_KIND,
                "format": FORMAT,
                "case": case.name,
                "projcomp_version": projcomp.__version__,
                **attrs,
            }
        )


def asked_of(case: "Case") -> list[Any]:
    """Requested objects as they are written; equal lists mean equal requests."""
    return [wanted.model_dump(mode="json") for wanted in case.asked]


def read_samples(
    path: PathLike, case: str | None = None, experiment: str | None = None
) -> SampleSet:
    """Read what ``write_samples`` wrote.

    Args:
        path: the file.
        case: the case that it must be of, if given.
        experiment: the experiment that it must be of, if given; the truth is of none.

    Raises:
        FileFormatError: the file is missing, damaged, foreign, or another case's.
    """
    with open_samples(path) as file, reading(path, f"a {SAMPLES_KIND} file"):
        samples = SampleSet(
            dataset(file, "images")[:],
            dataset(file, "locations")[:].astype(np.float64),
            [name.decode() for name in dataset(file, "colors")[:]],
            attributes(file),
            {name: dataset(file, f"measured/{name}")[:] for name in _names(file.get("measured"))},
        )
    for name, wanted in {"case": case, "experiment": experiment}.items():
        held = samples.attrs.get(name)
        if wanted is not None and held is not None and held != wanted:
            raise wrong(path, f"samples of the {name} {wanted}", f"those of {held}")
    count = len(samples.images)
    for name, values in samples.measured.items():
        if values.ndim == 0 or len(values) != count or values.dtype.kind not in "biuf":
            got = f"{values.dtype} {values.shape} of {name}"
            raise wrong(path, f"numbers measured of each of {count} images", got)
        if values.dtype.kind == "f" and np.isnan(values).any():
            raise wrong(path, "numbers measured of each image", f"what is no number in {name}")
    return samples


def open_samples(path: PathLike) -> h5py.File:
    """Open a samples file for reading, its layout checked.

    Raises:
        FileFormatError: the file is missing, damaged, or foreign.
    """
    file = open_checked(path, SAMPLES_KIND, ("images", "locations", "colors"))
    with checking(file, path, f"a {SAMPLES_KIND} file"):
        problem = _problem(file)
        if problem:
            raise wrong(path, f"the layout of a {SAMPLES_KIND} file", problem)
    return file


def _problem(file: h5py.File) -> str | None:
    images, places, colors = (dataset(file, name) for name in ("images", "locations", "colors"))
    if images.ndim != 4 or images.dtype != np.uint8 or images.shape[3] != 3:
        return f"images of another type ({images.dtype} {images.shape})"
    if 0 in images.shape:
        return f"no images ({images.shape})"
    if places.ndim != 2 or places.shape[1] != 2 or places.dtype.kind != "f":
        return f"places of another type ({places.dtype} {places.shape})"
    if colors.ndim != 1 or h5py.check_string_dtype(colors.dtype) is None:
        return f"colours of another type ({colors.dtype} {colors.shape})"
    return None if text(file, "case") else "no case"


def _names(group: object) -> list[str]:
    return list(group) if isinstance(group, h5py.Group) else []
