"""SuperDiff AND: all models' densities kept equal along the path (Skreta et al. 2025, Prop. 6).

With ``V_i = s_i - s_1``, ``n~`` the noise of the very step and ``G = V V^T`` per sample:

    dx = dv s_1 + sum_i a_i V_i + n~,   G a = r,   r_i = dv/2 |V_i|^2 - <n~, V_i> + lift_i

which keeps ``dlog q_i - dlog q_1 = lift_i`` as Ito's estimator counts them; samples are equally
likely so far as that estimator is right. Without a lift ``dx = dv c + (I - P) n~``, with c the
circumcentre of the scores and P the projector on span{V} (docs/method.md, section 4). The step of
two models is bounded by their scores and the noise; the circumcentre of three nearly collinear
scores may lie anywhere, and so may the step's end. The published form looks at the step's own
noise, of which Ito's rule then misses a term; ``corrected`` adds it.

With guidance g over a background b the step starts from ``s_g = s_b + g (s_1 - s_b)`` in place of
``s_1``, r_i has ``dv <V_i, s_1 - s_g>`` more, and ``kappa_i = a_i / (g dv)``: the path is the
guided one, the densities that stay equal are those of the unguided models.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float, Float64
from torch import Tensor

from projcomp.composition import divergence
from projcomp.composition.densities import DensityTracker, Superposed
from projcomp.composition.feynman_kac import gram
from projcomp.composition.guidance import guided, split
from projcomp.composition.log_density import gaussian_log_density
from projcomp.composition.superposition_or import Superposition, weighted_sum
from projcomp.diffusion.field import Retraction, ScoreStack, Step, add
from projcomp.diffusion.inner import dots
from projcomp.diffusion.shapes import Gram, PerModel, Precise, Samples, Stacked
from projcomp.errors import ConfigError

RIDGE = 1e-9
"""Added to the Gram matrix's diagonal, relative to its trace, where scores are nearly collinear."""


