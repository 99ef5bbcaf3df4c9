"""Frames: n bodies, each with a place in space and a rotation, and the noise of both.

Samples are ``(batch, n, 3, 4)``, the rotation ``R`` beside the translation ``t``; scores, noise
and displacements are ``(batch, n, 6)``: of the translation, then of the rotation in the body's own
axes.
Translations are noised as everywhere, ``t + sigma n``. Rotations make a Brownian motion to the
variance ``sigma_r^2`` (Yim et al. 2023), for which Ito's formula keeps its form; so a composition
runs as it is, if a step retracts in place of adding (docs/method.md, section 11).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Float64
from torch import Tensor

from projcomp.diffusion.field import ScoreStack, Step
from projcomp.diffusion.rotations import exp, of_quaternions
from projcomp.diffusion.shapes import Levels
from projcomp.errors import ConfigError

Frames = Float[Tensor, "batch n 3 4"]
Tangents = Float[Tensor, "batch n 6"]

FrameModel = Callable[[Frames, float, float], Tangents]
"""``(x, sigma, sigma_r) -> scores`` of one model at the noise levels of both."""


@dataclass(frozen=True)
class FrameLevels:
    """The noise levels of translations and of rotations, step by step.

    Those of the translations are the clock: samplers and estimators see them alone. A step's
    displacements of rotations are measured in *units*, the square root of their ``dv`` over that of
    the translations, and scores by the inverse: then ``dv`` is the same for all numbers, and what
    holds of a step in flat space with one noise level holds of this one.

    Attributes:
        translations: decreasing noise levels, shape ``(num_steps + 1,)``, float64.
        rotations: those of the rotations, radians, the same shape.

    Raises:
        ConfigError: the two do not decrease together.
    """

    translations: Levels
    rotations: Float64[Tensor, " others"]

    def __post_init__(self) -> None:
        levels = (self.translations, self.rotations)
        if len(levels[0]) != len(levels[1]) or any(not (one.diff() < 0).all() for one in levels):
            raise ConfigError(
                "frames: expected as many noise levels of rotations as of translations, both "
                f"decreasing, got {len(levels[1])} and {len(levels[0])}; make them by the same rule"
            )

    def rotation(self, sigma: float) -> float:
        """The rotations' noise level where a step from ``sigma`` begins.

        Raises:
            ConfigError: none begins there.
        """
        return float(self.rotations[self._number(sigma)])

    def units(self, sigma: float) -> Float[Tensor, "6"]:
        """What displacements over the step from ``sigma`` are measured in, shape ``(6,)``.

        Raises:
            ConfigError: as of ``rotation``.
        """
        number = self._number(sigma)
        moved, turned = (
            float(one[number] ** 2 - one[number + 1] ** 2)
            for one in (self.translations, self.rotations)
        )
        return torch.tensor([1.0] * 3 + [(turned / moved) ** 0.5] * 3, dtype=torch.float64)

    def stacked(self, models: Sequence[FrameModel]) -> ScoreStack:
        """The score stack of ``models``, for compositions: ``(num_models, batch, n, 6)``."""

        def scores(x: Frames, sigma: float) -> Tensor:
            level = self.rotation(sigma)
            return self.scaled(torch.stack([model(x, sigma, level) for model in models]), sigma)

        return scores

    def scaled(self, scores: Tensor, sigma: float) -> Tensor:
        """Scores ``(..., n, 6)`` in the inverse units of the step from ``sigma``."""
        return scores * self.units(sigma).to(scores)

    def retract(self, step: Step, dx: Tangents) -> Frames:
        """Where a step's displacement leads: ``t + dt``, ``R Exp(dr)``, for ``ReverseSde``."""
        along, around = (dx * self.units(step.sigma).to(dx)).split(3, -1)
        rotation, translation = step.x.split([3, 1], -1)
        return torch.cat([rotation @ exp(around), translation + along[..., None]], -1)

    def _number(self, sigma: float) -> int:
        """Which step begins where the translations have ``sigma``."""
        found = (self.translations[:-1] == sigma).nonzero()
        if not len(found):
            raise ConfigError(
                "sigmas: expected steps from the translations' noise levels of these frames, got "
                f"one from {sigma:g}; sample with FrameLevels.translations"
            )
        return int(found[0])


def frames_of_noise(noise: Float[Tensor, "batch n 7"], sigma: float) -> Frames:
    """Where a path of centred frames starts: ``N(0, sigma^2)`` and uniform rotations.

    Args:
        noise: standard normal, three numbers for the translation and four for the rotation.
        sigma: noise level of the translations; the rotations' has to be so great that they are
            uniform (from 3 on, but for some exp(-9)).
    """
    places, quaternions = noise.split([3, 4], -1)
    places = sigma * (places - places.mean(-2, keepdim=True))
    return torch.cat([of_quaternions(quaternions), places[..., None]], -1)


def centred(moves: Tangents) -> Tangents:
    """Displacements, noise or scores without what they move all frames by together."""
    along, around = moves.split(3, -1)
    return torch.cat([along - along.mean(-2, keepdim=True), around], -1)
