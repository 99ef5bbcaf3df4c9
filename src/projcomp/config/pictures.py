"""Datasets of pictures that were not rendered: they lie in a file or a folder of the user's."""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from projcomp.config.conditions import LABEL_VALUE
from projcomp.config.from_file import UsersFile
from projcomp.config.section import Name, Section, Text, Whole
from projcomp.files.idx_names import is_idx_images, labels_beside

VALUE_LETTERS = "letters a to z or A to Z, digits, _ and -"
"""What values of a label are of, in words: they stand in the names of cases, which are files."""


def _held(value: str) -> str:
    if not re.fullmatch(LABEL_VALUE, value):
        raise PydanticCustomError("label_value", f"a name of {VALUE_LETTERS}")
    return value


LabelValue = Annotated[Name, AfterValidator(_held)]
"""One value of a label."""

LabelValues = Annotated[list[LabelValue], Field(min_length=2, max_length=1000)]
"""All values of a label, in the order of their numbers."""


class FileDatasetConfig(Section):
    """One dataset of pictures that were not rendered, from a file or a folder.

    Nothing is known of scenes in them, and nothing is counted.
    """

    file: UsersFile = Field(
        description="an .npz or HDF5 file with `images`, an IDX file of images, "
        "cifar-10-python.tar.gz, or a folder of pictures in folders by class; paths count from here"
    )
    labels: dict[Text, Text] = Field(
        {},
        description="what each picture can be requested by: a label's name under `labels`, or "
        "position, and the column of the file that has it",
    )
    only: dict[Text, Annotated[list[LabelValue], Field(min_length=1)]] = Field(
        {}, description="values by label: pictures with other values are left out"
    )
    part: tuple[Whole, Whole] | None = Field(
        None,
        description="[k, n]: the k-th of n random parts of the pictures, of equal size; those of "
        "one file and one `only` have no picture in common",
    )
    fit: Literal["pad", "resize"] | None = Field(
        None,
        description="how pictures of another size become `resolution` pixels wide and high: pad "
        "repeats their border, resize takes means of their pixels; nothing refuses them",
    )
    get: Text | None = Field(
        None, description="how to get the file, for the message where it is not there"
    )

    @property
    def files(self) -> list[str]:
        """The file, and the file of labels that belongs to one of images in the IDX format."""
        beside = bool(self.labels) and is_idx_images(self.file)
        return [self.file, *([labels_beside(self.file)] if beside else [])]
