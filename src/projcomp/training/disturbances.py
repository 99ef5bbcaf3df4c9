"""What generated images differ by from renders: augmentations of the detector's training.

*Mild* ones leave the answer as it is. *Doubtful* ones leave something that is no whole object, or
nothing that can be read, and teach the detector to be unsure. No flips or turns: the light comes
from one side.

An object is changed by its mask, and the ground behind it is made of the ground around it. Masks
are hard where pixels are mixed, so that they are widened by a pixel, but never over another object.
"""

from collections.abc import Callable, Mapping, Sequence
from math import pi
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from projcomp.config.learning import DOUBTFUL, MILD
from projcomp.evaluation.detector import normalize
from projcomp.scenes.vocabulary import COLORS

SHARE_DOUBTFUL = 0.25
"""Share of the images that get one of the doubtful disturbances."""

SHARE_OF_OBJECTS = 0.25
"""Share of the images an object of which is faded, and likewise darkened."""

BLACK = -2.0
"""Of :func:`~projcomp.evaluation.detector.normalize`."""

ANOTHER_COLOR = 1.0
"""Least distance of another colour, a quarter of a channel's range."""

_PALETTE = normalize(torch.tensor([[list(COLORS.values())]], dtype=torch.uint8))[0, :, 0].T
"""CLEVR's colours, ``(8, 3)``, in the images' units."""


class Seen(NamedTuple):
    """A batch of images and what stands in them."""

    images: Tensor
    """float ``(B, 3, H, W)`` in [-2, 2]"""
    masks: Tensor
    """uint8 ``(B, H, W)``: 0 the ground, i object i, counted from 1"""
    doubtful: Tensor
    """bool ``(B, K)``: objects that are none any more"""
    ruined: Tensor
    """bool ``(B,)``: images in which nothing is to be seen"""


_Change = Callable[[Seen, torch.Generator], Seen]


def seen(images: Tensor, masks: Tensor, most_objects: int) -> Seen:
    """A batch of which nothing is doubtful yet."""
    none = torch.zeros(len(images), most_objects + 1, dtype=torch.bool, device=images.device)
    return Seen(images, masks, none[:, 1:], none[:, 0])


def augment(batch: Seen, names: Sequence[str], rng: torch.Generator) -> Seen:
    """A training batch: one doubtful disturbance in some of the images, then the mild ones in all.

    Args:
        batch: of renders.
        names: the disturbances that may be taken, of ``MILD`` and ``DOUBTFUL``.
        rng: a generator on the CPU.
    """
    odd = [name for name in DOUBTFUL if name in names]
    chosen = torch.rand(len(batch.images), generator=rng) < SHARE_DOUBTFUL
    which = torch.randint(max(len(odd), 1), (len(batch.images),), generator=rng)
    for number, name in enumerate(odd):
        batch = _some(batch, chosen & (which == number), _DISTURB[name], rng)
    for name in MILD:
        if name in names:
            share = SHARE_OF_OBJECTS if name in ("fade", "dark") else 1.0
            some = torch.rand(len(batch.images), generator=rng) < share
            batch = _some(batch, some, _DISTURB[name], rng)
    return batch


def disturb(batch: Seen, name: str, rng: torch.Generator) -> Seen:
    """Every image disturbed by ``name`` of ``MILD`` or ``DOUBTFUL``; one without objects may stay.

    Args:
        batch: of renders.
        name: what to do.
        rng: a generator on the CPU.
    """
    return _some(batch, torch.ones(len(batch.images), dtype=torch.bool), _DISTURB[name], rng)


def _some(
    batch: Seen,
    chosen: Tensor,
    change: _Change,
    rng: torch.Generator,
) -> Seen:
    """``change`` those images of a batch that are ``chosen`` ``(B,)``."""
    if not chosen.any():
        return batch
    rows = chosen.nonzero()[:, 0].to(batch.images.device)
    changed = change(Seen(*(part[rows] for part in batch)), rng)
    return Seen(*(part.index_put((rows,), new) for part, new in zip(batch, changed, strict=True)))


# The whole image -------------------------------------------------------------------------------


def _uniform(images: Tensor, low: float, high: float, rng: torch.Generator) -> Tensor:
    """One number for each image, ``(B, 1, 1, 1)``."""
    drawn = torch.rand(len(images), 1, 1, 1, generator=rng) * (high - low) + low
    return drawn.to(images.device)


def _blurred(images: Tensor, width: int) -> Tensor:
    """Means over ``width`` x ``width`` pixels, an odd number; the border is repeated."""
    spare = width // 2
    x = functional.pad(images, (spare, spare, spare, spare), mode="replicate")
    return functional.avg_pool2d(functional.avg_pool2d(x, (width, 1), 1), (1, width), 1)


