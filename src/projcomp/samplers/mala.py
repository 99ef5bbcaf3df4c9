"""Langevin proposals, accepted or not (MALA), without an energy."""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Bool
from torch import Tensor

from projcomp.diffusion.bounds import check_positive
from projcomp.diffusion.inner import dot
from projcomp.diffusion.shapes import Samples
from projcomp.samplers.line_integral import NUM_EVALUATIONS, Score, log_density_change
from projcomp.samplers.noise import Noise, normals_for, uniforms_for
from projcomp.samplers.result import Chain


@dataclass(frozen=True)
class Mala:
    """Metropolis-adjusted Langevin steps, one decision per sample (docs/method.md, section 6).

    ``log a = log pi(x*) - log pi(x) - [|x - x* - eta sigma^2 s(x*)|^2 - |x* - x - eta sigma^2
    s(x)|^2] / (4 eta sigma^2)``, the first difference by a line integral of the score.

    Attributes:
        step_size: ``eta``, in units of the noise variance.

    Raises:
        ConfigError: the step size is not above 0.
    """

    step_size: float

    def __post_init__(self) -> None:
        check_positive("step_size", self.step_size)

    def __call__(self, score: Score, x: Samples, sigma: float, noise: Noise, steps: int) -> Chain:
        """See :class:`projcomp.samplers.process.Kernel`."""
        size = self.step_size * sigma**2
        here = score(x)
        accepted = torch.zeros(len(x), dtype=torch.float64, device=x.device)
        for _ in range(steps):
            proposed = x + size * here + math.sqrt(2 * size) * normals_for(noise, x)
            there = score(proposed)
            back, forth = x - proposed - size * there, proposed - x - size * here
            log_ratio = log_density_change(score, x, proposed, here, there)
            log_ratio = log_ratio - (dot(back, back) - dot(forth, forth)) / (4 * size)
            taken = uniforms_for(noise, x).log() < log_ratio
            x, here = choose(taken, proposed, x), choose(taken, there, here)
            accepted = accepted + taken
        return Chain(x, 1 + steps * (1 + NUM_EVALUATIONS), accepted / steps)


def choose(taken: Bool[Tensor, " batch"], yes: Samples, no: Samples) -> Samples:
    """``yes`` where ``taken`` ``(batch,)``, else ``no``; both ``(batch, *dims)``."""
    return torch.where(taken.reshape(-1, *[1] * (yes.ndim - 1)), yes, no)
