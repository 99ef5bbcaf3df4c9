"""Tensors in safetensors files, written as every other file is, and weights read into a network."""

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path

from safetensors import safe_open
from safetensors.torch import load_file, save
from torch import Tensor, nn

from projcomp.errors import FileFormatError, is_out_of_memory
from projcomp.files.atomic import atomic_path
from projcomp.files.inputs import check_input
from projcomp.words import first_line

SUM = "sha256"
"""Name of the check sum in a file's header."""

_LONGEST_HEADER = 2**27


def write_tensors(
    path: str | os.PathLike[str],
    tensors: Mapping[str, Tensor],
    metadata: dict[str, str] | None = None,
    *,
    summed: bool = False,
) -> None:
    """Write ``tensors`` by name, atomically.

    Not by safetensors' own ``save_file``: it makes a temporary file of its own, which others may
    not read, which a killed process leaves behind, and whose errors say nothing of a full disk.

    Args:
        path: the file.
        tensors: by name.
        metadata: what else to keep in the file's header.
        summed: whether to keep a check sum of the tensors there, by which ``load_weights`` sees
            damage: a flipped bit of a weight is a weight like any other.

    Raises:
        DiskError: there is no room for the file.
    """
    stored = {name: tensor.contiguous() for name, tensor in tensors.items()}
    if summed:
        metadata = {**(metadata or {}), SUM: _sum_of(save(stored))}
    content = save(stored, metadata)
    with atomic_path(path) as temporary:
        temporary.write_bytes(content)


def load_weights(
    path: str | os.PathLike[str], network: nn.Module, expected: str, mend: str
) -> None:
    """Put the weights of ``path`` into ``network``.

    Args:
        path: the safetensors file.
        network: a network with the same parameters.
        expected: what the file should hold, for messages, as in "the weights of model.json".
        mend: what to do otherwise.

    Raises:
        FileFormatError: the file is missing or damaged, holds tensors of other names, shapes or
            types, or what is no number.
    """
    check_input(path, expected, mend, "no such file")
    try:
        tensors = load_file(path)
        problem = _difference(tensors, network.state_dict()) or _damage(path)
    except Exception as error:  # damaged bytes make the reader fail in many ways
        if is_out_of_memory(error):
            raise
        problem = f"a file that cannot be read ({first_line(error)})"
    if problem:
        raise FileFormatError(f"{path}: expected {expected}, got {problem}; {mend}")
    network.load_state_dict(tensors)


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


def _damage(path: str | os.PathLike[str]) -> str:
    """Whether the tensors of a file are those that were written; files of old have no sum."""
    with safe_open(path, "pt") as file:
        told = (file.metadata() or {}).get(SUM)
    if told is None or told == _sum_of(Path(path).read_bytes()):
        return ""
    return "damaged tensors"


def _sum_of(content: bytes) -> str:
    """The check sum of all that follows the header of a safetensors file."""
    start = 8 + int.from_bytes(content[:8], "little")
    return hashlib.sha256(memoryview(content)[start:]).hexdigest()


def _difference(found: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> str:
    """How tensors differ from those that there should be; empty where they do not."""
    for name, tensor in wanted.items():
        if name not in found:
            return f"no tensor {name}"
        if found[name].shape != tensor.shape:
            return f"{name} of shape {tuple(found[name].shape)}, not {tuple(tensor.shape)}"
        if found[name].is_floating_point() != tensor.is_floating_point():
            return f"{name} of type {found[name].dtype}, not {tensor.dtype}"
        if not found[name].isfinite().all():
            return f"{name} with what is no number"
    odd = sorted(set(found) - set(wanted))
    return f"a tensor {odd[0]} too many" if odd else ""
