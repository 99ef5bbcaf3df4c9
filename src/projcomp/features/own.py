"""A feature map of the user's own: two functions in a file outside the project."""

from functools import partial
from typing import Any

import torch
from torch import Tensor

from projcomp.config.features import FeaturesFromFile
from projcomp.features.feature_map import Features
from projcomp.own_code import OwnFunction, load_functions

TOLERANCE = 1e-3
"""Greatest error of the way back; a grey level is .008."""

MOST_CHANNELS = 256
"""More would be a mistake in the shape."""

_SIDE = 8
"""Of the pictures of the trial, pixels."""


def own_features(chosen: FeaturesFromFile) -> Features:
    """The map of a user's file, tried on pictures of random pixels.

    Raises:
        UserError: the file or a function is not what is expected, the channels are no pictures, or
            ``decode(encode(x))`` is not ``x``.
    """
    encode, decode = load_functions(chosen.file, "encode", "decode")
    for function in (encode, decode):
        function.check_arguments(1, chosen.settings)
    encoder, decoder = (partial(_checked, own, chosen.settings) for own in (encode, decode))
    x = 2 * torch.rand(2, 3, _SIDE, _SIDE, generator=torch.Generator().manual_seed(0)) - 1
    f = encoder(x)
    _check_features(encode, f)
    _check_alike(encode, "the same of the same pictures", encoder(x), f)
    _check_alike(encode, "each picture by itself", encoder(x[1:]), f[1:])
    _check_inverse(decode, decoder(f), x)
    _check_inverse(decode, decoder(f[1:]), x[1:])
    return Features(chosen, f.shape[1], encoder, decoder, encode.code)


def _checked(own: OwnFunction, settings: dict[str, Any], x: Tensor) -> Tensor:
    """What the function makes of ``x``: a tensor ``(B, ?, H, W)`` of real numbers, as ``x`` is."""
    made = own.call(x.clone(), **settings)  # a copy: whoever computes in place moves nothing
    if not isinstance(made, Tensor):
        raise own.error(f"expected a tensor (batch, channels, H, W), got {type(made).__name__}")
    batch, _, *size = x.shape
    if made.ndim != 4 or made.shape[0] != batch or list(made.shape[2:]) != size:
        raise own.error(
            f"expected a tensor ({batch}, channels, {size[0]}, {size[1]}), got {tuple(made.shape)}"
        )
    if made.is_complex():
        raise own.error("expected a tensor of real numbers, got complex ones")
    return made.to(x)


def _check_features(own: OwnFunction, f: Tensor) -> None:
    if not 1 <= f.shape[1] <= MOST_CHANNELS:
        raise own.error(f"expected 1 to {MOST_CHANNELS} channels, got {f.shape[1]}")
    if not bool(torch.isfinite(f).all()):
        raise own.error("expected finite features, got NaN or infinity")


def _check_alike(own: OwnFunction, expected: str, again: Tensor, first: Tensor) -> None:
    if again.shape != first.shape or not torch.allclose(again, first, rtol=1e-4, atol=1e-5):
        raise own.error(f"expected {expected}, got others")


def _check_inverse(own: OwnFunction, back: Tensor, x: Tensor) -> None:
    if back.shape != x.shape:
        raise own.error(f"expected pictures {tuple(x.shape)}, got {tuple(back.shape)}")
    error = float((back - x).abs().max())
    if not error <= TOLERANCE:  # not a number is none either
        raise own.error(
            f"expected decode(encode(x)) to be x, to {TOLERANCE:g}, got an error of {error:.3g}"
        )
