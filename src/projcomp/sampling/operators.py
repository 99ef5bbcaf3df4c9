"""The composition operators by the settings that a configuration gives them."""

from collections.abc import Callable, Sequence

from projcomp.composition.densities import DensityTracker
from projcomp.composition.feynman_kac import WeightedLinearField, weighted_product
from projcomp.composition.followed import FollowedField
from projcomp.composition.interacting import InteractingField
from projcomp.composition.linear import LinearField, average, simple_product
from projcomp.composition.product import product_field
from projcomp.composition.random_choice import RandomChoice
from projcomp.composition.superposition_and import SuperpositionAnd, SuperpositionAndOde
from projcomp.composition.superposition_or import SuperpositionOr
from projcomp.config import operators as settings
from projcomp.diffusion.field import ScoreField, ScoreStack
from projcomp.sampling.from_file import own_field


def compose(
    operator: settings.AnyOperator,
    scores: ScoreStack,
    num_conditions: int,
    num_models: int = 0,
    *,
    num_controls: int = 0,
    own_weights: Sequence[float] | None = None,
    weighed: bool = True,
    lift_end: float,
    dims: tuple[int, ...],
    sigma_max: float,
) -> ScoreField:
    """The score field of ``operator``.

    Args:
        operator: its name and settings.
        scores: stacked scores: the background where the operator takes one, the case's conditions
            (the negated ones last), the unconditional models, then the controls.
        num_conditions: how many conditions are composed.
        num_models: how many unconditional models are composed with them.
        own_weights: of the composed distributions, times which the operator's weights are taken;
            1 without them.
        num_controls: how many follow that are recorded but do not count (weight 0); products only.
        weighed: whether linear compositions record their weights and interaction, which needs steps
            that follow each other (no churn).
        lift_end: the least noise level above zero, by which AND's lift is complete.
        dims: shape of one sample, for operators from a file.
        sigma_max: noise level of the start, for them too.

    Raises:
        UserError: the settings leave nothing to start from, or a user's own file is wrong.
    """
    count = num_conditions + num_models

    def weights_of(operator: settings.AnyOperator) -> list[float]:
        if own_weights is None:
            return operator.weights_of(num_conditions, num_models)
        # conditions stand as they are listed, the negated ones among the others
        return [a * b for a, b in zip(operator.listed_weights(count), own_weights, strict=True)]

    match operator:
        case settings.Product() | settings.Bayes():
            weights = [*weights_of(operator), *[0.0] * num_controls]
            return (weighted_product if weighed else product_field)(scores, weights)
        case settings.SimpleProduct():
            return _without_background(scores, weights_of(operator), weighed)
        case settings.Average():
            mean = average(scores, weights_of(operator))
            return _without_background(scores, mean.coefficients, weighed)
        case settings.SuperpositionOr():
            return SuperpositionOr(
                scores,
                count,
                bias=tuple(operator.bias),
                temperature=operator.temperature,
                densities=DensityTracker(operator.estimator, operator.data_std),
                guidance=operator.given_guidance,
            )
        case settings.SuperpositionAnd():
            lift, guidance = tuple(operator.lift), operator.given_guidance
            if operator.form == "ode":
                return SuperpositionAndOde(
                    scores, count, lift=lift, lift_end=lift_end, guidance=guidance
                )
            return SuperpositionAnd(
                scores,
                count,
                lift=lift,
                lift_end=lift_end,
                corrected=operator.form == "corrected",
                guidance=guidance,
            )
        case settings.RandomChoice():
            return RandomChoice(scores, count)
        case settings.OperatorFromFile():
            own = {"settings": operator.settings, "background": operator.background_from != "none"}
            return own_field(operator.file, scores, count, dims, **own, sigma_max=sigma_max)


def recorded(
    make: Callable[[ScoreStack], ScoreField], scores: ScoreStack, num_models: int
) -> InteractingField:
    """A composition over a background that records all that its steps tell of its models.

    The interaction of every pair, and of linear compositions every model's log-density by Ito's
    estimator: these need the SDE's steps, and nothing else that moves a sample. Superpositions
    follow the densities themselves.

    Args:
        make: makes the composition of a score stack; a linear one unweighed.
        scores: the stack, of the background first.
        num_models: how many follow it, with the controls.
    """

    def followed(scores: ScoreStack) -> ScoreField:
        field = make(scores)
        if isinstance(field, LinearField):
            return FollowedField(field, num_followed=num_models)
        return field

    plain = make(scores)
    weights = plain.coefficients[1:] if isinstance(plain, LinearField) else None
    return InteractingField(scores, followed, num_models, weights=weights)


def _without_background(
    scores: ScoreStack, weights: Sequence[float], weighed: bool
) -> LinearField | WeightedLinearField:
    plain = simple_product(scores, weights)
    if not weighed:
        return plain
    return WeightedLinearField(scores, plain.coefficients, background=False)
