"""Tensors in safetensors files, written as every other file is."""

import os
from collections.abc import Mapping

from safetensors.torch import save
from torch import Tensor

from projcomp.files import atomic_path


def write_tensors(
    path: str | os.PathLike[str],
    tensors: Mapping[str, Tensor],
    metadata: dict[str, str] | None = None,
) -> None:
    """Write ``tensors`` by name, atomically.

    Not by safetensors' own ``save_file``: it makes a temporary file of its own, which others may
    not read, which a killed process leaves behind, and whose errors say nothing of a full disk.

    Raises:
        DiskError: there is no room for the file.
    """
    content = save({name: tensor.contiguous() for name, tensor in tensors.items()}, metadata)
    with atomic_path(path) as temporary:
        temporary.write_bytes(content)
