"""Finite sets of points, blurred: their exact scores at any size of a sample.

A set of points noised by ``sigma`` is a mixture of equal round Gaussians, so that ``D(x; sigma)``
is a weighted mean of the points and of x. As Gaussian mixtures
(:mod:`projcomp.composition.mixtures`), but in matrix products, for images.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from projcomp.composition.mixtures import GaussianMixture
from projcomp.diffusion.convert import denoised_to_score


@dataclass(frozen=True)
class FiniteSet:
    """Equally likely points, each blurred by Gaussian noise.

    Attributes:
        points: shape ``(K, *dims)``, float64.
        std: standard deviation of the blur.
    """

    points: Tensor
    std: float

    def denoised(self, x: Tensor, sigma: float) -> Tensor:
        """``E[x0 | x]``, shape ``(batch, *dims)``."""
        share = sigma**2 / (sigma**2 + self.std**2)
        return share * self._nearest(x, sigma) + (1 - share) * x

    def score(self, x: Tensor, sigma: float) -> Tensor:
        """``grad log p(x; sigma)``, shape ``(batch, *dims)``."""
        if sigma > 0:
            return denoised_to_score(self.denoised(x, sigma), x, sigma)
        return (self._nearest(x, 0.0) - x) / self.std**2

    @property
    def mixture(self) -> GaussianMixture:
        """The same as a Gaussian mixture, with its log-densities; for few dimensions."""
        return GaussianMixture.isotropic(self.points.flatten(1), self.std)

    def sample(self, count: int, *, rng: torch.Generator) -> Tensor:
        """Independent samples, shape ``(count, *dims)``."""
        which = torch.randint(len(self.points), (count,), generator=rng)
        shape = (count, *self.points.shape[1:])
        noise = torch.randn(shape, generator=rng, dtype=self.points.dtype)
        return self.points[which] + self.std * noise

    def _nearest(self, x: Tensor, sigma: float) -> Tensor:
        """The mean of the points by their weights given ``x``."""
        flat, points = x.flatten(1), self.points.flatten(1)
        distance = flat @ points.T - points.square().sum(1) / 2  # less |x|^2/2, common to all
        weights = (distance / (sigma**2 + self.std**2)).softmax(1)
        return (weights @ points).reshape(x.shape)
