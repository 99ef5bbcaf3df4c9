"""One experiment as it is run, and the grid that a sweep makes of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from projcomp.conditions.kind import Kind
from projcomp.conditions.kinds import KINDS
from projcomp.config.compatibility import refusal
from projcomp.config.conditions import UNCONDITIONAL
from projcomp.config.experiments import (
    BackgroundConfig,
    ExperimentConfig,
    RequestConfig,
    SweepConfig,
)
from projcomp.config.learning import ModelConfig
from projcomp.config.root import Config
from projcomp.config.samplers import SamplingConfig
from projcomp.config.section import merged
from projcomp.plan.cases import experiment_cases
from projcomp.plan.kinds import kinds_of
from projcomp.plan.places import PlaceSet, place_set
from projcomp.settings.case import Case
from projcomp.settings.stages import model_names


@dataclass(frozen=True)
class Experiment:
    """One experiment as it is run.

    Attributes:
        name: its folder under ``samples`` and ``results``.
        config: what is composed, how, and what is requested.
        sampling: the global settings with the experiment's own over them.
        stream: name of its random streams; the members of a sweep share one, and so do an
            experiment on networks, its exact twin, and those that ask for its noise.
        places: the set that its locations are of.
        twin_of: the experiment whose networks it replaces by exact models.
        sweep: the sweep that it is a member of.
        kinds: what its cases can ask for, by name.
    """

    name: str
    config: ExperimentConfig
    sampling: SamplingConfig
    stream: str
    places: PlaceSet
    twin_of: str | None = None
    sweep: str | None = None
    kinds: Mapping[str, Kind] = field(default_factory=lambda: KINDS, repr=False)

    @property
    def key(self) -> str:
        """Where it stands in the config."""
        if self.sweep is not None:
            return f"sweeps.{self.sweep} ({self.name})"
        if self.twin_of is not None:
            return f"experiments.{self.twin_of} (exact)"
        return f"experiments.{self.name}"

    @property
    def files(self) -> list[str]:
        """The user's own files that it is sampled by, each once."""
        return list(dict.fromkeys([*self.config.operator.files, *self.sampling.sampler.files]))

    @property
    def background(self) -> BackgroundConfig | None:
        """What its operator composes over: given, or the conditionals' own model unconditional."""
        own = own_background(self.config)
        if self.config.operator.background_from == "own" and own is not None:
            return BackgroundConfig(model=own, condition=UNCONDITIONAL)
        return self.config.background

    @cached_property
    def cases(self) -> dict[str, Case]:
        """What is sampled, by name, in order."""
        cases = experiment_cases(self.config, self.places, kinds=self.kinds)
        return {case.name: case for case in cases}


def own_background(config: RequestConfig) -> str | None:
    """The one model that is told something, whose unconditional distribution is the background."""
    if config.conditionals is not None:
        return config.conditionals
    told = {one.model for one in config.composed or [] if one.told != UNCONDITIONAL}
    return told.pop() if len(told) == 1 else None


@dataclass(frozen=True)
class Member:
    """One pair of a sweep's grid; ``refused`` says why it is left out."""

    operator: str
    sampler: str
    experiment: Experiment
    refused: str | None


def own_experiment(config: Config, name: str) -> Experiment:
    """The experiment ``name`` of the config's own section."""
    entry = config.experiments[name]
    sampling = merged(config.sampling, entry.sampling)
    places = place_set(config, entry.places)
    stream = entry.noise_of or name
    return Experiment(name, entry, sampling, stream, places, kinds=kinds_of(config))


def exact_name(name: str) -> str:
    """What the exact twin of a model or of an experiment is called."""
    return f"{name}-exact"


def exact_model(model: ModelConfig) -> ModelConfig:
    """The model of the same renders that answers as a perfect network would."""
    if model.exact:
        return model
    kept = {name: getattr(model, name) for name in ModelConfig.model_fields}
    return ModelConfig.model_construct(
        **{**kept, "datasets": {}, "images_seen": None, "network": None, "exact": model.datasets}
    )


def exact_twin(experiment: Experiment) -> Experiment:
    """The experiment with exact models in place of its networks, on the same requests and noise."""
    config = experiment.config
    other: dict[str, object] = {
        key: chosen and chosen.model_copy(update={"model": exact_name(chosen.model)})
        for key, chosen in (("background", config.background), ("control", config.control))
    }
    other["conditionals"] = config.conditionals and exact_name(config.conditionals)
    other["models"] = config.models and [exact_name(name) for name in config.models]
    other["composed"] = config.composed and [
        one.model_copy(update={"model": exact_name(one.model)}) for one in config.composed
    ]
    return replace(
        experiment,
        name=exact_name(experiment.name),
        config=config.model_copy(update=other),
        twin_of=experiment.name,
    )


def grid(config: Config, sweep: str) -> list[Member]:
    """The whole grid of a sweep, operator by operator; with exact twins that after itself."""
    entry = config.sweeps[sweep]
    members = [
        _member(config, sweep, entry, operator, sampler)
        for operator in entry.operators
        for sampler in entry.samplers
    ]
    replaced = entry.exact and all(name in config.of_data for name in model_names(entry))
    twins = [
        replace(one, operator=exact_name(one.operator), experiment=exact_twin(one.experiment))
        for one in members
        if replaced
    ]
    return members + twins


def _member(config: Config, sweep: str, entry: SweepConfig, label: str, sampler: str) -> Member:
    operator, changes = entry.operators[label], entry.samplers[sampler]
    requested = {key: getattr(entry, key) for key in RequestConfig.model_fields}
    requested |= {"operator": operator, "sampling": changes}
    if operator.background_from != "given":
        requested["background"] = None
    if not (operator.background_from == "given" and operator.measures_interaction):
        requested["control"] = None
    name = f"{sweep}-{label}-{sampler}"
    # validated already, part by part
    own = ExperimentConfig.model_construct(**requested)
    sampling = merged(config.sampling, changes)
    places = place_set(config, entry.places)
    kinds = kinds_of(config)
    experiment = Experiment(name, own, sampling, sweep, places, sweep=sweep, kinds=kinds)
    return Member(label, sampler, experiment, refusal(operator, experiment.sampling))
