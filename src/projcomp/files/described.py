"""A folder of a training: weights, and a JSON file that says what network has them."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from projcomp.errors import FileFormatError, is_out_of_memory
from projcomp.files.inputs import check_input
from projcomp.folder import WEIGHTS
from projcomp.words import first_line

Network = TypeVar("Network")


@dataclass(frozen=True)
class Trained:
    """One kind of such folders, and what messages call it.

    Attributes:
        file: name of the JSON file.
        name: the whole, as in "a trained model".
        first: how to come by one, as in "run its training first".
        description: what the JSON file is, as in "a model description".
        weights: what the weights are, as in "the weights of model.json".
        again: how to come by another one, as in "train the model again".
    """

    file: str
    name: str
    first: str
    description: str
    weights: str
    again: str


def read_description(folder: Path, trained: Trained, build: Callable[[Any], Network]) -> Network:
    """The network that the JSON file in ``folder`` describes, whose weights lie beside it.

    Args:
        folder: of a training that is done.
        trained: the kind of it.
        build: makes the network of what the file holds; raises whatever it likes over what it
            cannot be made of.

    Raises:
        FileFormatError: a file is missing or may not be read, or no network comes of it.
    """
    described = folder / trained.file
    for path in (described, folder / WEIGHTS):
        check_input(path, trained.name, trained.first, "no such file")
    try:
        return build(json.loads(described.read_text(encoding="utf-8")))
    except Exception as error:  # whatever a network cannot be built from
        if is_out_of_memory(error):
            raise
        raise FileFormatError(
            f"{described}: expected {trained.description}, got one that fails "
            f"({first_line(error)}); {trained.again}"
        ) from None
