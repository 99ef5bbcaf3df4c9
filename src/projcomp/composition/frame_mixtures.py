"""Exact mixtures of frames: the oracle of compositions on R^3 x SO(3).

A component is, for every frame independently, a Gaussian of the translation times IGSO(3) of the
rotation. Noise adds to both variances, so that scores and log-densities are exact at every level.
Everything is float64.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float64
from torch import Tensor

from projcomp.composition import igso3
from projcomp.composition.log_density import gaussian_log_density
from projcomp.diffusion.frames import Frames, Tangents
from projcomp.diffusion.rotations import angle, axial
from projcomp.diffusion.shapes import Precise


@dataclass(frozen=True)
class FrameMixture:
    """A mixture of ``K`` components over ``n`` frames.

    Attributes:
        log_weights: shape ``(K,)``, normalised.
        means: shape ``(K, n, 3, 4)``.
        std: standard deviation of the translations.
        rotation_std: root of the rotations' variance, radians.
        centred: whether the translations of a sample have the mean zero, as proteins do; the
            density is then that on the space of such samples, and the means must lie in it.
    """

    log_weights: Float64[Tensor, " components"]
    means: Float64[Tensor, "components n 3 4"]
    std: float
    rotation_std: float
    centred: bool = True

    @classmethod
    def equal(
        cls, means: Sequence[Tensor], std: float, rotation_std: float, *, centred: bool = True
    ) -> "FrameMixture":
        """Equally likely components at ``means``, each ``(n, 3, 4)``."""
        log_weights = torch.full((len(means),), -math.log(len(means)), dtype=torch.float64)
        return cls(log_weights, torch.stack(list(means)).double(), std, rotation_std, centred)

    def log_density(self, x: Frames, sigma: float = 0.0, sigma_r: float = 0.0) -> Precise:
        """``log p(x; sigma, sigma_r)``, shape ``(batch,)``; that of uniform rotations is 1."""
        return self._parts(x, sigma, sigma_r)[0].logsumexp(1)

    def score(self, x: Frames, sigma: float, sigma_r: float) -> Tangents:
        """Its gradient, shape ``(batch, n, 6)``, the rotations' in each body's own axes."""
        log_joint, pull = self._parts(x, sigma, sigma_r)
        return (log_joint.softmax(1)[..., None, None] * pull).sum(1)

    def _parts(self, x: Frames, sigma: float, sigma_r: float) -> tuple[Tensor, Tensor]:
        """Log of weight times component density, ``(batch, K)``, and each one's score."""
        rotation, translation = x.to(torch.float64)[:, None].split([3, 1], -1)
        mean_rotation, mean_translation = self.means.split([3, 1], -1)
        variance = self.std**2 + sigma**2
        offset = (mean_translation - translation)[..., 0]
        relative = mean_rotation.mT @ rotation
        log_f, slope = igso3.radial(angle(relative), self.rotation_std**2 + sigma_r**2)
        constant = _dims(x, self.centred) / 2 * math.log(2 * math.pi * variance)
        log_gauss = -offset.square().sum((2, 3)) / (2 * variance) - constant
        pull = torch.cat([offset / variance, slope[..., None] * axial(relative)], -1)
        return self.log_weights + log_gauss + log_f.sum(2), pull


def start_log_density(x: Frames, sigma: float) -> Precise:
    """Where every path of centred frames starts: ``N(0, sigma^2)`` and uniform rotations."""
    translation = x[..., 3]
    spare = (translation[0].numel() - _dims(x, centred=True)) / 2
    return gaussian_log_density(translation, sigma) + spare * math.log(2 * math.pi * sigma**2)


def _dims(x: Frames, centred: bool) -> int:
    """Dimensions of the translations of ``n`` frames."""
    return 3 * (x.shape[1] - centred)
