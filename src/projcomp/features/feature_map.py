"""What a feature map is: channels made of pictures, and the way back."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from projcomp.config.features import AnyFeatures
from projcomp.own_code import check_unedited


@dataclass(frozen=True)
class Features:
    """A map of pictures to what a model sees of them, with a left inverse.

    A bijection of the data changes no conditional distribution: at noise level 0 the composition
    of encoded distributions is the encoded composition (Bradley et al. 2025, Theorem 6.1). On the
    way there every noise level means something else (docs/method.md, section 9).

    Attributes:
        chosen: the settings that it was made of; None for RGB itself.
        channels: how many there are, C.
        encoder: ``(B, 3, H, W)`` in [-1, 1] to ``(B, C, H, W)``.
        decoder: a left inverse of it, defined on all of ``(B, C, H, W)``.
        code: check sum of the user's file that it comes from; empty for others.
    """

    chosen: AnyFeatures | None
    channels: int
    encoder: Callable[[Tensor], Tensor]
    decoder: Callable[[Tensor], Tensor]
    code: str = ""

    def same_as(self, other: "Features") -> bool:
        """Whether both map alike: by their settings, and the user's code."""
        return (self.chosen, self.code) == (other.chosen, other.code)

    def described(self) -> dict[str, Any]:
        """What a model's description says of it; nothing of RGB."""
        if self.chosen is None:
            return {}
        code = {"features_code": self.code} if self.code else {}
        return {"features": self.chosen.model_dump(), **code}

    def check_unedited(self) -> None:
        """Refuse to go on where the user's file has been edited since it was executed.

        Raises:
            OwnCodeError: it was.
        """
        for file in self.chosen.files if self.chosen else ():
            check_unedited(file, self.code)

    def encode(self, x: Tensor) -> Tensor:
        """Features ``(B, C, H, W)`` of pictures ``(B, 3, H, W)`` in [-1, 1]."""
        return _at_full_precision(self.encoder, x)

    def decode(self, f: Tensor) -> Tensor:
        """Pictures ``(B, 3, H, W)``, in [-1, 1] where ``f`` ``(B, C, H, W)`` is of such ones."""
        return _at_full_precision(self.decoder, f)


def _at_full_precision(function: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    # a training's bf16 would round what the network is to learn
    with torch.autocast(x.device.type, enabled=False):
        return function(x)


RGB = Features(None, 3, lambda x: x, lambda f: f)
"""No map: a model of the pictures themselves."""
