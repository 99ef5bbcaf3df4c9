"""Memory that a process frees stays with it, for its next arrays."""

import ctypes
import os
from collections.abc import Mapping
from contextlib import suppress

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
"""Numbers of glibc's settings (malloc.h)."""

_LARGEST = 2**30
"""Bytes; larger blocks than this go back to the system at once."""

_OWN_CHOICE = ("MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_", "GLIBC_TUNABLES")
"""Variables by which a user tells glibc the same things."""


def keep_freed_memory(environ: Mapping[str, str] = os.environ) -> bool:
    """Let the process keep what it frees, up to a gibibyte a block.

    glibc gives blocks above 32 MiB back to the system when they are freed, and the system fills
    them with zeros, page by page, when they are taken again. A layer's activations are such
    blocks, taken and freed at every step of a sampler (``benchmarks/freed_memory.py`` has what it
    costs). The most memory that is taken at once stays as it is.

    Args:
        environ: a user who has set these things there has decided.

    Returns:
        Whether glibc took it: no other C library knows of it.
    """
    if any(name in environ for name in _OWN_CHOICE):
        return False
    with suppress(AttributeError, OSError, TypeError):  # no glibc; Windows has no CDLL(None)
        mallopt = ctypes.CDLL(None).mallopt
        return bool(mallopt(_MMAP_THRESHOLD, _LARGEST) and mallopt(_TRIM_THRESHOLD, 2**31 - 1))
    return False
