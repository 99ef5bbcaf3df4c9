"""Out of memory, however numpy, torch, HDF5 or the system say it, as one line."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from projcomp.errors import DeviceError, is_out_of_memory

Result = TypeVar("Result")


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


class Halving:
    """A size of pieces that falls to half, for good, wherever memory does not suffice for it.

    Attributes:
        size: the greatest size that is tried, at least 1.
    """

    def __init__(self, size: int) -> None:
        self.size = size

    def __call__(self, work: Callable[[int], Result], most: int) -> Result:
        """``work`` of the greatest size that memory suffices for, ``most`` at most.

        Raises:
            MemoryError, RuntimeError: of ``work``, where memory does not suffice for a size of 1,
                or for another reason.
        """
        while True:
            size = min(self.size, most)
            try:
                return work(size)
            except (MemoryError, RuntimeError) as error:
                if size == 1 or not is_out_of_memory(error):
                    raise
            self.size = size // 2  # outside the handler, which holds on to what failed
