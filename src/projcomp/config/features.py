"""The feature maps' settings; a bare name in the config stands for the defaults.

``features/make.py`` makes maps of them.
"""

from typing import Annotated, Any, Literal, get_args

from pydantic import BeforeValidator, Field

from projcomp.config.from_file import FromFile
from projcomp.config.section import Named, Number, by_name
from projcomp.words import short

LEAST_DETERMINANT = 1e-9
"""Of a matrix's columns, over their mean square cubed: below it single precision inverts badly."""


_Entry = Annotated[Number, Field(ge=-1e3, le=1e3)]


class FeatureSection(Named):
    """What every feature map says of itself."""

    @property
    def told(self) -> str:
        """What tells it from others, for messages."""
        return short(self.model_dump_json())

    def problem(self) -> str | None:
        """What is wrong within its settings: the key, expected, got; or None."""
        return None


def _gain(value: float) -> Any:
    return Field(
        value,
        ge=1e-3,
        le=1e3,
        description="factor of every channel; the default leaves the demo's pictures about the "
        "deviation that they have in RGB, so that noise levels mean what they mean there",
    )


class Luminance(FeatureSection):
    """The luminance of every pixel, the mean of its red, green and blue, times `scale`.

    What is at right angles to it, the chroma, keeps its size.
    """

    name: Literal["luminance"] = "luminance"
    scale: Number = Field(
        0.1, ge=1e-2, le=100, description="factor of the luminance, beside the chroma's"
    )
    gain: Number = _gain(4.0)


class Whitened(FeatureSection):
    """Every pixel's colour such that CLEVR's eight colours stand alike around the ground's.

    The inverse square root of their second moment about the ground, as the pictures show them.
    """

    name: Literal["whitened"] = "whitened"
    gain: Number = _gain(0.5)


class Palette(FeatureSection):
    """The pixels' RGB, scaled, beside eight channels: which of CLEVR's colours each is most like.

    These are a softmax over distances to the eight colours and to the ground, whose share is left
    out: a smooth map of single pixels, which knows no labels. Its inverse reads RGB alone.
    """

    name: Literal["palette"] = "palette"
    rgb: Number = Field(0.25, ge=1e-2, le=100, description="factor of the RGB channels")
    sharpness: Number = Field(
        60.0,
        gt=0,
        le=1e3,
        description="of the softmax: over 1, the squared distance in RGB, -1 to 1, at which a "
        "colour's likeness falls to 1/e",
    )
    gain: Number = _gain(1.5)


class LinearMap(FeatureSection):
    """A matrix of your own, applied to every pixel; its pseudo-inverse leads back."""

    name: Literal["linear"] = "linear"
    matrix: list[tuple[_Entry, _Entry, _Entry]] = Field(
        min_length=3,
        max_length=256,
        description="a row of three numbers (of red, green, blue, each -1 to 1) per channel, three "
        "channels at least",
    )

    def problem(self) -> str | None:
        """A matrix that loses a direction of colour."""
        columns = list(zip(*self.matrix, strict=True))
        a, b, c = (
            [sum(x * y for x, y in zip(p, q, strict=True)) for q in columns] for p in columns
        )
        determinant = (
            a[0] * (b[1] * c[2] - b[2] * c[1])
            - a[1] * (b[0] * c[2] - b[2] * c[0])
            + a[2] * (b[0] * c[1] - b[1] * c[0])
        )
        size = (a[0] + b[1] + c[2]) / 3
        if size and determinant >= LEAST_DETERMINANT * size**3:
            return None
        return (
            "matrix: expected three columns that are independent, so that pictures can be had "
            "back, got some that are (nearly) not; change a column"
        )


class FeaturesFromFile(FromFile, FeatureSection):
    """A map of your own, from a file with the functions `encode` and `decode`.

    `encode(x, ...)` makes features `(batch, C, H, W)` of pictures `(batch, 3, H, W)` in [-1, 1];
    `decode(f, ...)` leads back; both are called with the settings. `decode(encode(x))` must be `x`.
    """

    name: Literal["own"] = "own"


AnyFeatures = Luminance | Whitened | Palette | LinearMap | FeaturesFromFile
FeatureMap = Annotated[
    AnyFeatures,
    Field(discriminator="name"),
    BeforeValidator(by_name, json_schema_input_type=AnyFeatures | str),
]
"""A feature map with its settings, told apart by ``name``."""

FEATURES: tuple[type[FeatureSection], ...] = get_args(AnyFeatures)
