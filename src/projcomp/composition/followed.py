"""Linear compositions that follow the log-density of every composed model at what they sample.

The estimators hold along any path whose noise they know, whichever drift made it (Skreta et al.
2025, Theorem 1 and Proposition 5; docs/method.md, section 3): so how likely a product's samples are
under each of its models costs no evaluation more.
"""

from dataclasses import dataclass, field

from projcomp.composition.densities import DensityTracker, Superposed
from projcomp.composition.linear import LinearField, combine
from projcomp.diffusion.field import Step
from projcomp.diffusion.shapes import Samples, Stacked


@dataclass(frozen=True)
class FollowedField:
    """A linear field with a state: ``log_q`` of every followed model, ``(num_followed, batch)``.

    Attributes:
        linear: the composition, as :func:`~projcomp.composition.product.product_field` makes it.
        densities: how the log-densities are followed; it decides which samplers go with it.
        num_followed: how many of the stacked models, the last ones; None for all of them.
    """

    linear: LinearField
    densities: DensityTracker = field(default_factory=DensityTracker)
    num_followed: int | None = None

    @property
    def stateful(self) -> bool:
        """True: a corrector's moves would not be followed, nor a trial step's."""
        return True

    @property
    def start_scale(self) -> float:
        """As of the linear field."""
        return self.linear.start_scale

    def mean_at_infinity(self, denoised: Stacked) -> Samples:
        """As of the linear field."""
        return self.linear.mean_at_infinity(denoised)

    def init(self, x: Samples, sigma: float) -> Superposed:
        """Equal densities, of a Gaussian of that noise level."""
        count = len(self.linear.coefficients) if self.num_followed is None else self.num_followed
        return self.densities.init(count, x, sigma)

    def score(self, step: Step, state: Superposed) -> tuple[Samples, Superposed]:
        """``sum_j c_j s_j``, shape ``(batch, *dims)``."""
        stacked, state = self.densities.scores_of(self.linear.scores, step, state)
        return combine(stacked, self.linear.coefficients), state

    def observe(self, step: Step, dx: Samples, state: Superposed) -> Superposed:
        """Follow the densities, with the scores of before the step."""
        return self.densities.observe(step, dx, state)
