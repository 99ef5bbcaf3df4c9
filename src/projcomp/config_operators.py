"""The composition operators' settings; a bare name in the config stands for the defaults.

``sampling/operators.py`` makes score fields of them.
"""

from typing import Annotated, ClassVar, Literal, get_args

from pydantic import BeforeValidator, Field

from projcomp.config_section import Number, Section, by_name

Background = Literal["given", "own", "none"]
"""Where an operator takes its background from: the experiment, the conditionals' own model told
nothing, or nowhere."""

Weight = Annotated[Number, Field(ge=-1e6, le=1e6)]

Weights = Annotated[
    Weight | list[Weight],
    Field(
        description="weight of everything composed, or a list with one for each (the case's "
        "conditions, then models); a negative weight negates"
    ),
]


class OperatorSection(Section):
    """What every operator has: a name, and a place that its background comes from."""

    background: ClassVar[Background] = "none"

    def weights_of(self, num_conditions: int, num_models: int = 0) -> list[float]:
        """Weights of a case's conditions, the negated ones last, then of the models told nothing.

        Cases list what they avoid after what they ask for; models stay in their order.
        """
        weights = getattr(self, "weights", 1.0)
        count = num_conditions + num_models
        each: list[float] = weights if isinstance(weights, list) else [weights] * count
        conditions = sorted(each[:num_conditions], key=lambda weight: weight < 0)
        return conditions + each[num_conditions:]


class Product(OperatorSection):
    """Product over the experiment's background; with one conditional, guidance."""

    background: ClassVar[Background] = "given"
    name: Literal["product"] = "product"
    weights: Weights = 1.0


class Bayes(OperatorSection):
    """Product over the conditionals' own unconditional model."""

    background: ClassVar[Background] = "own"
    name: Literal["bayes"] = "bayes"
    weights: Weights = 1.0


class SimpleProduct(OperatorSection):
    """Product without a background."""

    name: Literal["simple_product"] = "simple_product"
    weights: Weights = 1.0


class Average(OperatorSection):
    """Weighted mean of the scores."""

    name: Literal["average"] = "average"
    weights: Weights = 1.0


class SuperpositionOr(OperatorSection):
    """SuperDiff OR: a mixture of the models, weighed by their densities on the way."""

    name: Literal["superposition_or"] = "superposition_or"
    temperature: Number = Field(
        1.0,
        ge=0,
        le=1e6,
        description="the larger, the sooner one model takes all; 1 is the mixture",
    )
    estimator: Literal["ito", "detailed_balance", "hutchinson"] = Field(
        "ito",
        description="how densities are followed: ito with sampler sde, hutchinson with euler, "
        "detailed_balance with sde or ancestral",
    )
    bias: list[Weight] = Field(
        [], description="added to the log-densities, one number per model; none for equal shares"
    )
    data_std: Number = Field(
        0.5, ge=1e-4, le=1e4, description="standard deviation of the data, for detailed_balance"
    )


class SuperpositionAnd(OperatorSection):
    """SuperDiff AND: samples at which all models are equally likely."""

    name: Literal["superposition_and"] = "superposition_and"
    form: Literal["published", "corrected", "ode"] = Field(
        "published",
        description="as published, with the term that it misses (both with sampler sde), or the "
        "form for the ODE (with euler), whose divergences come from one random probe a step",
    )
    lift: list[Weight] = Field(
        [],
        description="log-density wanted at the end above the first model's, one number for every "
        "model but the first; not for the form ode, which keeps densities equal",
    )


class RandomChoice(OperatorSection):
    """Every sample follows one of the models, drawn at random for it: the plain mixture."""

    name: Literal["random_choice"] = "random_choice"


AnyOperator = (
    Product | Bayes | SimpleProduct | Average | SuperpositionOr | SuperpositionAnd | RandomChoice
)
Operator = Annotated[
    AnyOperator,
    Field(discriminator="name"),
    BeforeValidator(by_name, json_schema_input_type=AnyOperator | str),
]
"""An operator with its settings, told apart by ``name``."""

LINEAR = (Product, Bayes, SimpleProduct, Average)
"""Operators whose score is a fixed combination of the models' scores, and which weigh samples."""

OPERATORS: tuple[type[OperatorSection], ...] = get_args(AnyOperator)
