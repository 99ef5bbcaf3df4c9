"""Experiments and sweeps: what is composed, how, and what is asked for."""

from typing import Annotated, Literal, TypeVar

from pydantic import BeforeValidator, Field

from projcomp.conditions.count import MAX_OBJECTS
from projcomp.config.conditions import UNCONDITIONAL, Asked, Distribution, ToldByCase
from projcomp.config.operators import Operator, Product
from projcomp.config.places import GRID, MAX_PLACES
from projcomp.config.samplers import SamplingConfig
from projcomp.config.section import Color, Name, Number, Section, Text, Whole, defaults, drop_none

Place = Annotated[Whole, Field(ge=1, le=MAX_PLACES)]

Pair = TypeVar("Pair")
Pairs = Annotated[list[Pair], Field(max_length=100)]

MAX_CASES = 1000
"""Cases of one experiment, at most."""


class BackgroundConfig(Section):
    """One of a model's distributions that does not depend on the case."""

    model: Text = Field(description="name of a model")
    condition: Distribution = Field(
        description="which of the model's distributions: its 'empty' condition, no condition, or "
        "a condition such as {color: red}"
    )


class ComposedConfig(Section):
    """One of the models that are composed, and what it is told."""

    model: Text = Field(description="name of a model")
    told: ToldByCase = Field(
        UNCONDITIONAL,
        description="case: what the case requests of each object, as far as the model knows "
        "it; or one of the model's distributions, as of a background",
    )
    only: list[Text] | None = Field(
        None,
        min_length=1,
        description="with told: case, the kinds of condition that it gets, such as [color], "
        "and no others",
    )
    joined: Text | None = Field(
        None,
        exclude_if=lambda word: word is None,
        description="of a pipeline with told: case: the word between a case's prompts, such as "
        "and, which joins all of them to one prompt",
    )
    weight: Number = Field(1.0, description="its weight in a product or a mean; negative negates")


class CaseConfig(Section):
    """Objects that are asked for at once, or a grid of such cases."""

    asked: list[Asked] = Field(
        [],
        max_length=MAX_OBJECTS,
        description="objects, each by values such as {place: 1, color: red, not: {shape: cube}}",
    )
    same: bool = Field(
        False, description="whether it is one object that answers to everything in `asked`"
    )
    grid: dict[Text, Literal["all"] | list[Text | Whole]] = Field(
        {},
        alias="for",
        description="values by kind, or all of them: a case for every combination, with an object "
        "of these values before those of `asked`",
    )


class RequestConfig(Section):
    """What is composed and what is asked for."""

    conditionals: Text | None = Field(
        None, description="model whose conditional distributions are composed"
    )
    models: list[Text] | None = Field(
        None,
        min_length=1,
        max_length=100,
        description="models, each unconditional, that are composed: instead of conditionals, or "
        "after them",
    )
    composed: list[ComposedConfig] | None = Field(
        None,
        min_length=1,
        max_length=100,
        description="any models, each with a condition or none, that are composed: instead of "
        "conditionals and models",
    )
    background: BackgroundConfig | None = Field(
        None,
        description="the background of a product, or of a superposition with guidance; other "
        "operators take none",
    )
    control: BackgroundConfig | None = Field(
        None,
        description="a second model of the background, to measure the interaction of what does "
        "not interact; it changes no sample",
    )
    places: Text = Field(
        GRID, description="set of places that num_composed and location_pairs count in"
    )
    num_composed: list[Annotated[Whole, Field(ge=0, le=MAX_PLACES)]] | None = Field(
        None,
        max_length=100,
        description="numbers of composed locations, at most those of `places`; 0 samples the "
        "background alone",
    )
    location_pairs: Literal["all"] | Pairs[tuple[Place, Place]] | None = Field(
        None, description="pairs of composed locations by number, from 1, or all of them"
    )
    color_pairs: Literal["all"] | Pairs[tuple[Color, Color]] | None = Field(
        None, description="pairs of composed colours, or all of them"
    )
    single_colors: Literal["all"] | list[Color] | None = Field(
        None, description="single colours, or all of them: controls beside pairs of colours"
    )
    cases: list[CaseConfig] | None = Field(
        None,
        min_length=1,
        max_length=MAX_CASES,
        description="with `composed`: objects by any of their attributes",
    )
    num_objects: list[Annotated[Whole, Field(ge=0, le=MAX_OBJECTS)]] | None = Field(
        None,
        max_length=100,
        description="with models alone: numbers of objects that their images should show",
    )
    prompts: list[Annotated[list[Name], Field(min_length=1, max_length=100)]] | None = Field(
        None,
        min_length=1,
        max_length=MAX_CASES,
        description="of pipelines: cases, each a list of prompts that are requested at once",
    )
    num_samples: Whole = Field(ge=1, le=1_000_000, description="samples per case")


class ExperimentConfig(RequestConfig):
    """One experiment: a composition sampled over its cases."""

    operator: Operator = Field(
        default_factory=defaults(Product),
        description="how the models are composed: a name, or a name with its settings",
    )
    sampling: SamplingConfig | None = Field(
        None, description="settings of `sampling` that are others in this experiment"
    )
    noise_of: Text | None = Field(
        None,
        description="the experiment whose noise its samples start from, where cases have the same "
        "names: the leaderboard compares the two in pairs, if they have equally many samples",
    )
    exact: bool = Field(
        False,
        description="also compose the exact models of the networks' datasets, on the same requests "
        "and noise, as experiment <name>-exact: the ceiling",
    )


class SweepConfig(RequestConfig):
    """A grid of operators and samplers on the same models, requests and noise.

    Every pair that goes together becomes the experiment ``<sweep>-<operator>-<sampler>``.
    """

    operators: Annotated[dict[str, Operator], BeforeValidator(drop_none)] = Field(
        min_length=1, max_length=50, description="operators by a name of your own"
    )
    samplers: Annotated[dict[str, SamplingConfig], BeforeValidator(drop_none)] = Field(
        min_length=1,
        max_length=50,
        description="by a name of your own, the settings of `sampling` that are others there",
    )
    exact: bool = Field(
        False,
        description="also compose the exact models of the networks' datasets, on the same requests "
        "and noise, as experiments <sweep>-<operator>-<sampler>-exact: what each operator and "
        "sampler could reach",
    )
