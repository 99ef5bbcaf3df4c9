"""Which operators go with which samplers: the table of docs/method.md as a function.

What an operator and a sampler need of each other they say themselves (``operators.py``,
``samplers.py``); here stands what follows from it, and how it is said.
"""

from projcomp.config.operators import AnyOperator
from projcomp.config.samplers import SAMPLERS, SamplingConfig, Swarm


def refusal(operator: AnyOperator, sampling: SamplingConfig) -> str | None:
    """Why the two do not go together, as the rest of a line that begins with a key; else None."""
    return (
        _sampler_refusal(operator, sampling)
        or _corrector_refusal(operator, sampling)
        or _swarm_refusal(operator, sampling)
    )


def _sampler_refusal(operator: AnyOperator, sampling: SamplingConfig) -> str | None:
    sampler, wanted = sampling.sampler, operator.samplers
    if wanted is not None and sampler.name not in wanted:
        remedy = "set it, or choose another operator"
        if operator.decides_samplers:
            remedy += f" or {operator.decides_samplers}"
        return (
            f"sampling.sampler: expected {' or '.join(wanted)}, because operator {operator.name} "
            f"is valid for no other steps, got {sampler.name}; {remedy}"
        )
    if operator.follows_steps and sampler.lessens_noise:
        key, value = sampler.lessens_noise
        return (
            f"sampling.sampler.{key}: expected 1, because operator {operator.name} needs noise of "
            f"exactly the SDE's variance, got {value:g}; leave it out"
        )
    return None


def _corrector_refusal(operator: AnyOperator, sampling: SamplingConfig) -> str | None:
    if sampling.corrector is None or not operator.follows_steps:
        return None
    return (
        f"sampling.corrector: expected none, because operator {operator.name} follows the "
        f"sampler's own steps, got {sampling.corrector.name}; leave it out"
    )


def _swarm_refusal(operator: AnyOperator, sampling: SamplingConfig) -> str | None:
    sampler = sampling.sampler
    if sampling.swarm is None:
        return None
    if not operator.keeps_weights:
        return (
            "sampling.swarm: expected none, because operator "
            f"{operator.name} keeps no weights, got a swarm; leave it out"
        )
    if sampler.unweighed:
        return f"sampling.{sampler.unweighed}"
    if not sampler.injects_noise and not _corrector_parts(sampling, sampling.swarm):
        noisy = [section.default_name() for section in SAMPLERS if section.injects_noise]
        above = " and a corrector above the swarm's window" if sampling.corrector else ""
        return (
            f"sampling.swarm: expected a sampler that injects noise ({', '.join(noisy)}) or a "
            f"corrector, because copies of a particle stay copies, got {sampler.name}{above}; set "
            f"sampler to {noisy[0]}"
        )
    return None


def _corrector_parts(sampling: SamplingConfig, swarm: Swarm) -> bool:
    """Whether a corrector runs where copies of a particle can be, that is not only above them."""
    if sampling.corrector is None:
        return False
    runs, resampled = sampling.levels_of(sampling.corrector), sampling.levels_of(swarm)
    return not (runs and resampled) or min(runs) <= max(resampled)  # no level: a line of its own
