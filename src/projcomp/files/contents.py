"""What a file looks like by its first bytes, in words that go into a message."""

import os
from codecs import getincrementaldecoder
from pathlib import Path

EMPTY, HDF5, UNKNOWN, ZEROS = "an empty file", "an HDF5 file", "a file of unknown kind", "zeros"
SAFETENSORS, SVG, ZIP = "a safetensors file", "an SVG picture", "a zip file"
GZIP = "a gzip file"

_SIGNATURES: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG\r\n\x1a\n", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"GIF8", "a GIF picture"),
    (b"II*\0", "a TIFF picture"),
    (b"MM\0*", "a TIFF picture"),
    (b"BM", "a BMP picture"),
    (b"%PDF", "a PDF file"),
    (b"PK\x03\x04", ZIP),
    (b"\x1f\x8b", GZIP),
    (b"\x93NUMPY", "a numpy file"),
    (b"BLENDER", "a Blender file"),
    (b"version https://git-lfs", "a pointer of Git LFS (git lfs pull fetches the file)"),
)
_HEAD = 4096
_HDF5 = b"\x89HDF\r\n\x1a\n"

NOTHING_OF_ANYONE = (EMPTY, HDF5, UNKNOWN, ZEROS)
"""What a damaged HDF5 file may look like; anything else is somebody's file of another kind."""


def what_is(path: str | os.PathLike[str]) -> str:
    """What the regular file ``path`` looks like, as in "a PNG picture".

    Raises:
        OSError: it cannot be read.
    """
    with Path(path).open("rb") as file:
        head = file.read(_HEAD)
        if not head:
            return EMPTY
        for signature, name in _SIGNATURES:
            if head.startswith(signature):
                return name
        if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
            return "a WebP picture"
        size = os.fstat(file.fileno()).st_size
        if _at_a_block(file, size, head):
            return HDF5
    if not head.strip(b"\0"):
        return ZEROS
    if head[8:9] == b"{" and 2 <= int.from_bytes(head[:8], "little") <= size - 8:
        return SAFETENSORS
    return _text(head)


def _at_a_block(file, size: int, head: bytes) -> bool:
    """Whether HDF5's signature stands where it may: at 0, 512, 1024, 2048, ..."""
    if head.startswith(_HDF5):
        return True
    place = 512
    while place < size:
        file.seek(place)
        if file.read(len(_HDF5)) == _HDF5:
            return True
        place *= 2
    return False


def _text(head: bytes) -> str:
    if b"\0" in head:
        return UNKNOWN
    try:
        # a character may be cut at the end of what was read
        text = getincrementaldecoder("utf-8")().decode(head, len(head) < _HEAD)
    except UnicodeDecodeError:
        return UNKNOWN
    text = text.lstrip("\ufeff \r\n\t")
    if text.startswith("<") and "<svg" in text:
        return SVG
    return "a JSON file" if text.startswith(("{", "[")) else "a text file"
