"""Which sizes of pictures can be rendered, before Blender makes something else of them."""

import os
from typing import TYPE_CHECKING

from projcomp.errors import ConfigError

if TYPE_CHECKING:
    from projcomp.scenes.camera import View

MIN_SIDE, MAX_SIDE = 4, 65536
"""Pixels; Blender silently takes these where a side is beyond them."""

MAX_PIXELS = 2**25
"""Width times height: 8192 x 4096."""

_MAX_SQUEEZE = 200.0  # Blender's limit of a pixel's width to its height, and of height to width
# peaks of 2048 x 2048 rendered with one sample and the denoiser, and of next to nothing
_BYTES_PER_PIXEL, _BYTES_AT_LEAST = 640, 350 * 2**20


def check_picture(width: int, height: int, view: "View") -> None:
    """Check that a picture of ``view`` can be rendered with so many pixels.

    Raises:
        ConfigError: a side is too short or too long, there are more pixels than Blender or this
            machine's memory can take, or they would be too far from square.
    """
    expected, got = "expected", f"got {width} x {height}"
    if not (MIN_SIDE <= width <= MAX_SIDE and MIN_SIDE <= height <= MAX_SIDE):
        raise ConfigError(
            f"--width and --height: {MIN_SIDE} to {MAX_SIDE} pixels {expected}, {got}: "
            "choose others"
        )
    if width * height > MAX_PIXELS:
        raise ConfigError(
            f"--width and --height: at most {MAX_PIXELS:,} pixels {expected}, {got}, which is "
            f"{width * height:,}: choose smaller ones"
        )
    needed, there = width * height * _BYTES_PER_PIXEL + _BYTES_AT_LEAST, _memory()
    if there is not None and needed > there:
        raise ConfigError(
            f"--width and --height: a picture for this machine's {there / 2**30:.1f} GiB of memory "
            f"{expected}, {got}, which takes about {needed / 2**30:.1f}: choose smaller ones"
        )
    squeeze = view[0] / view[1] * height / width
    if not 1 / _MAX_SQUEEZE <= squeeze <= _MAX_SQUEEZE:
        raise ConfigError(
            f"--width and --height: a picture that {view[0]:g}:{view[1]:g} is squeezed into by at "
            f"most {_MAX_SQUEEZE:g} {expected}, {got}: choose others, or square pixels"
        )


def _memory() -> int | None:
    """Bytes of memory in this machine, None where the system does not tell."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return None
