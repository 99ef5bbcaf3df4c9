"""What all sections of the config have in common."""

import re
from collections.abc import Callable
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

MOST_THREADS = 1024
"""Threads that one process may be given."""

SINGLE_PRECISION = (1.2e-38, 3.4e38)
"""Least and greatest size of a number that is not 0: what fp32 holds with all its digits."""


def _no_truth(value: Any) -> Any:
    """``true`` is 1 to Python, and to pydantic; whoever writes it for a number means neither."""
    if isinstance(value, bool):
        raise PydanticCustomError("float_type", "a number")
    return value


def _held(value: float) -> float:
    low, high = SINGLE_PRECISION
    if value and not low <= abs(value) <= high:
        raise PydanticCustomError("single_precision", "out of single precision's range")
    return value


def _one_line(value: str) -> str:
    if re.search(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]", value):
        raise PydanticCustomError("one_line", "a line without control characters")
    return value


Whole = Annotated[int, BeforeValidator(_no_truth)]
"""A whole number; text that reads as one will do, as Snakemake's ``--config`` hands it over."""

Number = Annotated[float, BeforeValidator(_no_truth), AfterValidator(_held)]
"""A finite number that single precision holds."""

Text = Annotated[str, AfterValidator(_one_line)]
"""One line of text."""

Color = Literal["gray", "red", "blue", "green", "brown", "purple", "cyan", "yellow"]


def _digits(value: Any) -> Any:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


Name = Annotated[Text, BeforeValidator(_digits, json_schema_input_type=str | int)]
"""Text that a whole number may stand for, as its digits: a label's value, the number of a class."""

Unit = Annotated[Number, Field(ge=0.0, le=1.0)]


class Section(BaseModel):
    """Common rules of every section: unknown keys are errors, values never change after loading."""

    model_config = ConfigDict(
        defer_build=True, extra="forbid", frozen=True, validate_default=True, allow_inf_nan=False
    )


class Named(Section):
    """A section told apart by its ``name``, such as an operator or a sampler."""

    name: str

    @classmethod
    def default_name(cls) -> str:
        """The name by which a config chooses it."""
        return cls.model_fields["name"].default

    @property
    def files(self) -> list[str]:
        """Files of the user's that it is made of."""
        return []

    @property
    def label(self) -> str:
        """What it is called where people read."""
        return self.name


SectionT = TypeVar("SectionT", bound=Section)


def defaults(section: type[SectionT]) -> Callable[[], SectionT]:
    """Makes a section with all its defaults (pyright does not see that every field has one)."""
    return lambda: section.model_validate({})


def merged(common: SectionT, own: SectionT | None) -> SectionT:
    """``common`` with what ``own`` sets (and not its defaults) over it."""
    changes = {key: getattr(own, key) for key in own.model_fields_set} if own else {}
    return common.model_copy(update=changes)


def drop_none(value: Any) -> Any:
    """A preset removes an entry of a named collection by setting it to null."""
    if isinstance(value, dict):
        return {k: v for k, v in value.items() if v is not None}
    return value


def by_name(value: Any) -> Any:
    """A bare name stands for the section of that name with its defaults."""
    return {"name": value} if isinstance(value, str) else value
