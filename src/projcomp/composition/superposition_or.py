"""SuperDiff OR: a mixture of models, weighed by their densities on the way.

Skreta et al. 2025, section 3 (docs/method.md, section 4): ``kappa = softmax(T log q + ell)``,
``u = sum_i kappa_i s_i``. With T = 1 and ``ell = log omega`` it samples ``sum_i omega_i q_i``.
With guidance ``u`` is the guided one, and kappa that of the unguided densities.
"""

from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from projcomp.composition.densities import DensityTracker, Superposed
from projcomp.composition.guidance import check, guided, split
from projcomp.diffusion.bounds import check_number
from projcomp.diffusion.field import ScoreStack, Step
from projcomp.diffusion.shapes import PerModel, Samples, Stacked
from projcomp.errors import ConfigError


class Superposition:
    """What the score fields of all superpositions have in common.

    Attributes:
        num_models: how many models, without the background.
        guidance: ``g`` over the background; None for no background.
    """

    num_models: int
    guidance: float | None

    def __post_init__(self) -> None:
        check(self.guidance)

    @property
    def stateful(self) -> bool:
        """True: the weights follow the densities, and so the steps, along the path."""
        return True

    @property
    def start_scale(self) -> float:
        """1: the weights sum to 1."""
        return 1.0

    def mean_at_infinity(self, denoised: Stacked) -> Samples:
        """The mean of the models, guided where there is guidance."""
        return mean_of_equals(denoised, self.num_models, self.guidance)


@dataclass(frozen=True)
class SuperpositionOr(Superposition):
    """The score field of a mixture.

    Attributes:
        scores: the stacked models; with guidance the background before them.
        num_models: how many models, without the background.
        bias: ``ell``, one per model; zeros for equal shares.
        temperature: ``T``; the larger, the sooner one model takes all.
        densities: how the log-densities are followed.
        guidance: ``g`` over the background; None for no background.

    Raises:
        ConfigError: the temperature is negative or not finite, or there are more or fewer biases.
    """

    scores: ScoreStack
    num_models: int
    bias: tuple[float, ...] = ()
    temperature: float = 1.0
    densities: DensityTracker = field(default_factory=DensityTracker)
    guidance: float | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        check_number("temperature", self.temperature, least=0)
        if self.bias and len(self.bias) != self.num_models:
            raise ConfigError(
                f"bias: expected {self.num_models} numbers or none, got {len(self.bias)}"
            )
        for bias in self.bias:
            check_number("bias", bias)

    def mean_at_infinity(self, denoised: Stacked) -> Samples:
        """Of the mixture by the bias alone, guided where there is guidance."""
        return mean_of_equals(denoised, self.num_models, self.guidance, self.bias)

    def init(self, x: Samples, sigma: float) -> Superposed:
        """Equal densities."""
        return self.densities.init(self.num_models, x, sigma)

    def score(self, step: Step, state: Superposed) -> tuple[Samples, Superposed]:
        """``sum_i kappa_i s_i``, guided where there is guidance, shape ``(batch, *dims)``."""
        stacked, state = self.densities.scores_of(self.scores, step, state)
        background, stacked = split(stacked, self.num_models, self.guidance)
        prior = _prior(self.num_models, self.bias)
        level = self.temperature * state.log_q + prior.to(stacked.device)[:, None]
        kappa = level.softmax(0)
        drift = guided(weighted_sum(kappa, stacked), background, self.guidance)
        return drift, replace(state, kappa=kappa)

    def observe(self, step: Step, dx: Samples, state: Superposed) -> Superposed:
        """Follow the densities, with the scores of before the step."""
        return self.densities.observe(step, dx, state)


def mean_of_equals(
    denoised: Stacked, num_models: int, guidance: float | None, bias: tuple[float, ...] = ()
) -> Samples:
    """``sum_i kappa_i D_i`` at equal densities, guided, shape ``(batch, *dims)``.

    Args:
        denoised: ``D_i``, shape ``(num_models, batch, *dims)``; with guidance the background first.
        num_models: how many models, without the background.
        guidance: ``g`` over the background, or None.
        bias: ``ell`` of the models; empty for equal shares.
    """
    background, stacked = split(denoised, num_models, guidance)
    kappa = _prior(num_models, bias).softmax(0).to(stacked.device)
    mean = weighted_sum(kappa[:, None].expand(-1, stacked.shape[1]), stacked)
    return guided(mean, background, guidance)


def _prior(num_models: int, bias: tuple[float, ...]) -> Tensor:
    """``ell``, zeros where there is no bias, shape ``(num_models,)``, float64."""
    return torch.tensor(bias or [0.0] * num_models, dtype=torch.float64)


def weighted_sum(kappa: PerModel, stacked: Stacked) -> Samples:
    """``sum_i kappa_i s_i`` with weights ``(num_models, batch)``, one model after the other.

    In float64: AND's weights reach millions of either sign where scores nearly agree.
    """
    weighted = kappa.reshape(*kappa.shape, *[1] * (stacked.ndim - 2)) * stacked
    total = weighted.new_zeros(weighted.shape[1:])
    for term in weighted:
        total = total + term
    return total.to(stacked.dtype)