@dataclass(frozen=True)
class SuperpositionAnd(Superposition):
    """The score field of equal densities on the reverse SDE, for any number of models.

    Of three models and more the steps are not bounded (see above).

    Attributes:
        scores: the stacked models; with guidance the background before them.
        num_models: how many models, without the background.
        lift: ``log q_i - log q_1`` wanted at the end, one for every model but the first; empty for
            equal densities.
        lift_end: the least noise level above zero, by which the lift is complete; it is spread
            evenly over ln sigma. Needed with a lift.
        corrected: whether to add the term that the published form misses: one directional
            derivative of all scores per step and model beyond the first. Scores must then be
            differentiable.
        guidance: ``g`` over the background; None for no background.
        at_start: ``(x, sigma) -> log q (batch,)`` where the path starts, the same for all models.
        retract: as of the sampler, for the derivatives of the corrected form.
    """

    scores: ScoreStack
    num_models: int
    lift: tuple[float, ...] = ()
    lift_end: float | None = None
    corrected: bool = False
    guidance: float | None = None
    at_start: Callable[[Samples, float], Precise] = gaussian_log_density
    retract: Retraction = add

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_lift(self.lift, self.lift_end, self.num_models)

    def init(self, x: Samples, sigma: float) -> "AndState":
        """Equal densities."""
        return AndState(self._densities.start(self.num_models, x, sigma), start=sigma)

    def score(self, step: Step, state: "AndState") -> "tuple[Samples, AndState]":
        """The drift ``u = s_1 + sum_i kappa_i V_i``, guided, shape ``(batch, *dims)``.

        Raises:
            ConfigError: the sampler injects another variance than the exact one.
        """
        if step.sigma_next > 0 and not step.injects_dv:
            raise ConfigError(
                "sampler: expected one that injects the exact noise variance (sde) for AND, got "
                "another; or take the operator's form for the ODE"
            )
        background, stacked = split(self.scores(step.x, step.sigma), self.num_models, self.guidance)
        origin = guided(stacked[0], background, self.guidance)
        v = stacked[1:] - stacked[:1]
        products = gram(v)
        right = step.dv / 2 * products.diagonal(dim1=1, dim2=2)
        if step.noise is not None:
            right = right - dots((step.noise_std * step.noise)[None], v).T
        if background is not None:
            right = right + step.dv * dots((stacked[0] - origin)[None], v).T
        right = right + _lift(self, step, state).to(right.device)
        missed = None
        if self.corrected and step.sigma_next > 0:
            missed = -step.dv / 2 * self._traces(step, v, products)
            right = right - (missed[1:] - missed[:1]).T
        drift, kappa = _drift(origin, v, solve(products, right) / step.dv, self.guidance)
        return drift, replace(state, kappa=kappa, scores=stacked, extra=missed)

    def observe(self, step: Step, dx: Samples, state: "AndState") -> "AndState":
        """Follow the densities; the last step, which lands on a mean, is left out."""
        assert state.scores is not None
        log_q = state.log_q + self._densities.change(step, dx, state.scores, None)
        log_q = log_q if state.extra is None else log_q + state.extra
        return replace(state, log_q=log_q, scores=None, extra=None)

    @property
    def _densities(self) -> DensityTracker:
        return DensityTracker("ito", at_start=self.at_start)

    def _traces(
        self,
        step: Step,
        v: Float[Tensor, "others batch *dims"],
        products: Float64[Tensor, "batch others others"],
    ) -> PerModel:
        """``tr(P grad s_i)``, shape ``(num_models, batch)``, P the projector on span{V}."""
        factor = torch.linalg.cholesky(ridged(products))
        flat = v.to(torch.float64).flatten(2).transpose(0, 1)
        basis = torch.linalg.solve_triangular(factor, flat, upper=False)
        total = torch.zeros(self.num_models, len(step.x), dtype=torch.float64, device=v.device)
        here = v.new_zeros(v.shape[1:])  # there may be no difference of scores

        def moved(dx: Samples, sigma: float) -> Stacked:
            return self.scores(self.retract(step, dx), sigma)

        for axis in range(self.num_models - 1):
            direction = basis[:, axis].reshape(here.shape).to(here.dtype)
            along = divergence.hutchinson(moved, here, step.sigma, direction)[1]
            total = total + along[-self.num_models :]
        return total


@dataclass(frozen=True)
class AndState(Superposed):
    """State of AND: as of OR, and the noise level that the path started at."""

    start: float = 1.0


@dataclass(frozen=True)
class SuperpositionAndOde(Superposition):
    """The score field of equal densities on the probability-flow ODE.

    ``G a = r``, ``r_i = (div s_i - div s_1) + <V_i, s_i>``: exact in the steps' limit, but needs
    divergences. With probes, densities come equal as the inverse root of the number of steps.
    Guidance adds ``<V_i, s_1 - s_g>``, a lift its share over ``sigma (sigma - sigma_next)``.

    Attributes:
        scores: the stacked models, differentiable; with guidance the background before them.
        num_models: how many models, without the background.
        exact: exact divergences, for few dimensions; else one Hutchinson probe a step.
        lift: as of the SDE's form.
        lift_end: the same.
        guidance: ``g`` over the background; None for no background.
    """

    scores: ScoreStack
    num_models: int
    exact: bool = False
    lift: tuple[float, ...] = ()
    lift_end: float | None = None
    guidance: float | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_lift(self.lift, self.lift_end, self.num_models)

    def init(self, x: Samples, sigma: float) -> AndState:
        """Equal densities."""
        log_q = self._densities.start(self.num_models, x, sigma)
        return AndState(log_q, bits=self._densities.bits(x), start=sigma)

    def score(self, step: Step, state: AndState) -> tuple[Samples, AndState]:
        """``s_1 + sum_i a_i V_i``, guided, shape ``(batch, *dims)``.

        Raises:
            ConfigError: the sampler injects noise.
        """
        if step.noise is not None:
            raise ConfigError(
                "sampler: expected one without noise (euler) for this form of AND, got another"
            )
        evaluated, traces = self._densities.evaluate(self.scores, step, state.bits)
        assert traces is not None
        background, stacked = split(evaluated, self.num_models, self.guidance)
        traces = traces[-self.num_models :]
        origin = guided(stacked[0], background, self.guidance)
        v = stacked[1:] - stacked[:1]
        right = traces[1:] - traces[:1] + dots(v, stacked[1:])
        if background is not None:
            right = right + dots(v, (stacked[0] - origin)[None])
        if self.lift:
            fall = step.sigma * (step.sigma - step.sigma_next)
            right = right + _lift(self, step, state).to(right.device)[:, None] / fall
        drift, kappa = _drift(origin, v, solve(gram(v), right.T), self.guidance)
        return drift, replace(state, kappa=kappa, scores=stacked, extra=traces)

    def observe(self, step: Step, dx: Samples, state: AndState) -> AndState:
        """Follow the densities; the last step, which lands on a mean, is left out."""
        assert state.scores is not None
        change = self._densities.change(step, dx, state.scores, state.extra)
        return replace(state, log_q=state.log_q + change, scores=None, extra=None)

    @property
    def _densities(self) -> DensityTracker:
        return DensityTracker("exact" if self.exact else "hutchinson")


