"""Tensors in safetensors files, written as every other file is, and weights read into a network."""

import os
from collections.abc import Mapping

from safetensors.torch import load_file, save
from torch import Tensor, nn

from projcomp.files.atomic import atomic_path
from projcomp.files.weights import SUM, UnfitWeights, read_weights, sum_of


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
        metadata = {**(metadata or {}), SUM: sum_of(save(stored))}
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
    wanted = network.state_dict()

    def read(path: str | os.PathLike[str]) -> dict[str, Tensor]:
        tensors = load_file(path)
        _check(tensors, wanted)
        return tensors

    network.load_state_dict(read_weights(path, read, expected, mend))


def _check(found: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> None:
    """Refuse tensors that are not those that there should be."""
    for name, tensor in wanted.items():
        if name not in found:
            raise UnfitWeights(f"no tensor {name}")
        if found[name].shape != tensor.shape:
            shape = tuple(found[name].shape)
            raise UnfitWeights(f"{name} of shape {shape}, not {tuple(tensor.shape)}")
        if found[name].is_floating_point() != tensor.is_floating_point():
            raise UnfitWeights(f"{name} of type {found[name].dtype}, not {tensor.dtype}")
        if not found[name].isfinite().all():
            raise UnfitWeights(f"{name} with what is no number")
    odd = sorted(set(found) - set(wanted))
    if odd:
        raise UnfitWeights(f"a tensor {odd[0]} too many")
