"""Which operators go with which samplers: the table of docs/method.md as a function."""

from projcomp.config_operators import LINEAR, AnyOperator, SuperpositionAnd, SuperpositionOr
from projcomp.config_samplers import SAMPLERS, Euler, Heun, SamplingConfig, Sde


def refusal(operator: AnyOperator, sampling: SamplingConfig) -> str | None:
    """Why the two do not go together, as the rest of a line that begins with a key; else None."""
    return (
        _predictor_refusal(operator, sampling)
        or _corrector_refusal(operator, sampling)
        or _swarm_refusal(operator, sampling)
    )


def follows_steps(operator: AnyOperator) -> bool:
    """Whether the operator's weights follow the steps really made, so that trial steps mislead."""
    return isinstance(operator, SuperpositionOr | SuperpositionAnd)


def accepted_samplers(operator: AnyOperator) -> tuple[str, ...]:
    """Names of the predictors whose steps the operator is valid for."""
    match operator:
        case SuperpositionAnd(form="ode") | SuperpositionOr(estimator="hutchinson"):
            return ("euler",)
        case SuperpositionAnd() | SuperpositionOr(estimator="ito"):
            return ("sde",)
        case SuperpositionOr():
            return ("sde", "ancestral")
        case _:
            return tuple(str(kind.model_fields["name"].default) for kind in SAMPLERS)


def _predictor_refusal(operator: AnyOperator, sampling: SamplingConfig) -> str | None:
    sampler, wanted = sampling.sampler, accepted_samplers(operator)
    if sampler.name not in wanted:
        remedy = "set it, or choose another operator"
        if isinstance(operator, SuperpositionOr):
            remedy += " or estimator"
        if isinstance(operator, SuperpositionAnd):
            remedy += " or form"
        return (
            f"sampling.sampler: expected {' or '.join(wanted)}, because operator {operator.name} "
            f"is valid for no other steps, got {sampler.name}; {remedy}"
        )
    if follows_steps(operator) and isinstance(sampler, Sde) and sampler.noise_share != 1:
        return (
            f"sampling.sampler.noise_share: expected 1, because operator {operator.name} needs "
            f"noise of exactly the SDE's variance, got {sampler.noise_share:g}; leave it out"
        )
    return None


def _corrector_refusal(operator: AnyOperator, sampling: SamplingConfig) -> str | None:
    if sampling.corrector is None or not follows_steps(operator):
        return None
    return (
        f"sampling.corrector: expected none, because operator {operator.name} follows the "
        f"sampler's own steps, got {sampling.corrector.name}; leave it out"
    )


def _swarm_refusal(operator: AnyOperator, sampling: SamplingConfig) -> str | None:
    sampler = sampling.sampler
    if sampling.swarm is None:
        return None
    if not isinstance(operator, LINEAR):
        return (
            "sampling.swarm: expected none, because operator "
            f"{operator.name} keeps no weights, got a swarm; leave it out"
        )
    if isinstance(sampler, Heun) and sampler.churn > 0:
        return (
            "sampling.sampler.churn: expected 0, because a swarm's weights need steps that follow "
            f"each other, got {sampler.churn:g}; set sampler to sde"
        )
    if isinstance(sampler, Heun | Euler) and sampling.corrector is None:
        return (
            "sampling.swarm: expected a sampler that injects noise (sde, ancestral) or a "
            f"corrector, because copies of a particle stay copies, got {sampler.name}; set "
            "sampler to sde"
        )
    return None
