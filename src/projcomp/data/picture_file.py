"""A picture file as a source of one image: 8-bit RGB or gray, nothing converted in silence.

Many programs write RGBA whatever is in the picture; where all of it is opaque, it is RGB. A gray
picture's one channel becomes three, as everywhere.
"""

import shlex
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from projcomp.data.image_source import ACCEPTED, ImageSource
from projcomp.errors import FileFormatError, is_out_of_memory
from projcomp.files.contents import what_is
from projcomp.words import first_line, in_utf8

FORMATS = ("PNG", "JPEG", "WEBP", "BMP")
_ORIENTATION = 0x0112
_EXPECTED = "an 8-bit RGB or gray picture"
_TRANSPARENT = ("RGBA", "LA", "PA", "RGBa", "La")


@dataclass(frozen=True)
class PictureFile(ImageSource):
    """A picture file, which holds one image."""

    def read(self, rows: slice) -> NDArray[np.uint8]:
        """The one image, uint8 (1, H, W, 3), or none.

        Raises:
            FileFormatError: the file went away, or its data are damaged.
        """
        try:
            with Image.open(self.path, formats=FORMATS) as picture:
                # whether all of it can be seen was found out on opening
                image = np.asarray(picture if picture.mode == "RGB" else picture.convert("RGB"))
        except Exception as error:  # Pillow raises nearly everything over damaged bytes
            if is_out_of_memory(error):
                raise
            raise _not_decoded(self.path, error) from None
        if image.shape != (*self.size, 3) or image.dtype != np.uint8:
            raise _wrong(self.path, f"{image.dtype} {image.shape}", "do not change it meanwhile")
        return image[None][rows]

    def name(self, number: int) -> str:
        """The file's path."""
        return in_utf8(str(self.path))


def open_picture(path: Path) -> PictureFile:
    """The picture ``path``, seen by its header to be 8-bit RGB or gray, of one frame.

    Raises:
        FileFormatError: it is no picture, of another kind, or damaged.
    """
    return PictureFile(path, _size_of(path, what_is(path)), 1)


def _size_of(path: Path, looks: str) -> tuple[int, int]:
    """Height and width of a picture, seen to be 8-bit by its header."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(path, formats=FORMATS) as picture:
                problem = _problem(picture, path)
                size = picture.height, picture.width
    except Image.UnidentifiedImageError:
        whole = looks.endswith("picture") and looks.split()[1].upper() not in FORMATS
        got = looks if whole or not looks.endswith("picture") else f"what begins as {looks}"
        raise FileFormatError(
            f"{path}: {ACCEPTED} expected, got {got}: convert it, or leave it out"
        ) from None
    except Exception as error:  # Pillow raises nearly everything over damaged bytes
        if is_out_of_memory(error):
            raise
        raise _not_decoded(path, error) from None
    if problem:
        raise _wrong(path, *problem)
    return size


def _problem(picture: Image.Image, path: Path) -> tuple[str, str] | None:
    """Why a picture cannot be taken as it is, and how to mend it."""
    name = shlex.quote(path.name)
    convert = f"convert it, say by `magick {name} -depth 8 -type TrueColor PNG24:new.png`"
    flatten = "put it on a ground first, and save it without transparency"
    opaque = picture.mode == "RGBA" and picture.getchannel("A").getextrema() == (255, 255)
    if not opaque and (picture.mode in _TRANSPARENT or "transparency" in picture.info):
        return f"one with transparency ({picture.mode})", flatten
    if picture.mode not in ("RGB", "L") and not opaque:
        kind = {
            "1": "black and white",
            "P": "a palette",
            "CMYK": "print colours",
        }.get(picture.mode, "16 bits or more" if picture.mode[0] in "IF" else "other colours")
        return f"one of {kind} ({picture.mode})", convert
    if picture.format == "PNG" and _png_depth(path) != 8:
        return f"one of {_png_depth(path)} bits a channel", convert
    if getattr(picture, "n_frames", 1) != 1:
        return f"one of {getattr(picture, 'n_frames', 1)} frames", "save the frames one by one"
    if picture.getexif().get(_ORIENTATION, 1) != 1:
        return "one that is to be turned (EXIF orientation)", "save it turned, without the mark"
    return None


def _png_depth(path: Path) -> int:
    """Bits a channel of a PNG file, which Pillow reads as 8 whatever they are."""
    with path.open("rb") as file:
        return file.read(25)[24]


def _wrong(path: Path, got: str, mend: str) -> FileFormatError:
    return FileFormatError(f"{path}: {_EXPECTED} expected, got {got}: {mend}")


def _not_decoded(path: Path, error: Exception) -> FileFormatError:
    return _wrong(
        path, f"one that cannot be decoded ({first_line(error)})", "take a whole copy of it"
    )
