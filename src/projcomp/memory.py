"""Out of memory, however numpy, torch, HDF5 or the system say it, as one line."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from projcomp.errors import DeviceError, is_out_of_memory


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