def _odd(pixels: float) -> int:
    """The odd number of pixels that is nearest, at least 3."""
    return max(3, 2 * round((pixels - 1) / 2) + 1)


def _blur(batch: Seen, rng: torch.Generator) -> Seen:
    images = batch.images
    padded = functional.pad(images, (1, 1, 1, 1), mode="replicate")
    blurred = (padded[:, :, :-2] + 2 * padded[:, :, 1:-1] + padded[:, :, 2:]) / 4
    blurred = (blurred[..., :-2] + 2 * blurred[..., 1:-1] + blurred[..., 2:]) / 4
    share = _uniform(images, -0.2, 0.6, rng).clamp(min=0.0)
    return batch._replace(images=torch.lerp(images, blurred, share))


def _noise(batch: Seen, rng: torch.Generator) -> Seen:
    images = batch.images
    noise = torch.randn(images.shape, generator=rng).to(images.device)
    return batch._replace(images=images + noise * _uniform(images, -0.05, 0.1, rng).clamp(min=0.0))


def _tone(batch: Seen, rng: torch.Generator) -> Seen:
    images = batch.images
    gain, shift = _uniform(images, 0.85, 1.15, rng), _uniform(images, -0.15, 0.15, rng)
    return batch._replace(images=images * gain + shift)


def _tint(batch: Seen, rng: torch.Generator) -> Seen:
    """A gain and a shift of every channel."""
    images = batch.images
    gain = torch.cat([_uniform(images, 0.95, 1.05, rng) for _ in range(3)], dim=1)
    shift = torch.cat([_uniform(images, -0.08, 0.08, rng) for _ in range(3)], dim=1)
    return batch._replace(images=images * gain + shift)


def _smear(batch: Seen, rng: torch.Generator) -> Seen:
    """Blurred by about an object's width: there are spots, and nothing says of how many objects."""
    images = batch.images
    wide = _blurred(_blurred(images, _odd(0.14 * images.shape[3])), _odd(0.14 * images.shape[3]))
    share = _uniform(images, 0.9, 1.0, rng)
    everything = torch.ones_like(batch.doubtful)
    return batch._replace(images=torch.lerp(images, wide, share), doubtful=everything)


def _static(batch: Seen, rng: torch.Generator) -> Seen:
    """Noise in which nothing, or nearly nothing, of the image is left."""
    images = batch.images
    noise = torch.randn(images.shape, generator=rng).to(images.device)
    left, strength = _uniform(images, -0.5, 0.7, rng).clamp(min=0), _uniform(images, 0.6, 1.6, rng)
    everywhere = torch.ones_like(batch.ruined)
    return batch._replace(images=left * images + strength * noise, ruined=everywhere)


# One object ------------------------------------------------------------------------------------


class _One(NamedTuple):
    """An object of each image."""

    number: Tensor
    """int64 ``(B,)``: its row; -1 where there is none to be seen"""
    cover: Tensor
    """float ``(B, 1, H, W)``: 1 on its pixels"""
    ground: Tensor
    """``(B, 3, H, W)``: the image with the ground in all objects' place"""


def _one(batch: Seen, rng: torch.Generator) -> _One:
    """An object of each image at random, among those that can be seen and are not doubtful."""
    most = batch.doubtful.shape[1]
    masks = batch.masks.long().flatten(1)
    visible = functional.one_hot(masks, most + 1).amax(1)[:, 1:].bool() & ~batch.doubtful
    ranks = torch.rand(visible.shape, generator=rng).to(visible.device) * visible
    number = torch.where(visible.any(1), ranks.argmax(1), -1)
    own = batch.masks == (number + 1)[:, None, None]
    own &= (number >= 0)[:, None, None]
    wide = functional.max_pool2d(own[:, None].float(), 3, 1, 1)
    free = ((batch.masks == 0) | own)[:, None]
    return _One(number, wide * free, _ground(batch))


def _ground(batch: Seen) -> Tensor:
    """The image with every object's pixels replaced by a mean of the ground around them."""
    bare = (functional.max_pool2d((batch.masks > 0)[:, None].float(), 3, 1, 1) == 0).float()
    width = _odd(0.3 * batch.images.shape[3])
    mean = (batch.images * bare).sum((2, 3), keepdim=True) / bare.sum((2, 3), keepdim=True).clamp(
        min=1
    )
    least = 1e-3
    around = _blurred(batch.images * bare, width) + least * mean
    filled = around / (_blurred(bare, width) + least)
    return torch.where(bare > 0, batch.images, filled)


