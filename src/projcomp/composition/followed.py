"""Linear compositions that follow the log-density of every composed model at what they sample.

The estimators hold along any path whose noise they know, whichever drift made it (Skreta et al.
2025, Theorem 1 and Proposition 5; docs/method.md, section 3): so how likely a product's samples are
under each of its models costs no evaluation more.
"""

from dataclasses import dataclass, field, replace

from projcomp.composition.densities import DensityTracker
from projcomp.composition.linear import LinearField, combine
from projcomp.composition.superposition_or import Superposed
from projcomp.diffusion.field import Step
from projcomp.diffusion.shapes import Samples


@dataclass(frozen=True)
class FollowedField:
    """A linear field with a state: ``log_q`` of every stacked model, ``(num_models, batch)``.

    Attributes:
        linear: the composition, as :func:`~projcomp.composition.product.product_field` makes it.
        densities: how the log-densities are followed; it decides which samplers go with it.
    """

    linear: LinearField
    densities: DensityTracker = field(default_factory=DensityTracker)

    @property
    def stateful(self) -> bool:
        """True: a corrector's moves would not be followed, nor a trial step's."""
        return True

    @property
    def start_scale(self) -> float:
        """As of the linear field."""
        return self.linear.start_scale

    def init(self, x: Samples, sigma: float) -> Superposed:
        """Equal densities, of a Gaussian of that noise level."""
        log_q = self.densities.start(len(self.linear.coefficients), x, sigma)
        return Superposed(log_q, bits=self.densities.bits(x))

    def score(self, step: Step, state: Superposed) -> tuple[Samples, Superposed]:
        """``sum_j c_j s_j``, shape ``(batch, *dims)``."""
        if step.sigma_next > 0:
            stacked, extra = self.densities.evaluate(self.linear.scores, step, state.bits)
        else:  # the last step, which lands on a mean, changes no density
            stacked, extra = self.linear.scores(step.x, step.sigma), None
        drift = combine(stacked, self.linear.coefficients)
        return drift, replace(state, scores=stacked, extra=extra)

    def observe(self, step: Step, dx: Samples, state: Superposed) -> Superposed:
        """Follow the densities, with the scores of before the step."""
        assert state.scores is not None
        change = self.densities.change(step, dx, state.scores, state.extra)
        return replace(state, log_q=state.log_q + change, scores=None, extra=None)
