"""What Cycles left in memory's file system -> an 8-bit picture and its instance mask.

The file is an uncompressed multilayer OpenEXR: linear colours, and Cryptomatte's object layer
(Friedman and Jones 2015), which names the objects of a pixel and how much of it each covers.
"""

import json
from typing import Any

import numpy as np
import OpenEXR
from numpy.typing import NDArray

from projcomp.data.picture import Picture


def read_picture(path: str, numbers: dict[str, int]) -> Picture:
    """Read one render; ``numbers`` gives each object's number in the mask by its Blender name."""
    with OpenEXR.File(path) as file:
        part = file.parts[0]
        layers = {name.split(".", 1)[1]: layer.pixels for name, layer in part.channels.items()}
        colors = layers["Combined"][..., :3]
        identity = np.ascontiguousarray(layers["CryptoObject00.r"]).view(np.uint32)
        hashes = _manifest(part.header)
        mask = np.zeros(identity.shape, dtype=np.uint8)
        for name, number in numbers.items():
            mask[identity == hashes[name]] = number
        return Picture(encode_srgb(colors), mask)


def encode_srgb(linear: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Linear colours to 8-bit sRGB (IEC 61966-2-1), clipped: Blender's 'Standard' view."""
    clipped = np.clip(linear, 0.0, 1.0)
    curved = np.where(
        clipped <= 0.0031308, 12.92 * clipped, 1.055 * np.power(clipped, 1 / 2.4) - 0.055
    )
    return (curved * 255.0 + 0.5).astype(np.uint8)


def _manifest(header: dict[str, Any]) -> dict[str, int]:
    """Object name -> its 32-bit identity in the object layer."""
    text = next(value for key, value in header.items() if key.endswith("/manifest"))
    return {name: int(number, 16) for name, number in json.loads(text).items()}
