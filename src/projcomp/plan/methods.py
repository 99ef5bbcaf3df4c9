"""How every experiment composes, in the words by which a leaderboard compares them."""

from projcomp.config.conditions import UNCONDITIONAL
from projcomp.config.samplers import SamplingConfig
from projcomp.plan.experiments import Experiment
from projcomp.plan.run import Run
from projcomp.settings.report import NONE, Method


def method_of(run: Run, experiment: Experiment) -> Method:
    """Operator, background, sampler and kind of model of an experiment that composes locations."""
    background = experiment.background
    told, weights = _told(experiment)
    exact = bool(told) and all(run.models[name].exact for name in told)
    weighed = f", weights {', '.join(weights)}" if set(weights) - {"1"} else ""
    return Method(
        operator=experiment.config.operator.label + weighed,
        background=f"{background.model} {background.condition}" if background else NONE,
        sampler=_sampler(experiment.sampling),
        kind="exact" if exact else "network",
        model=" and ".join(dict.fromkeys(_model(run, name) for name in told)) or "unconditional",
        places=experiment.places.name,
        stream=experiment.stream,
    )


def _told(experiment: Experiment) -> tuple[list[str], list[str]]:
    """The models that are told something, and the weights of everything in ``composed``."""
    config = experiment.config
    if config.conditionals is not None:
        return [config.conditionals], []
    listed = config.composed or []
    told = [one.model for one in listed if one.told != UNCONDITIONAL]
    return told, [f"{one.weight:g}" for one in listed]


def _sampler(sampling: SamplingConfig) -> str:
    """The sampler with its noise levels, its corrector and its swarm."""
    told = f"{sampling.sampler.label} {sampling.num_steps}"
    if sampling.corrector is not None:
        told += f" + {sampling.corrector.name}"
    if sampling.swarm is not None:
        told += f", swarms of {sampling.swarm.particles}"
    return told


def _model(run: Run, name: str) -> str:
    """What the conditionals are: exact, or a network that is told and sees so and so."""
    model = run.models[name]
    if model.exact:
        return "exact" if model.window is None else f"exact, window {model.window}"
    network = run.network(name)
    pixels = network.sees(run.config.resolution)
    sees = "whole" if pixels is None else f"local ({pixels} px)"
    return f"network, {network.conditioning}, {sees}"
