"""A strict reader of pixels: which of a condition's renders a picture shows, without a detector.

With ``b(n)`` the background nearest to a render ``x_n``, the *mask* of the render is where it
differs from ``b(n)``. A picture ``x`` shows the render if it explains the picture there:

    sum_mask |x - x_n|^2 <= EXPLAINED * sum_mask |x_n - b(n)|^2.

Of the renders that it shows, one of each condition and with masks that lie apart, those two count
that leave the least of the picture unexplained; outside of their masks it must be the background,
but for the *shades* of the renders themselves, light and shadow, ``sum_outside |x_n - b(n)|^2``,
which add up as noise does. A picture that one render alone explains shows no two. Everything is
measured in the networks' numbers, [-1, 1].
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from projcomp.diffusion.pixels import encode

DIFFERS = 0.1
"""By how much a pixel differs from the background, in its largest channel, where it is in the mask:
13 of 255 steps, which leaves out faint shadows."""

EXPLAINED = 0.2
"""Share of a render's contrast that may be unexplained. An object at half its contrast leaves a
quarter, so that an average of two pictures shows neither."""

OVERLAP = 0.25
"""Share of the smaller of two masks that the other may cover where they lie apart; an object that
hides more of another leaves too little of it to be explained."""

LEFTOVER = 0.25
"""Contrast outside of both masks, beside the renders' own shades, as a share of the fainter
render's: a third object has more."""

OUTCOMES = ("success", "extra", "together", "first_only", "second_only", "neither")
"""Both conditions apart and nothing else; apart beside something else; both, but nowhere apart."""


@dataclass(frozen=True)
class Shown:
    """Renders of one condition as the reader knows them, ``P`` pixels of three channels each.

    Attributes:
        contrast: ``x_n - c`` inside the mask and 0 outside, with ``c`` the mean background, ``(N,
            3, P)``.
        masks: 1 where the render differs from the background, else 0, ``(N, P)``.
        energy: ``sum_mask |x_n - b(n)|^2``, ``(N,)``.
        shade: the same outside of the mask.
    """

    contrast: Tensor
    masks: Tensor
    energy: Tensor
    shade: Tensor


class StrictReader:
    """Reads what pictures show of conditions over a background.

    Args:
        background: uint8 ``(B, H, W, 3)``; a random one is judged by its nearest picture.
        device: where it is computed.
    """

    def __init__(self, background: Tensor, device: torch.device | str = "cpu") -> None:
        pictures = encode(background.to(device)).flatten(2)
        self._center = pictures.mean(0)
        self._background = pictures - self._center

    def learn(self, images: Tensor) -> Shown:
        """The renders uint8 ``(N, H, W, 3)`` that differ from the background anywhere."""
        renders = self._numbers(encode(images.to(self._center.device)))
        everywhere = torch.ones_like(renders[:, 0])
        nearest = self._background[self._apart(renders, everywhere).argmin(1)]
        masks = ((renders - nearest).abs().amax(1) > DIFFERS).float()
        there = masks.sum(1) > 0
        renders, nearest, masks = renders[there], nearest[there], masks[there]
        squares = (renders - nearest).square().sum(1)
        energy, shade = (squares * masks).sum(1), (squares * (1 - masks)).sum(1)
        return Shown(renders * masks[:, None], masks, energy, shade)

    def read(self, x: Tensor, first: Shown, second: Shown) -> Tensor:
        """What pictures show: the numbers of their :data:`OUTCOMES`.

        Args:
            x: shape ``(S, 3, H, W)``, in [-1, 1] or clipped to it.
            first: renders of the first condition.
            second: those of the second.

        Returns:
            Shape ``(S,)``, int64.
        """
        numbers = self._numbers(x.clamp(-1, 1))
        unexplained = [_unexplained(numbers, shown) for shown in (first, second)]
        shows = [(share <= EXPLAINED).any(1) for share in unexplained]
        likeliest = [share.argmin(1) for share in unexplained]
        covered = torch.maximum(first.masks[likeliest[0]], second.masks[likeliest[1]])
        nearest = self._apart(numbers, 1 - covered).argmin(1)
        foreign = (numbers - self._background[nearest]).square().sum(1)
        pairs, is_apart = _best_apart(first, second, unexplained, foreign)
        masks = torch.maximum(first.masks[pairs[:, 0]], second.masks[pairs[:, 1]])
        fainter = torch.minimum(first.energy[pairs[:, 0]], second.energy[pairs[:, 1]])
        most = LEFTOVER * fainter
        alone = [
            (
                (share <= EXPLAINED)
                & (_outside(foreign, shown.masks) <= most[:, None] + shown.shade)
            ).any(1)
            for share, shown in zip(unexplained, (first, second), strict=True)
        ]
        two = is_apart & ~alone[0] & ~alone[1]
        shades = first.shade[pairs[:, 0]] + second.shade[pairs[:, 1]]
        nothing_else = (foreign * (1 - masks)).sum(1) <= most + shades
        outcome = torch.full((len(x),), OUTCOMES.index("neither"), device=x.device)
        outcome[shows[0]] = OUTCOMES.index("first_only")
        outcome[shows[1]] = OUTCOMES.index("second_only")
        outcome[shows[0] & shows[1]] = OUTCOMES.index("together")
        outcome[two] = OUTCOMES.index("extra")
        outcome[two & nothing_else] = OUTCOMES.index("success")
        return outcome

    def _numbers(self, x: Tensor) -> Tensor:
        """``(n, 3, H, W)`` as ``(n, 3, P)`` around the mean background."""
        return x.float().flatten(2) - self._center

    def _apart(self, x: Tensor, where: Tensor) -> Tensor:
        """``sum_where |x - b|^2`` to every background: ``(n, 3, P)``, ``(n, P)`` to ``(n, B)``.

        As squares less products: of numbers around the mean background, so that little cancels.
        """
        inside = x * where[:, None]
        squares = where @ self._background.square().sum(1).T
        products = inside.flatten(1) @ self._background.flatten(1).T
        own = inside.square().flatten(1).sum(1, keepdim=True)
        return (own - 2 * products + squares).clamp(min=0)


