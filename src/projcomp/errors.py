"""The errors a user can cause, one line each: what was expected, what was got, how to mend it."""


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


class OutputError(UserError):
    """A file cannot be written where it was asked for, or would replace what it must not."""
