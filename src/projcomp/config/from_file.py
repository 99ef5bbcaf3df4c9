"""An operator or a sampler of the user's own, from a file outside the project."""

from typing import Annotated

from pydantic import AfterValidator, Field, JsonValue
from pydantic_core import PydanticCustomError

from projcomp.config.paths import normal_path
from projcomp.config.section import Named, Text


def _plain(path: str) -> str:
    if "{" in path or "}" in path:  # Snakemake reads its own patterns there
        raise PydanticCustomError("braces", "a path without braces")
    return path


UsersFile = Annotated[Text, AfterValidator(normal_path), AfterValidator(_plain)]
"""The path of a user's file, as a rule of Snakemake takes it for an input."""


class FromFile(Named):
    """A function of a Python file, and what it is called with."""

    file: UsersFile = Field(description="Python file with the function; paths count from here")
    settings: dict[str, JsonValue] = Field(
        default={}, description="what the function is called with, by the names of its arguments"
    )

    @property
    def files(self) -> list[str]:
        """The one file."""
        return [self.file]

    @property
    def label(self) -> str:
        """Whose it is."""
        return f"{self.name} ({self.file})"
