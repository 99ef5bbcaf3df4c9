"""Exact composition of pairs: samples of ``p_b (p_i / p_b) (p_j / p_b)`` from the exact scores.

Bradley et al. 2025, Definition 5.1, with the posteriors of the pictures themselves
(``exact/points.py``) in place of networks, along Heun's path in :data:`NUM_STEPS` steps.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from projcomp import seeds
from projcomp.composition.feynman_kac import Interaction, weighted_product
from projcomp.diffusion.convert import denoised_to_score
from projcomp.diffusion.noise_levels import edm_sigmas
from projcomp.diffusion.shapes import Samples, Stacked
from projcomp.exact.points import Points
from projcomp.samplers.heun import Heun
from projcomp.samplers.process import sample
from projcomp.samplers.start import start_noise

NUM_STEPS, SIGMA_MIN, SIGMA_MAX, RHO = 18, 0.002, 80.0, 7.0
LEVELS = edm_sigmas(NUM_STEPS, SIGMA_MIN, SIGMA_MAX, RHO)[: NUM_STEPS - 1]
"""Noise levels at which the interaction is measured: not at the last step, which ends in a mean."""

NUM_EVALUATIONS = 2 * NUM_STEPS - 1
"""Scores of a path: Heun's two of a step, and one of the last."""

NUMBERS_AT_ONCE = 2**20
"""Numbers (samples times pixels times channels) that follow their paths together."""

Pair = tuple[str, str]


@dataclass(frozen=True)
class Composed:
    """Samples of one pair.

    Attributes:
        x: shape ``(samples, 3, H, W)``.
        interaction: ``dv <delta_i, delta_j>`` of the pair's two deltas at each of :data:`LEVELS`,
            shape ``(samples, levels, 2, 2)``.
    """

    x: Samples
    interaction: Tensor


class PairScores:
    """Stacked scores of the background and of two conditions, which differ from sample to sample.

    All samples that ask for a condition ask together, whatever their pairs: the pictures are turned
    into numbers once for all of them.

    Args:
        background: the pictures of the background.
        conditions: those of every condition.
        asked: the number of each sample's conditions, shape ``(2, batch)``.
        on_call: called after every evaluation.
    """

    def __init__(
        self,
        background: Points,
        conditions: Sequence[Points],
        asked: Tensor,
        on_call: Callable[[], object],
    ) -> None:
        self._background, self._conditions, self._on_call = background, conditions, on_call
        self._rows = [(asked == number).nonzero() for number in range(len(conditions))]

    def __call__(self, x: Samples, sigma: float) -> Stacked:
        """Scores at ``x``, shape ``(batch, *dims)``: ``(3, batch, *dims)``."""
        denoised = torch.empty(3, *x.shape, device=x.device)
        denoised[0] = self._background.posterior(x, sigma).mean
        for points, rows in zip(self._conditions, self._rows, strict=True):
            if len(rows):
                slot, which = rows.T
                denoised[1 + slot, which] = points.posterior(x[which], sigma).mean
        self._on_call()
        return denoised_to_score(denoised, x, sigma)


def rounds(pairs: Sequence[Pair], num_samples: int, numbers: int) -> list[Sequence[Pair]]:
    """Pairs that follow their paths together; ``numbers`` is that of one sample."""
    most = max(1, NUMBERS_AT_ONCE // (num_samples * numbers))
    return [pairs[start : start + most] for start in range(0, len(pairs), most)]


def compose(
    background: Points,
    conditions: Mapping[str, Points],
    pairs: Sequence[Pair],
    num_samples: int,
    seed: int,
    on_call: Callable[[], object] = lambda: None,
) -> list[Composed]:
    """Samples of every pair; those of a pair do not depend on which others are asked for.

    Args:
        background: the pictures of the background.
        conditions: those of the conditions by name.
        pairs: two names each.
        num_samples: samples of every pair.
        seed: root of the random streams.
        on_call: called :data:`NUM_EVALUATIONS` times.
    """
    names, device = list(conditions), background.images.device
    asked = torch.tensor([[names.index(name) for name in pair] for pair in pairs], device=device)
    scores = PairScores(
        background,
        list(conditions.values()),
        asked.T.repeat_interleave(num_samples, 1),
        on_call,
    )
    starts = [
        seeds.integer_seed(seed, "predict", *pair, number)
        for pair in pairs
        for number in range(num_samples)
    ]
    sigmas = edm_sigmas(NUM_STEPS, SIGMA_MIN, SIGMA_MAX, RHO)
    start = SIGMA_MAX * start_noise(starts, background.dims).to(device)
    result = sample(weighted_product(scores, (1.0, 1.0)), start, sigmas, Heun())
    state: Interaction = result.state
    interaction = torch.stack(state.per_level, 1)
    split = zip(result.x.split(num_samples), interaction.split(num_samples), strict=True)
    return [Composed(x, products) for x, products in split]
