"""Who says how well a picture shows a prompt."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from projcomp.config.from_file import FromFile, UsersFile
from projcomp.config.section import Named, Whole, by_name


class ClipJudge(Named):
    """CLIP: a hundred times the cosine of a picture's and a prompt's embeddings."""

    name: Literal["clip"] = "clip"
    folder: UsersFile = Field(
        description="folder of a CLIP model with its tokenizer, as `save_pretrained` writes them; "
        "nothing is fetched"
    )
    chunk_size: Whole = Field(32, ge=1, le=65_536, description="pictures at once")


class JudgeFromFile(FromFile):
    """A judge of your own, from a file with the function `judge`.

    `judge(images, prompts, ...)` is given uint8 images `(N, H, W, 3)` and a list of P texts, and
    makes scores `(N, P)`, the greater the better.
    """

    name: Literal["own"] = "own"


AnyJudge = ClipJudge | JudgeFromFile
Judge = Annotated[
    AnyJudge,
    Field(discriminator="name"),
    BeforeValidator(by_name, json_schema_input_type=AnyJudge | str),
]
"""A judge with its settings, told apart by ``name``."""
