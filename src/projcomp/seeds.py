"""Every random stream by name: ``(root seed, stage, index)`` decides it and nothing else does.

Streams with different names are independent, so adding one (a new dataset, a new case) never
changes the others.
"""

import hashlib

import numpy as np


def _words(root_seed: int, names: tuple[str | int, ...]) -> list[int]:
    text = "/".join([str(int(root_seed)), *(f"{type(n).__name__[0]}:{n}" for n in names)])
    digest = hashlib.sha256(text.encode()).digest()
    return [int.from_bytes(digest[i : i + 4], "little") for i in range(0, 32, 4)]


def generator(root_seed: int, *names: str | int) -> np.random.Generator:
    """The numpy generator of the stream ``names`` under ``root_seed``."""
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(_words(root_seed, names))))


def integer_seed(root_seed: int, *names: str | int, bits: int = 63) -> int:
    """A non-negative integer of at most ``bits`` bits, for libraries that want one."""
    words = _words(root_seed, names)
    return (words[0] | (words[1] << 32)) & ((1 << bits) - 1)
