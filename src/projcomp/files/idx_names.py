"""Names of files in the IDX format, by MNIST's habit: images, and their labels beside them."""

import os
from pathlib import PurePath


def is_idx_images(path: str | os.PathLike[str]) -> bool:
    """Whether the name is that of a file of images, such as ``train-images-idx3-ubyte.gz``."""
    return "images" in PurePath(path).name and "idx3" in PurePath(path).name


def labels_beside(path: str | os.PathLike[str]) -> str:
    """The file of labels that belongs to a file of images: ``train-labels-idx1-ubyte.gz``."""
    place = PurePath(path)
    return str(place.with_name(place.name.replace("images", "labels").replace("idx3", "idx1")))
