"""Linear compositions that weigh what they make: Feynman-Kac weights, and why they are needed.

A reverse process driven by ``s = sum_j c_j s_j`` does not sample ``prod_j p_j^(c_j)``; each path
has the weight ``dlog w = dv/2 (|s|^2 - sum_j c_j |s_j|^2)`` (Skreta et al. 2025b; docs/method.md,
section 5), valid for any share of noise, the ODE included, at no extra evaluation. With the
deltas ``delta_i = s_i - s_b`` from a background this is

    dlog w = dv/2 (sum_ij w_i w_j <delta_i, delta_j> - sum_i w_i |delta_i|^2),

so that what is recorded here, the *interaction* ``sum dv <delta_i, delta_j>``, says which pair, at
which noise level and at which pixel breaks the composition: where the deltas are orthogonal
(Bradley et al. 2025, Definition F.1) and every ``w_i`` is 0 or 1 the weights are one.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from projcomp.composition.linear import LinearField, combine
from projcomp.composition.product import product_coefficients
from projcomp.diffusion.field import ScoreStack, Step
from projcomp.diffusion.shapes import Gram, Index, Precise, Samples, Stacked
from projcomp.errors import ConfigError


@dataclass(frozen=True)
class Interaction:
    """What a weighed path has recorded; ``M`` deltas.

    Attributes:
        sigma: the noise level reached.
        log_weight: Feynman-Kac log-weights since the last resampling, shape ``(batch,)``, float64.
        levels: noise levels at which steps began.
        per_level: ``dv <delta_i, delta_j>`` at each of them, each ``(batch, M, M)``, float64.
        density: ``sum_{i<j} w_i w_j delta_i delta_j dv`` before summing over a sample's numbers,
            shape ``(batch, *dims)``: the map over pixels.
    """

    sigma: float
    log_weight: Precise
    levels: list[float]
    per_level: list[Gram]
    density: Samples
    _pending: Stacked | None = field(default=None, repr=False)

    def records(self) -> dict[str, Tensor]:
        """``log_weight`` ``(batch,)``, ``interaction`` ``(batch, levels, M, M)`` and its map.

        The ``interaction_map`` ``(batch, *dims)`` is elementwise over a sample. Without a
        background the deltas are the scores themselves.
        """
        found = {"log_weight": self.log_weight}
        if self.per_level:
            found["interaction"] = torch.stack(self.per_level, 1)
            found["interaction_map"] = self.density
        return found

    @property
    def total(self) -> Gram:
        """The interaction over the whole path, shape ``(batch, M, M)``.

        Raises:
            ConfigError: the path had one step, which is not weighed.
        """
        if not self.per_level:
            raise ConfigError(
                "expected a path of at least two steps, got one: it has no interaction"
            )
        return torch.stack(self.per_level).sum(0)

    @property
    def normalised(self) -> Gram:
        """Cosines ``<delta_i, delta_j>/(|delta_i| |delta_j|)`` over the path, ``(batch, M, M)``."""
        total = self.total
        length = total.diagonal(dim1=1, dim2=2).clamp(min=1e-300).sqrt()
        return total / (length[:, :, None] * length[:, None, :])


@dataclass(frozen=True)
class WeightedLinearField:
    """A linear composition that records its weights and the interaction of its deltas.

    Attributes:
        scores: stacked scores; of the background first, where there is one.
        weights: ``w_i``, one per conditional.
        background: whether the composition is a product over a background (the coefficients then
            sum to 1); without one the deltas are the scores themselves.
    """

    scores: ScoreStack
    weights: tuple[float, ...]
    background: bool = True

    def __post_init__(self) -> None:
        _ = self._unweighed  # which says what is wrong with the coefficients

    @property
    def coefficients(self) -> tuple[float, ...]:
        """``c_j`` of the stacked scores."""
        return product_coefficients(self.weights) if self.background else self.weights

    @property
    def stateful(self) -> bool:
        """False: the score depends on the samples and their noise level alone."""
        return False

    @property
    def start_scale(self) -> float:
        """``1 / sqrt(sum c)``, as of every linear composition."""
        return self._unweighed.start_scale

    def mean_at_infinity(self, denoised: Stacked) -> Samples:
        """As of every linear composition."""
        return self._unweighed.mean_at_infinity(denoised)

    @property
    def _unweighed(self) -> LinearField:
        return LinearField(self.scores, self.coefficients)

    def init(self, x: Samples, sigma: float) -> Interaction:
        """Weights of one, and nothing recorded."""
        zeros = torch.zeros(len(x), dtype=torch.float64, device=x.device)
        return Interaction(sigma, zeros, [], [], torch.zeros_like(x))

    def score(self, step: Step, state: Interaction) -> tuple[Samples, Interaction]:
        """``sum_j c_j s_j``; the state keeps the deltas of this evaluation."""
        stacked = self.scores(step.x, step.sigma)
        deltas = stacked[1:] - stacked[:1] if self.background else stacked
        return combine(stacked, self.coefficients), replace(state, _pending=deltas)

    def observe(self, step: Step, dx: Samples, state: Interaction) -> Interaction:
        """Weigh the step.

        Raises:
            ConfigError: the step did not begin where the last one ended.
        """
        if abs(step.sigma - state.sigma) > 1e-6 * state.sigma:
            raise ConfigError(
                "sampler: expected steps that follow each other for Feynman-Kac weights, got one "
                f"from sigma {step.sigma:g} after one to {state.sigma:g} (churn); set churn to 0"
            )
        assert state._pending is not None
        if step.sigma_next == 0:  # lands on a mean, which has no density
            return replace(state, sigma=0.0, _pending=None)
        # here, as most evaluations are no steps: trial points, and a corrector's
        products = gram(state._pending)
        density = _pair_density(state._pending, self.weights)
        w = torch.tensor(self.weights, dtype=torch.float64, device=products.device)
        square = torch.einsum("i,j,bij->b", w, w, products)
        change = (square - products.diagonal(dim1=1, dim2=2) @ w) / 2
        return Interaction(
            step.sigma_next,
            state.log_weight + step.dv * change,
            [*state.levels, step.sigma],
            [*state.per_level, step.dv * products],
            state.density + step.dv * density,
        )

    def log_weight(self, state: Interaction) -> Precise:
        """Log-weights ``(batch,)`` since the last resampling."""
        return state.log_weight

    def resampled(self, state: Interaction, index: Index, log_weight: Precise) -> Interaction:
        """The records of the samples ``index``, with these log-weights."""
        return replace(
            state,
            log_weight=log_weight,
            per_level=[products[index] for products in state.per_level],
            density=state.density[index],
        )


def weighted_product(scores: ScoreStack, weights: Sequence[float]) -> WeightedLinearField:
    """The product over a background (the first of the stacked scores), weighed."""
    return WeightedLinearField(scores, tuple(map(float, weights)))


def gram(deltas: Stacked) -> Gram:
    """``<delta_i, delta_j>`` in float64: ``(M, batch, *dims)`` to ``(batch, M, M)``."""
    flat = deltas.to(torch.float64).flatten(2)
    if not len(flat):  # the background alone
        return flat.new_zeros(flat.shape[1], 0, 0)
    # row by row: a batched matrix product may round by where a sample lies in the batch
    return torch.stack([(flat[i] * flat).sum(2) for i in range(len(flat))]).permute(2, 0, 1)


def _pair_density(deltas: Stacked, weights: Sequence[float]) -> Samples:
    """``sum_{i<j} w_i w_j delta_i delta_j`` elementwise, as half of square minus squares."""
    w = torch.tensor(weights, dtype=deltas.dtype, device=deltas.device)
    scaled = w.reshape(-1, *[1] * (deltas.ndim - 1)) * deltas
    return (scaled.sum(0).square() - scaled.square().sum(0)) / 2
