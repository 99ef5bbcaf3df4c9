"""What all sections of the config have in common."""

from collections.abc import Callable
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field

Color = Literal["gray", "red", "blue", "green", "brown", "purple", "cyan", "yellow"]
Unit = Annotated[float, Field(ge=0.0, le=1.0)]


class Section(BaseModel):
    """Common rules of every section: unknown keys are errors, values never change after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)


SectionT = TypeVar("SectionT", bound=Section)


def defaults(section: type[SectionT]) -> Callable[[], SectionT]:
    """Makes a section with all its defaults (pyright does not see that every field has one)."""
    return lambda: section.model_validate({})


def drop_none(value: Any) -> Any:
    """A preset removes an entry of a named collection by setting it to null."""
    if isinstance(value, dict):
        return {k: v for k, v in value.items() if v is not None}
    return value


def by_name(value: Any) -> Any:
    """A bare name stands for the section of that name with its defaults."""
    return {"name": value} if isinstance(value, str) else value
