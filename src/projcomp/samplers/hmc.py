"""Hamiltonian Monte Carlo on the composed score, without an energy (Du et al. 2023)."""

import math
from dataclasses import dataclass

import torch

from projcomp.diffusion.bounds import check_number, check_positive
from projcomp.diffusion.inner import dot
from projcomp.diffusion.shapes import Samples
from projcomp.samplers.line_integral import NUM_EVALUATIONS, Score, log_density_change
from projcomp.samplers.mala import choose
from projcomp.samplers.noise import Noise, normals_for, uniforms_for
from projcomp.samplers.result import Chain


@dataclass(frozen=True)
class Hmc:
    """Leapfrog trajectories with unit mass, partial refreshment, one decision per sample.

    After a rejection the momentum turns round, without which partial refreshment would not keep
    the distribution.

    Attributes:
        step_size: leapfrog step, in units of the noise level.
        leapfrog: leapfrog steps per proposal.
        keep: share of the momentum kept between proposals, in [0, 1); 0 draws it anew.

    Raises:
        ConfigError: the step size is not above 0, or the share out of its bounds.
    """

    step_size: float
    leapfrog: int = 3
    keep: float = 0.0

    def __post_init__(self) -> None:
        check_positive("step_size", self.step_size)
        check_number("keep", self.keep, 0, 1)

    def __call__(self, score: Score, x: Samples, sigma: float, noise: Noise, steps: int) -> Chain:
        """See :class:`projcomp.samplers.process.Kernel`."""
        size = self.step_size * sigma
        here, momentum = score(x), normals_for(noise, x)
        accepted = torch.zeros(len(x), dtype=torch.float64, device=x.device)
        for _ in range(steps):
            fresh = normals_for(noise, x)
            momentum = self.keep * momentum + math.sqrt(1 - self.keep**2) * fresh
            y, there, speed = x, here, momentum
            for _ in range(self.leapfrog):
                speed = speed + size / 2 * there
                y = y + size * speed
                there = score(y)
                speed = speed + size / 2 * there
            log_ratio = log_density_change(score, x, y, here, there)
            log_ratio = log_ratio + (dot(momentum, momentum) - dot(speed, speed)) / 2
            taken = uniforms_for(noise, x).log() < log_ratio
            x, here = choose(taken, y, x), choose(taken, there, here)
            momentum = choose(taken, speed, -momentum)
            accepted = accepted + taken
        cost = 1 + steps * (self.leapfrog + NUM_EVALUATIONS)
        return Chain(x, cost, accepted / steps)
