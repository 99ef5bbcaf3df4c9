"""What counts as right, and how sure we are."""

from pydantic import Field

from projcomp.config.section import Number, Section, Whole

RADIUS = 0.09
"""A place holds an object when a detected centre lies this near, as a share of the image side."""

CONFIDENCE = 0.95
"""Level of intervals."""


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
