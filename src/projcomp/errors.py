"""The errors a user can cause, one line each: what was expected, what was got, how to mend it."""

import errno

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


class UserError(Exception):
    """Something outside the code is wrong; the command line prints the message and exits with 1."""


class ConfigError(UserError):
    """A setting is unknown, of the wrong type, out of bounds, or at odds with another one."""


class FileFormatError(UserError):
    """A file is missing, damaged, foreign, or does not hold what its settings promise."""


class PlacementError(UserError):
    """No scene satisfying the placement rules was found within the allowed retries."""


class DeviceError(UserError):
    """A requested device is not there, or its memory does not suffice."""


class DiskError(UserError):
    """There is no room for a file."""


class LockedError(UserError):
    """Another process is writing where this one would."""


class OutputError(UserError):
    """A file cannot be written where it was asked for, or would replace what it must not."""


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
