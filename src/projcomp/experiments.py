"""The experiments of a run: those of the config, and the members of its sweeps."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from projcomp.compatibility import refusal
from projcomp.config import Config
from projcomp.config_experiments import ExperimentConfig, RequestConfig, SweepConfig
from projcomp.config_samplers import SamplingConfig

if TYPE_CHECKING:
    from projcomp.stages import SampleSettings


@dataclass(frozen=True)
class Experiment:
    """One experiment as it is run.

    Attributes:
        name: its folder under ``samples`` and ``results``.
        config: what is composed, how, and what is asked for.
        sampling: the global settings with the experiment's own over them.
        stream: name of its random streams; the members of a sweep share one.
    """

    name: str
    config: ExperimentConfig
    sampling: SamplingConfig
    stream: str


@dataclass(frozen=True)
class Member:
    """One pair of a sweep's grid; ``refused`` says why it is left out."""

    operator: str
    sampler: str
    experiment: Experiment
    refused: str | None


def all_experiments(config: Config) -> dict[str, Experiment]:
    """Every experiment by name: the config's own in order, then the sweeps' members."""
    own = {name: _resolved(config, name, entry) for name, entry in config.experiments.items()}
    swept = {
        member.experiment.name: member.experiment
        for name in config.sweeps
        for member in members(config, name)
        if member.refused is None
    }
    return {**own, **swept}


def resolve(config: Config, name: str) -> Experiment:
    """The experiment called ``name``, without building all the others.

    Raises:
        KeyError: there is none, or its operator and sampler do not go together.
    """
    if name in config.experiments:
        return _resolved(config, name, config.experiments[name])
    for sweep, entry in config.sweeps.items():
        if not name.startswith(f"{sweep}-"):
            continue
        for operator in entry.operators:
            for sampler in entry.samplers:
                if name == f"{sweep}-{operator}-{sampler}":
                    member = _member(config, sweep, entry, operator, sampler)
                    if member.refused is None:
                        return member.experiment
    raise KeyError(name)


def members(config: Config, sweep: str) -> list[Member]:
    """The whole grid of a sweep, operator by operator."""
    entry = config.sweeps[sweep]
    return [
        _member(config, sweep, entry, operator, sampler)
        for operator in entry.operators
        for sampler in entry.samplers
    ]


def _member(config: Config, sweep: str, entry: SweepConfig, label: str, sampler: str) -> Member:
    operator, changes = entry.operators[label], entry.samplers[sampler]
    requested = {key: getattr(entry, key) for key in RequestConfig.model_fields}
    requested |= {"operator": operator, "sampling": changes}
    if operator.background != "given":
        requested |= {"background": None, "control": None}
    name = f"{sweep}-{label}-{sampler}"
    # validated already, part by part
    own = ExperimentConfig.model_construct(**requested)
    experiment = Experiment(name, own, merged_sampling(config.sampling, changes), sweep)
    return Member(label, sampler, experiment, refusal(operator, experiment.sampling))


def merged_sampling(common: SamplingConfig, own: SamplingConfig | None) -> SamplingConfig:
    """``common`` with what ``own`` sets (and not its defaults) over it."""
    changes = {key: getattr(own, key) for key in own.model_fields_set} if own else {}
    return common.model_copy(update=changes)


def _resolved(config: Config, name: str, entry: ExperimentConfig) -> Experiment:
    return Experiment(name, entry, merged_sampling(config.sampling, entry.sampling), name)


def model_names(composed: "ExperimentConfig | SampleSettings") -> list[str]:
    """The models that an experiment, or one case of it, composes, each once."""
    names = [composed.conditionals] if composed.conditionals else []
    names += composed.models or []
    names += [one.model for one in (composed.background, composed.control) if one is not None]
    return list(dict.fromkeys(names))
