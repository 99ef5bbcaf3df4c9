"""The composition operators' settings; a bare name in the config stands for the defaults.

``sampling/operators.py`` makes score fields of them.
"""

from typing import Annotated, ClassVar, Literal, get_args

from pydantic import BeforeValidator, Field

from projcomp.config.from_file import FromFile
from projcomp.config.section import Named, Number, by_name

Background = Literal["given", "own", "none"]
"""Where an operator takes its background from: the experiment, the conditionals' own model without
a condition, or nowhere."""

Weight = Annotated[Number, Field(ge=-1e6, le=1e6)]

Weights = Annotated[
    Weight | list[Weight],
    Field(
        description="weight of everything composed, or a list with one for each (the case's "
        "conditions, then models); a negative weight negates"
    ),
]


class OperatorSection(Named):
    """What every operator says of itself: what it needs, what it keeps and what it refuses."""

    needs: ClassVar[Background] = "none"
    """Where its background comes from, where this is no setting of its own."""

    keeps_weights: ClassVar[bool] = False
    """Whether it keeps a Feynman-Kac weight for every sample, which a swarm resamples by."""

    follows_steps: ClassVar[bool] = False
    """Whether its weights follow the steps really made, so that trial steps mislead."""

    decides_samplers: ClassVar[str] = ""
    """The setting that its samplers hang on, beside the operator itself."""

    @property
    def background_from(self) -> Background:
        """Where its background comes from."""
        return self.needs

    @property
    def samplers(self) -> tuple[str, ...] | None:
        """Names of the samplers whose steps it is valid for; None for all."""
        return None

    @property
    def measures_interaction(self) -> bool:
        """Whether it records how conditions interact over a background."""
        return self.keeps_weights and self.background_from != "none"

    @property
    def samples_background(self) -> bool:
        """Whether it samples its background where nothing is composed."""
        return self.background_from != "none"

    def weights_of(self, num_conditions: int, num_models: int = 0) -> list[float]:
        """Weights of a case's conditions, the negated ones last, then of the unconditional models.

        Cases list what they avoid after what they ask for; models stay in their order.
        """
        each = self.listed_weights(num_conditions + num_models)
        conditions = sorted(each[:num_conditions], key=lambda weight: weight < 0)
        return conditions + each[num_conditions:]

    def listed_weights(self, count: int) -> list[float]:
        """Weights of ``count`` distributions, in the order in which the setting lists them."""
        weights = getattr(self, "weights", 1.0)
        return weights if isinstance(weights, list) else [weights] * count

    def size_problem(self, count: int) -> str | None:
        """What is wrong with composing ``count`` distributions: the key, expected, got; or None."""
        if count == 0 and not self.samples_background:
            others = [o.default_name() for o in OPERATORS if o.needs != "none"]
            return (
                f"operator: expected {' or '.join(others)} where nothing is composed, got "
                f"{self.name}"
            )
        return None


class _Linear(OperatorSection):
    """A fixed combination of the models' scores."""

    keeps_weights: ClassVar[bool] = True

    def size_problem(self, count: int) -> str | None:
        weights: float | list[float] = getattr(self, "weights", 1.0)
        if isinstance(weights, list) and len(weights) != count:
            return (
                f"operator.weights: expected a number, or one for each of {count} composed "
                f"distributions, got {len(weights)}"
            )
        total = sum(self.weights_of(count))
        if self.background_from == "none" and count and not total > 0:
            return (
                "operator.weights: expected a positive sum (nothing could be started from), got "
                f"{total:g}; raise them"
            )
        return super().size_problem(count)


class Product(_Linear):
    """Product over the experiment's background; with one conditional, guidance."""

    needs: ClassVar[Background] = "given"
    name: Literal["product"] = "product"
    weights: Weights = 1.0


class Bayes(_Linear):
    """Product over the conditionals' own unconditional model."""

    needs: ClassVar[Background] = "own"
    name: Literal["bayes"] = "bayes"
    weights: Weights = 1.0


class SimpleProduct(_Linear):
    """Product without a background."""

    name: Literal["simple_product"] = "simple_product"
    weights: Weights = 1.0


class Average(_Linear):
    """Weighted mean of the scores."""

    name: Literal["average"] = "average"
    weights: Weights = 1.0


