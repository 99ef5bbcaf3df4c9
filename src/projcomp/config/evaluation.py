"""What counts as right, and how sure we are."""

from typing import Annotated

from pydantic import Field

from projcomp.config.section import Number, Section, Whole

RADIUS = 0.09
"""A place holds an object when a detected centre lies this near, as a share of the image side."""

CONFIDENCE = 0.95
"""Level of intervals."""


class LocalityConfig(Section):
    """How far the Jacobian of every composed model reaches, against the noise level."""

    images: Whole = Field(
        4, ge=1, le=10_000, description="held-out renders at which it is taken, noised"
    )
    probes: Whole = Field(
        8,
        ge=1,
        le=1_000_000,
        description="numbers of each image, drawn at random, whose effect on the answer is taken",
    )
    levels: Whole = Field(
        6, ge=2, le=1000, description="noise levels, evenly spaced in ln(sigma) over the path"
    )
    distances: list[Annotated[Whole, Field(ge=0, le=1024)]] = Field(
        [1, 2, 4, 8],
        min_length=1,
        description="distances, pixels, the greater of the two coordinates'",
    )


class EvaluationConfig(Section):
    """What counts as right, and how sure we are."""

    radius: Number = Field(
        RADIUS,
        gt=0,
        le=1,
        description="a location holds an object when a detected centre "
        "lies this near, as a share of the image side",
    )
    confidence: Number = Field(CONFIDENCE, ge=0.01, le=0.9999, description="level of all intervals")
    bootstrap: Whole = Field(
        2000, ge=100, le=1_000_000, description="bootstrap resamples behind the intervals of means"
    )
    locality: LocalityConfig | None = Field(
        None, description="the locality curve, models/<model>/locality.csv; {} measures it"
    )
