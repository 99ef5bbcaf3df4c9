"""EDM's deterministic sampler: Heun steps on the probability-flow ODE, the last one Euler.

Karras et al. 2022, Algorithm 1 with ``sigma(t) = t``: ``dx/dsigma = -sigma * score``.
"""

from itertools import pairwise

from torch import Tensor

from projcomp.diffusion.field import ScoreField, Step
from projcomp.errors import ConfigError
from projcomp.samplers.result import SamplerResult


def sample_heun(field: ScoreField, x: Tensor, sigmas: Tensor) -> SamplerResult:
    """Follow the probability-flow ODE of ``field`` from ``sigmas[0]`` to ``sigmas[-1]``.

    A step to zero is an Euler step (the score is not defined there), which lands on the denoised
    mean; so ``num_steps`` levels above zero and a final 0 cost ``2 * num_steps - 1`` evaluations.

    Args:
        field: a field whose score does not depend on its state: a step's second evaluation is at a
            trial point that no state has seen.
        x: the start, shape ``(batch, *dims)``, already scaled to its noise level.
        sigmas: decreasing noise levels, shape ``(num_steps + 1,)``.

    Raises:
        ConfigError: the field is stateful.
    """
    if field.stateful:
        raise ConfigError(
            "sampler: expected one that evaluates once per step, because this operator's weights "
            "follow the steps really made, got heun; choose another sampler or operator"
        )
    levels = sigmas.tolist()
    state = field.init(x, levels[0])
    num_evaluations = 0
    for sigma, sigma_next in pairwise(levels):
        step = Step(x, sigma, sigma_next)
        score, state = field.score(step, state)
        dx = (sigma_next - sigma) * (-sigma * score)
        num_evaluations += 1
        if sigma_next > 0:
            trial, _ = field.score(Step(x + dx, sigma_next, sigma_next), state)
            dx = (sigma_next - sigma) * (-sigma * score - sigma_next * trial) / 2
            num_evaluations += 1
        state = field.observe(step, dx, state)
        x = x + dx
    return SamplerResult(x, state, num_evaluations)
