"""The score that predicted clean frames stand for, as networks of proteins give it."""

import torch

from projcomp.composition import igso3
from projcomp.diffusion.convert import denoised_to_score
from projcomp.diffusion.frames import Frames, Tangents


def frames_to_score(predicted: Frames, x: Frames, sigma: float, sigma_r: float) -> Tangents:
    """The score of ``x`` noised from ``predicted`` (Yim et al. 2023, section 3).

    That of translations is exact where the prediction is the mean of the clean ones; that of
    rotations is the noise's around the prediction, which is how those networks are trained.

    Args:
        predicted: the clean frames, shape ``(batch, n, 3, 4)``.
        x: the noised frames, the same shape.
        sigma: noise level of the translations.
        sigma_r: noise level of the rotations, radians.

    Returns:
        Shape ``(batch, n, 6)``, the dtype of ``x``.
    """
    (clean, place), (rotation, translation) = (one.split([3, 1], -1) for one in (predicted, x))
    along = denoised_to_score(place[..., 0], translation[..., 0], sigma)
    around = igso3.score(clean.double().mT @ rotation.double(), sigma_r**2)
    return torch.cat([along, around.to(along)], -1)
