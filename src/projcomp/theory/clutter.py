"""One-hot conditionals over independent clutter, with exact scores ([B], Fig. 11 and E.2).

``p_b``: every coordinate is 1 with probability ``q`` and 0 otherwise, independently, plus Gaussian
noise; ``p_i``: the same with coordinate i always 1; ``p_u``, the mean of all ``p_i``, is what a
model sees that is unconditional. With ``q = 0`` the background is empty and ``p_i = N(e_i, s^2)``.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from scipy.stats import binom
from torch import Tensor

from projcomp.diffusion.field import ScoreStack


@dataclass(frozen=True)
class Clutter:
    """The family of distributions on ``num_places`` coordinates.

    Attributes:
        num_places: ``n``.
        q: probability of a 1 where nothing was asked for.
        std: standard deviation of the noise around 0 and 1.
    """

    num_places: int
    q: float
    std: float

    def background(self, x: Tensor, sigma: float) -> Tensor:
        """Score of ``p_b`` at ``x``, shape ``(batch, n)``."""
        return self._places(x, sigma)[1]

    def unconditional(self, x: Tensor, sigma: float) -> Tensor:
        """Score of ``p_u``: that of ``p_b`` and the pull of the ratios ``p_i / p_b``."""
        log_ratio, score = self._places(x, sigma)
        return score + log_ratio.softmax(1) * (self._to_one(x, sigma) - score)

    def stack(self, places: Sequence[int], background: str) -> ScoreStack:
        """Stacked scores of a background (``empty`` or ``unconditional``) and of the ``p_i``.

        The score of ``p_i`` is the background's but at coordinate i, which is 1 for certain.
        """
        index = torch.tensor(places)

        def scores(x: Tensor, sigma: float) -> Tensor:
            empty = self.background(x, sigma)
            first = empty if background == "empty" else self.unconditional(x, sigma)
            conditionals = empty.expand(len(places), *x.shape).clone()
            conditionals[torch.arange(len(places)), :, index] = self._to_one(x, sigma)[:, index].T
            return torch.cat([first[None], conditionals])

        return scores

    def chi_square(self) -> float:
        """``E_b (p_u/p_b - 1)^2 = (1 - q) / (n q)`` without noise ([B], E.2)."""
        return (1 - self.q) / (self.num_places * self.q)

    def tilted_share(self, num_composed: int) -> float:
        """Share of ones elsewhere under ``p_u^(1 - k) prod p_i`` without noise, exactly.

        With m ones among the others, ``p_u/p_b = (k + m)/(n q)``, so that their binomial law is
        tilted by ``(k + m)^(1 - k)``: the unconditional background asks for too few.
        """
        others = self.num_places - num_composed
        m = np.arange(others + 1)
        weights = binom.pmf(m, others, self.q) * (num_composed + m) ** (1.0 - num_composed)
        return float((weights * m).sum() / weights.sum() / others)

    def sample(self, count: int, *, rng: torch.Generator) -> Tensor:
        """Samples of ``p_b`` without the noise, shape ``(count, n)``: zeros and ones."""
        shape = (count, self.num_places)
        return (torch.rand(shape, generator=rng, dtype=torch.float64) < self.q).to(torch.float64)

    def ratio(self, x: Tensor, sigma: float = 0.0) -> Tensor:
        """``p_u / p_b`` at ``x``, shape ``(batch,)``."""
        return self._places(x, sigma)[0].exp().mean(1)

    def _to_one(self, x: Tensor, sigma: float) -> Tensor:
        """Score of every coordinate that is 1 for certain, shape ``(batch, n)``."""
        return (1 - x) / self._variance(sigma)

    def _variance(self, sigma: float) -> float:
        return self.std**2 + sigma**2

    def _places(self, x: Tensor, sigma: float) -> tuple[Tensor, Tensor]:
        """Per coordinate, ``log N(x; 1)`` less the background's log, and the latter's score."""
        variance = self._variance(sigma)
        one = -((x - 1) ** 2) / (2 * variance)
        zero = -(x**2) / (2 * variance)
        if self.q == 0:
            return one - zero, -x / variance
        log_odds = one - zero + math.log(self.q) - math.log1p(-self.q)
        occupied = log_odds.sigmoid()
        log_ratio = torch.nn.functional.logsigmoid(log_odds) - math.log(self.q)
        return log_ratio, (occupied - x) / variance
