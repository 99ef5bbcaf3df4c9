"""Checks of pipelines, and of experiments that tell them prompts."""

import re
from collections.abc import Iterator

from projcomp.config.conditions import CASE, EMPTY, UNCONDITIONAL, Told
from projcomp.config.experiments import (
    BackgroundConfig,
    ComposedConfig,
    ExperimentConfig,
    RequestConfig,
)
from projcomp.config.messages import repeated, unknown_name
from projcomp.config.operators import AnyOperator
from projcomp.config.pipelines import PROMPT
from projcomp.config.places import GRID
from projcomp.config.root import Config
from projcomp.config.samplers import SamplingConfig
from projcomp.plan.prompts import listed
from projcomp.settings.stages import PIPELINES_OWN, model_names
from projcomp.words import quoted

_HUB_NAME = re.compile(r"[\w.-]+/[\w.-]+")
_COMMIT = re.compile(r"[0-9a-f]{40}")

_OF_DATA = (
    "models",
    "num_composed",
    "location_pairs",
    "color_pairs",
    "single_colors",
    "cases",
    "num_objects",
)
"""What is asked of models of data, and not of pipelines."""


def model_problems(config: Config) -> Iterator[str]:
    """Whether pipelines of the hub are pinned; their files are looked at elsewhere."""
    for name, model in config.pipelines.items():
        key = f"models.{name}"
        if model.revision is None:
            continue
        if not _HUB_NAME.fullmatch(model.pipeline):
            yield (
                f"{key}.pipeline: expected the name of a repository of the hub such as owner/name, "
                f"because there is a revision, got {quoted(model.pipeline)}; leave revision out "
                "where it is a folder"
            )
        if not _COMMIT.fullmatch(model.revision):
            yield (
                f"{key}.revision: expected the hash of a commit, 40 digits, by which the pipeline "
                f"stays the same, got {quoted(model.revision)}"
            )


def request_problems(
    config: Config, key: str, entry: RequestConfig, operators: list[AnyOperator]
) -> Iterator[str]:
    """Whether an experiment of a pipeline asks for prompts alone, and tells them."""
    others = [name for name in model_names(entry) if name not in config.pipelines]
    for name in others:
        if name not in config.models:
            yield unknown_name(key, "models", name, config.models)
        else:
            yield f"{key}: expected pipelines alone, because one is composed, got {name} too"
        return
    given = [field for field in _OF_DATA if getattr(entry, field) is not None]
    given += ["places"] if entry.places != GRID else []
    given += ["exact"] if getattr(entry, "exact", False) else []
    if given:
        yield f"{key}.{given[0]}: expected prompts, because a pipeline is composed, got {given[0]}"
        return
    if (entry.conditionals is None) == (entry.composed is None):
        got = "neither" if entry.composed is None else "both"
        yield f"{key}.conditionals: expected conditionals, or composed, got {got}"
        return
    for number, one in enumerate(entry.composed or []):
        yield from _composed_problems(f"{key}.composed.{number}", one)
    told = entry.conditionals or any(one.told == CASE for one in entry.composed or [])
    if told and entry.prompts is None:
        yield f"{key}.prompts: expected cases such as [[an otter, a heron]], got nothing"
    if entry.prompts is not None and not told:
        yield f"{key}.composed: expected a model with told: {CASE} beside prompts, got none"
    yield from repeated(f"{key}.prompts", map(tuple, entry.prompts or []))
    weightless = [operator.name for operator in operators if not operator.keeps_weights]
    if weightless and any(one.weight != 1 for one in listed(entry)):
        yield (
            f"{key}.operator: expected one with weights for what is weighed in composed, got "
            f"{weightless[0]}; set operator to product"
        )


def distribution_problems(key: str, chosen: BackgroundConfig) -> Iterator[str]:
    """Whether a pipeline has the distribution that is asked of it."""
    yield from _told_problems(f"{key}.condition", chosen.condition)


def sampling_problems(key: str, entry: ExperimentConfig, sampling: SamplingConfig) -> Iterator[str]:
    """Nothing is set that the pipeline decides: its scheduler has the noise levels."""
    given = entry.sampling.model_fields_set if entry.sampling else set()
    for field in PIPELINES_OWN:
        if field in given:
            where = {"precision": "dtype", "chunk_size": "chunk_size"}.get(field)
            instead = f"set models.<name>.{where}" if where else "its scheduler has noise levels"
            yield f"{key}.{field}: expected none of a pipeline, got one; {instead}"
    for name in ("complift", "densities"):
        if getattr(sampling, name) is not None:
            yield f"{key}.{name}: expected none of a pipeline, got one; leave it out"
    wrong = sampling.sampler.problem()
    if wrong:
        yield f"{key}.sampler.{wrong}"
    if sampling.num_steps == 1 and (sampling.corrector or sampling.swarm):
        yield f"{key}.num_steps: expected at least 2 with a corrector or a swarm, got 1"


def _composed_problems(key: str, chosen: ComposedConfig) -> Iterator[str]:
    if chosen.only is not None:
        yield f"{key}.only: expected none of a pipeline, which is told prompts alone, got one"
    if chosen.joined is not None and chosen.told != CASE:
        yield f"{key}.joined: expected told: {CASE} beside it, got {chosen.told}"
    if chosen.told != CASE:
        yield from _told_problems(f"{key}.told", chosen.told)


def _told_problems(key: str, told: str | Told) -> Iterator[str]:
    expected = f"expected {UNCONDITIONAL}, or {{{PROMPT}: a text}}, of a pipeline"
    if told == EMPTY:
        yield f'{key}: {expected}, got {EMPTY}; the empty prompt is {{{PROMPT}: ""}}'
    if isinstance(told, dict) and (set(told) != {PROMPT} or not isinstance(told[PROMPT], str)):
        yield f"{key}: {expected}, got {', '.join(told)}"
