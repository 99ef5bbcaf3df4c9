"""Out of memory, however numpy, torch, HDF5 or the system say it, as one line."""

import errno
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from projcomp.errors import DeviceError

_SAYINGS = (
    "out of memory",
    "allocate memory",
    "not enough memory",
    "memory allocation failed",
    "unable to allocate",
    "alloc_failed",
    "bad_alloc",
    "storage size calculation overflowed",
    "out of shared memory",
    "unable to mmap",
)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether ``error`` tells that memory did not suffice, of the machine or of its GPU."""
    if isinstance(error, MemoryError):
        return True
    if isinstance(error, OSError) and error.errno == errno.ENOMEM:
        return True
    if not isinstance(error, RuntimeError | OSError):
        return False
    # torch's own class is a RuntimeError; this module is imported where torch is not
    told = str(error).lower()
    return type(error).__name__ == "OutOfMemoryError" or any(word in told for word in _SAYINGS)


@contextmanager
def memory_for(line: str | Callable[[], str]) -> Iterator[None]:
    """What is done within says ``line`` where memory does not suffice.

    Args:
        line: what was expected, what was got, how to mend it; or what makes it when it is needed.

    Raises:
        DeviceError: memory did not suffice.
    """
    try:
        yield
    except (MemoryError, RuntimeError, OSError) as error:
        if not is_out_of_memory(error):
            raise
        raise DeviceError(line() if callable(line) else line) from None