class _Superposition(OperatorSection):
    """Weighs the models by log-densities that it follows along the path."""

    follows_steps: ClassVar[bool] = True

    guidance: Number = Field(
        1.0,
        gt=0,
        le=1e4,
        exclude_if=lambda guidance: guidance == 1,
        description="strength g of the path's drift s_b + g (s - s_b) over the experiment's "
        "background, s the superposition's; the densities stay those of the unguided models; 1 "
        "takes no background",
    )

    @property
    def given_guidance(self) -> float | None:
        """The guidance, or None where it changes nothing."""
        return None if self.guidance == 1 else self.guidance

    @property
    def background_from(self) -> Background:
        """Given by the experiment, where there is guidance."""
        return "none" if self.given_guidance is None else "given"

    @property
    def samples_background(self) -> bool:
        """False: there is nothing to weigh."""
        return False


class SuperpositionOr(_Superposition):
    """SuperDiff OR: a mixture of the models, weighed by their densities on the way."""

    name: Literal["superposition_or"] = "superposition_or"
    temperature: Number = Field(
        1.0,
        ge=0,
        le=1e6,
        description="the larger, the sooner one model takes all; 1 is the mixture",
    )
    estimator: Literal["ito", "published_balance", "detailed_balance", "hutchinson"] = Field(
        "ito",
        description="how densities are followed: ito or published_balance (SuperDiff's appendix D, "
        "the same numbers) with sampler sde, hutchinson with euler, detailed_balance (ours: the "
        "reverse step of Gaussian data of deviation data_std) with sde or ancestral",
    )
    bias: list[Weight] = Field(
        [], description="added to the log-densities, one number per model; none for equal shares"
    )
    data_std: Number = Field(
        0.5,
        ge=1e-4,
        le=1e4,
        description="standard deviation of the data, a guess, for detailed_balance",
    )

    decides_samplers: ClassVar[str] = "estimator"

    @property
    def samplers(self) -> tuple[str, ...]:
        """Every estimator of densities is derived for steps of its own kind."""
        kinds = {
            "ito": ("sde",),
            "published_balance": ("sde",),
            "hutchinson": ("euler",),
            "detailed_balance": ("sde", "ancestral"),
        }
        return kinds[self.estimator]

    def size_problem(self, count: int) -> str | None:
        """Beside the other operators' problems: one bias a model."""
        if self.bias and len(self.bias) != count:
            return f"operator.bias: expected {count} numbers or none, got {len(self.bias)}"
        return super().size_problem(count)


class SuperpositionAnd(_Superposition):
    """SuperDiff AND: keeps the log-densities that it follows equal, so far as these are right."""

    name: Literal["superposition_and"] = "superposition_and"
    form: Literal["published", "corrected", "ode"] = Field(
        "published",
        description="as published, with the term that it misses (both with sampler sde), or the "
        "form for the ODE (with euler), whose divergences come from one random probe a step",
    )
    lift: list[Weight] = Field(
        [],
        description="log-density wanted at the end above the first model's, one number for every "
        "model but the first",
    )

    decides_samplers: ClassVar[str] = "form"

    @property
    def samplers(self) -> tuple[str, ...]:
        """The published form and the corrected one are derived for the SDE."""
        return ("euler",) if self.form == "ode" else ("sde",)

    def size_problem(self, count: int) -> str | None:
        """Beside the other operators' problems: one lift a model but the first."""
        if count and self.lift and len(self.lift) != count - 1:
            return f"operator.lift: expected {count - 1} numbers or none, got {len(self.lift)}"
        return super().size_problem(count)


class RandomChoice(OperatorSection):
    """Every sample follows one of the models, drawn at random for it: the plain mixture."""

    name: Literal["random_choice"] = "random_choice"


class OperatorFromFile(FromFile, OperatorSection):
    """An operator of your own, from a file with the function `operator` or `field`.

    `operator(scores, x, sigma, ...)` makes one score `(batch, *dims)` of stacked ones
    `(num_models, batch, *dims)`: the background first where there is one, then what is composed.
    `field(scores, num_composed, ...)` makes a score field with a state of its own.
    """

    name: Literal["own"] = "own"
    background: Background = Field(
        "given",
        description="where the background comes from: given by the experiment, the conditionals' "
        "own unconditional model, or none",
    )

    @property
    def background_from(self) -> Background:
        """As the user says."""
        return self.background


AnyOperator = (
    Product
    | Bayes
    | SimpleProduct
    | Average
    | SuperpositionOr
    | SuperpositionAnd
    | RandomChoice
    | OperatorFromFile
)
Operator = Annotated[
    AnyOperator,
    Field(discriminator="name"),
    BeforeValidator(by_name, json_schema_input_type=AnyOperator | str),
]
"""An operator with its settings, told apart by ``name``."""

OPERATORS: tuple[type[OperatorSection], ...] = get_args(AnyOperator)
