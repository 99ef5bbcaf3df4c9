"""Pictures with what is known of each, from whatever anybody has them in: the one place that opens.

``projcomp predict``, the playground and the datasets of a config (``read_dataset.py``) ask here.
"""

import gzip
import os
import zlib
from pathlib import Path

from projcomp.data.arrays import Stored, open_h5, open_npz
from projcomp.data.cifar import is_tar, open_cifar
from projcomp.data.class_folders import open_class_folders
from projcomp.data.idx import is_idx, open_idx
from projcomp.errors import FileFormatError
from projcomp.files.contents import GZIP, HDF5, UNKNOWN, ZIP, what_is
from projcomp.files.inputs import check_input

ACCEPTED = (
    "an .npz or HDF5 file with images, an IDX file of images, cifar-10-python.tar.gz, or a folder "
    "of pictures in folders by class"
)
"""What pictures with labels may lie in, in words."""

_HEAD = 512


def open_collection(
    path: Path, accepted: str = ACCEPTED, missing: str = "check its name"
) -> Stored:
    """The pictures at ``path`` and the columns beside them; hardly anything is read yet.

    Args:
        path: a file, or a folder of folders of pictures.
        accepted: what may be there, for the message.
        missing: what to do where there is nothing.

    Raises:
        FileFormatError: it is missing, damaged, or nothing of the kind.
    """
    if os.path.isdir(path):  # which takes whatever text for a path
        return open_class_folders(path)
    check_input(path, accepted, missing)
    looks = what_is(path)
    if looks == ZIP:
        return open_npz(path)
    if looks == HDF5:
        return open_h5(path)
    head = _head(path, looks)
    if is_idx(head):
        return open_idx(path)
    if looks == GZIP and is_tar(head):
        return open_cifar(path)
    mend = "store it with its labels, by np.savez" if looks == "a numpy file" else "convert it"
    raise FileFormatError(f"{path}: {accepted} expected, got {looks}: {mend}")


def _head(path: Path, looks: str) -> bytes:
    """The first bytes of a file, decompressed where it is a gzip file."""
    if looks not in (GZIP, UNKNOWN):
        return b""
    try:
        with gzip.open(path) if looks == GZIP else path.open("rb") as file:
            return file.read(_HEAD)
    except (OSError, EOFError, zlib.error):  # damaged: nothing is known of it
        return b""
