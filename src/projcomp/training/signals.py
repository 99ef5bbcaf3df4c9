"""Signals that are noted and acted on later, at a moment when the state is whole."""

import signal
import threading
from collections.abc import Iterable
from typing import Any

STOPPING = ("SIGTERM", "SIGUSR1")
"""By which schedulers tell of preemption or of the end of a job's time."""


def leave_signals_to_the_parent(worker: int) -> None:
    """Make a process that only loads data pass over signals that are meant for the training.

    Schedulers signal every process of a job, and a training whose loaders die cannot save.
    """
    for name in (*STOPPING, "SIGINT"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)


class SignalCatcher:
    """Between ``start`` and ``stop``, notes the named signals instead of dying of them.

    Args:
        names: signals by name; those that the system does not have are left out.
    """

    def __init__(self, names: Iterable[str]):
        self._numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]
        self._before: dict[int, Any] = {}
        self.caught: str | None = None
        """Name of the last signal that came, or None."""

    def start(self) -> None:
        """Begin; does nothing outside of the main thread, where no signals arrive."""
        if threading.current_thread() is threading.main_thread():
            self._before = {n: signal.signal(n, self._note) for n in self._numbers}

    def stop(self) -> None:
        """Give the signals back to those who handled them before."""
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before = {}

    def _note(self, number: int, frame: Any) -> None:
        self.caught = signal.Signals(number).name