def _doubted(batch: Seen, images: Tensor, number: Tensor) -> Seen:
    """The batch with other images, in which the objects ``number`` ``(B,)`` are none any more."""
    rows = torch.arange(batch.doubtful.shape[1], device=number.device)
    return batch._replace(images=images, doubtful=batch.doubtful | (rows == number[:, None]))


def _shown(batch: Seen, one: _One, share: Tensor) -> Tensor:
    """The object at ``share`` of its difference to the ground, where its cover is."""
    return torch.lerp(batch.images, one.ground + share * (batch.images - one.ground), one.cover)


def _fade(batch: Seen, rng: torch.Generator) -> Seen:
    share = _uniform(batch.images, 0.75, 1.0, rng)
    return batch._replace(images=_shown(batch, _one(batch, rng), share))


def _dark(batch: Seen, rng: torch.Generator) -> Seen:
    one, share = _one(batch, rng), _uniform(batch.images, 0.5, 1.0, rng)
    darker = BLACK + share * (batch.images - BLACK)
    return batch._replace(images=torch.lerp(batch.images, darker, one.cover))


def _ghost(batch: Seen, rng: torch.Generator) -> Seen:
    """Half there, or less than nothing: what a composition by Bayes' rule takes away twice."""
    one, images = _one(batch, rng), batch.images
    negative = _uniform(images, 0.0, 1.0, rng) < 0.5
    share = torch.where(
        negative, _uniform(images, -1.0, -0.3, rng), _uniform(images, 0.2, 0.55, rng)
    )
    return _doubted(batch, _shown(batch, one, share), one.number)


def _half(batch: Seen, rng: torch.Generator) -> Seen:
    """Half of the object, cut through the middle of what is seen of it."""
    one, images = _one(batch, rng), batch.images
    weight = one.cover[:, 0] / one.cover[:, 0].sum((1, 2), keepdim=True).clamp(min=1)
    y, x = (
        torch.arange(side, device=images.device, dtype=images.dtype) for side in images.shape[2:]
    )
    x, y = x[None, None, :], y[None, :, None]
    middle_x, middle_y = ((weight * a).sum((1, 2), keepdim=True) for a in (x, y))
    angle = _uniform(images, 0.0, 2 * pi, rng)[:, 0]
    beyond = (x - middle_x) * angle.cos() + (y - middle_y) * angle.sin() > 0
    gone = one.cover * beyond[:, None]
    return _doubted(batch, torch.lerp(images, one.ground, gone), one.number)


def _merge(batch: Seen, rng: torch.Generator) -> Seen:
    """Averaged with a copy of itself beside it, of another colour: two objects in one, or none."""
    one, images = _one(batch, rng), batch.images
    angle = _uniform(images, 0.0, 2 * pi, rng).flatten()
    far = _uniform(images, 0.05, 0.1, rng).flatten() * images.shape[3]
    moves = torch.stack([far * angle.sin(), far * angle.cos()], dim=1).round().long().tolist()
    pixels = (batch.masks == (one.number + 1)[:, None, None])[:, None]
    own = (images * pixels).sum((2, 3)) / pixels.sum((2, 3)).clamp(min=1)
    palette = _PALETTE.to(images)
    other = torch.cdist(own, palette) > ANOTHER_COLOR
    ranks = torch.rand(len(images), len(palette), generator=rng).to(images.device) * other
    recoloured = images + (palette[ranks.argmax(1)] - own)[:, :, None, None]
    copies, covers = [], []
    for image, cover, move in zip(recoloured, one.cover, moves, strict=True):
        copies.append(_moved(image, *move))
        covers.append(_moved(cover, *move))
    merged = torch.lerp(images, torch.stack(copies), 0.5 * torch.stack(covers))
    return _doubted(batch, merged, one.number)


def _moved(image: Tensor, down: int, right: int) -> Tensor:
    """``(C, H, W)`` moved by so many pixels; what leaves it is lost, and zeros come in."""
    height, width = image.shape[1:]
    sides = (max(right, 0), max(-right, 0), max(down, 0), max(-down, 0))
    padded = functional.pad(image, sides)
    return padded[:, sides[3] : sides[3] + height, sides[1] : sides[1] + width]


_DISTURB: Mapping[str, _Change] = {
    "blur": _blur,
    "noise": _noise,
    "tone": _tone,
    "tint": _tint,
    "fade": _fade,
    "dark": _dark,
    "ghost": _ghost,
    "half": _half,
    "merge": _merge,
    "smear": _smear,
    "static": _static,
}
