"""Linear compositions: the composed score is ``s = sum_j c_j s_j`` (docs/method.md, section 2)."""

from collections.abc import Sequence
from dataclasses import dataclass

from projcomp.diffusion.field import ScoreStack, Step
from projcomp.diffusion.shapes import Samples, Stacked
from projcomp.errors import ConfigError


def combine(scores: Stacked, coefficients: Sequence[float]) -> Samples:
    """The linear combination of stacked scores.

    Args:
        scores: shape ``(num_models, batch, *dims)``.
        coefficients: ``c_j``, one per model.

    Returns:
        ``sum_j c_j s_j``, shape ``(batch, *dims)``.

    Raises:
        ConfigError: there are more or fewer scores.
    """
    if len(scores) != len(coefficients):
        raise ConfigError(
            f"coefficients: expected {len(coefficients)} stacked scores, got {len(scores)}; stack "
            "as many conditions, or change the weights"
        )
    # Added one by one: the rounding of a matrix product, or of a sum over the models' axis, depends
    # on where a sample lies in memory, and so on its batch. A tensor of the coefficients would have
    # to be copied to a GPU, which every evaluation would wait for.
    total = float(coefficients[0]) * scores[0]
    for coefficient, score in zip(coefficients[1:], scores[1:], strict=True):
        total = total + float(coefficient) * score
    return total


@dataclass(frozen=True)
class LinearField:
    """The stateless score field of a linear composition.

    Attributes:
        scores: the stacked scores of the composed models.
        coefficients: ``c_j``, one per model, with a positive sum.

    Raises:
        ConfigError: the coefficients do not have a positive sum: nothing could be started from.
    """

    scores: ScoreStack
    coefficients: tuple[float, ...]

    def __post_init__(self) -> None:
        if not sum(self.coefficients) > 0:
            raise ConfigError(
                "coefficients: expected a positive sum (the start is drawn with variance "
                f"sigma_max^2 / sum), got {sum(self.coefficients):g}; lower the negative weights"
            )

    @property
    def stateful(self) -> bool:
        """False: the score depends on nothing but the samples and their noise level."""
        return False

    @property
    def start_scale(self) -> float:
        """``1 / sqrt(sum c)``: at large noise every score is ``-x / sigma^2``."""
        return sum(self.coefficients) ** -0.5

    def mean_at_infinity(self, denoised: Stacked) -> Samples:
        """``sum_j c_j D_j / sum_j c_j``, of the score ``sum_j c_j (D_j - x) / sigma^2``."""
        return combine(denoised, self.coefficients) * self.start_scale**2

    def init(self, x: Samples, sigma: float) -> None:
        """No state."""

    def score(self, step: Step, state: None) -> tuple[Samples, None]:
        """``sum_j c_j s_j`` at ``step.x``, shape ``(batch, *dims)``."""
        return combine(self.scores(step.x, step.sigma), self.coefficients), None

    def observe(self, step: Step, dx: Samples, state: None) -> None:
        """Nothing to remember."""


def simple_product(scores: ScoreStack, weights: Sequence[float]) -> LinearField:
    """``prod_i p_i^w_i`` without a background: the coefficients are the weights.

    The start is narrower than one model's, ``sigma_max^2 / sum_i w_i``.
    """
    return LinearField(scores, tuple(map(float, weights)))


def average(scores: ScoreStack, weights: Sequence[float]) -> LinearField:
    """The weighted mean of the scores: the geometric mean of the distributions.

    Raises:
        ConfigError: the weights do not have a positive sum.
    """
    total = sum(weights)
    if not total > 0:
        raise ConfigError(f"weights: expected a positive sum, got {total:g}; raise some")
    return LinearField(scores, tuple(weight / total for weight in weights))