def _check_lift(lift: Sequence[float], lift_end: float | None, num_models: int) -> None:
    if lift and len(lift) != num_models - 1:
        raise ConfigError(
            f"lift: expected {num_models - 1} numbers, one for every model but the first, or none, "
            f"got {len(lift)}"
        )
    if lift and not lift_end:
        raise ConfigError(
            "lift_end: expected the least noise level above zero with a lift, got none"
        )


def _lift(field: SuperpositionAnd | SuperpositionAndOde, step: Step, state: AndState) -> Tensor:
    """This step's share of the lift, shape ``(M - 1,)``."""
    if not field.lift:
        return torch.zeros(field.num_models - 1).double()
    assert field.lift_end is not None
    if state.start <= field.lift_end:  # a path of one level, whose only step has all of it
        return torch.tensor(field.lift, dtype=torch.float64)
    low, high = max(step.sigma_next, field.lift_end), max(step.sigma, field.lift_end)
    share = math.log(high / low) / math.log(state.start / field.lift_end)
    return share * torch.tensor(field.lift, dtype=torch.float64)


def _drift(
    origin: Samples,
    v: Float[Tensor, "others batch *dims"],
    coefficients: Float64[Tensor, "batch others"],
    guidance: float | None,
) -> tuple[Samples, PerModel]:
    """``s_1 + sum_i a_i V_i``, ``a`` of shape ``(batch, M - 1)``; and all kappa, ``(M, batch)``.

    Not ``sum_i kappa_i s_i``: kappa reaches hundreds where scores nearly agree. Guidance moves the
    origin, and is in the coefficients and not in kappa.
    """
    kappa = coefficients.T / (guidance or 1.0)
    drift = origin + weighted_sum(coefficients.T, v)
    return drift, torch.cat([1 - kappa.sum(0, keepdim=True), kappa])


def ridged(products: Gram) -> Gram:
    """Gram matrices ``(batch, M, M)`` with a little on the diagonal, so that they can be solved."""
    trace = products.diagonal(dim1=1, dim2=2).sum(1)
    little = (RIDGE * trace).clamp(min=1e-300)
    eye = torch.eye(products.shape[1], dtype=products.dtype, device=products.device)
    return products + little[:, None, None] * eye


def solve(
    products: Gram, right: Float64[Tensor, "batch models"]
) -> Float64[Tensor, "batch models"]:
    """Solutions ``(batch, M)`` of the Gram systems ``G a = r``; zero where all scores agree."""
    solution = torch.linalg.solve(ridged(products), right[..., None])[..., 0]
    agree = products.diagonal(dim1=1, dim2=2).sum(1) == 0
    return torch.where(agree[:, None], torch.zeros_like(solution), solution)