def apart(first: Shown, second: Shown) -> Tensor:
    """Whether the masks of every two renders lie apart, bool ``(N, M)``."""
    sizes = [shown.masks.sum(1) for shown in (first, second)]
    both = first.masks @ second.masks.T
    return both <= OVERLAP * torch.minimum(sizes[0][:, None], sizes[1])


def _unexplained(x: Tensor, shown: Shown) -> Tensor:
    """``sum_mask |x - x_n|^2`` over the render's own, ``(S, 3, P)`` to ``(S, N)``."""
    squares = x.square().sum(1) @ shown.masks.T
    products = x.flatten(1) @ shown.contrast.flatten(1).T
    own = shown.contrast.square().flatten(1).sum(1)
    return (squares - 2 * products + own).clamp(min=0) / shown.energy


def _outside(foreign: Tensor, masks: Tensor) -> Tensor:
    """What is foreign to the background outside of each mask, ``(S, P)`` to ``(S, N)``."""
    return foreign.sum(1, keepdim=True) - foreign @ masks.T


def _best_apart(
    first: Shown, second: Shown, unexplained: list[Tensor], foreign: Tensor
) -> tuple[Tensor, Tensor]:
    """The renders that lie apart, explain a picture each, and leave the least of it unexplained.

    That is inside of their masks and, as ``foreign`` ``(S, P)`` to the background, outside of both.

    Returns:
        their numbers ``(S, 2)``, and whether there are two, bool ``(S,)``.
    """
    pairs = torch.zeros(len(foreign), 2, dtype=torch.int64, device=foreign.device)
    found = torch.zeros(len(foreign), dtype=torch.bool, device=foreign.device)
    lie_apart = apart(first, second)
    for sample, outside in enumerate(foreign):
        explain = [(share[sample] <= EXPLAINED).nonzero()[:, 0] for share in unexplained]
        allowed = lie_apart[explain[0][:, None], explain[1]]
        if not allowed.any():
            continue
        masks = [shown.masks[index] for shown, index in zip((first, second), explain, strict=True)]
        left = [
            share[sample, index] * shown.energy[index] - mask @ outside
            for share, shown, index, mask in zip(
                unexplained, (first, second), explain, masks, strict=True
            )
        ]
        total = left[0][:, None] + left[1] + (masks[0] * outside) @ masks[1].T
        row, column = divmod(int(total.masked_fill(~allowed, torch.inf).argmin()), total.shape[1])
        pairs[sample, 0], pairs[sample, 1] = explain[0][row], explain[1][column]
        found[sample] = True
    return pairs, found
