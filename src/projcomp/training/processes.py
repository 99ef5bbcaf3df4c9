"""The processes of one node that share each update: begun together, and ended together.

The first process starts the others as copies of its own command and tells of whatever goes wrong
in any of them: one line, once. Lightning's own launcher kills the first process where another one
ends, which then can say nothing; and where the first ends, the others wait for it.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from projcomp.errors import DeviceError, UserError
from projcomp.machine.launch import this_command

_PARENT = "PROJCOMP_FIRST_PROCESS"
_LINES = "PROJCOMP_FAILURES"
_PATIENCE = 5.0
"""Seconds that a process gets to end by itself once another one has failed."""
_POLL = 0.2


class Companions:
    """The other processes of this node, seen from the first one."""

    def __init__(self, devices: int, environ: Mapping[str, str]):
        self._lines = Path(tempfile.mkdtemp(prefix="projcomp-"))
        told = {**environ, _PARENT: str(os.getpid()), _LINES: str(self._lines)}
        self._processes = [
            subprocess.Popen(this_command(), env={**told, "LOCAL_RANK": str(rank)})
            for rank in range(1, devices)
        ]
        self._leaving = threading.Event()
        threading.Thread(target=self._watch, name="companions", daemon=True).start()

    def failure(self) -> UserError | SystemExit | None:
        """What the first process ends with because another one has failed; None if none has.

        Called when the first process has an error of its own: an exchange with a process that is
        no more fails before the end of that one can be seen. Its line is there before that.
        """
        self._leaving.set()
        until = time.monotonic() + _PATIENCE
        while time.monotonic() < until:
            lines = [line for line in map(self._told, self._ranks) if line is not None]
            if lines:
                return UserError(lines[0])
            ended = self._ended_badly()
            if ended:
                line = self._line(*ended)
                return UserError(line) if line else SystemExit(1)
            time.sleep(0.05)
        return None

    def end(self, patience: float) -> None:
        """End the other processes: after so many seconds that they get to do so themselves."""
        self._leaving.set()
        until = time.monotonic() + patience
        for process in self._processes:
            with suppress(subprocess.TimeoutExpired):
                process.wait(max(until - time.monotonic(), 0.0))
        self._kill()
        shutil.rmtree(self._lines, ignore_errors=True)

    def _kill(self) -> None:
        for process in self._processes:
            process.kill()
            process.wait()

    def _watch(self) -> None:
        """Ends the first process where it waits, in another language's code, for one that ended."""
        while not self._leaving.wait(_POLL):
            ended = self._ended_badly()
            # A failure that all share is told by the first process, if it is given the time.
            if ended and not self._leaving.wait(_PATIENCE):
                line = self._line(*ended)
                if line:
                    print(f"error: {line}", file=sys.stderr)
                self._kill()
                shutil.rmtree(self._lines, ignore_errors=True)
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(1)

    def _ended_badly(self) -> tuple[int, int] | None:
        """Number and exit code of the first other process that ended with an error."""
        for rank, process in zip(self._ranks, self._processes, strict=True):
            if process.poll():
                return rank, process.returncode
        return None

    @property
    def _ranks(self) -> range:
        return range(1, len(self._processes) + 1)

    def _told(self, rank: int) -> str | None:
        """What process ``rank`` left to be said for it."""
        path = self._lines / f"{rank}.txt"
        return path.read_text(encoding="utf-8") if path.is_file() else None

    def _line(self, rank: int, code: int) -> str | None:
        """What to say of the end of process ``rank``; None where it has said it itself."""
        told = self._told(rank)
        if told is not None or code > 0:
            return told
        return (
            f"process {rank + 1} of {len(self._processes) + 1} of the training: expected to run to "
            f"the end, got killed by {_signal_name(-code)}; where the machine ran out of memory, "
            "lower compute.training.devices or compute.training.microbatch, and run the same "
            "command again"
        )


@contextmanager
def companions(devices: int, threads: int) -> Iterator[Companions | None]:
    """Start the other processes of this node, where there are to be any and nobody else has.

    Within, the environment names this process the first of them. However it is left, they end.
    """
    if devices == 1 or "LOCAL_RANK" in os.environ:
        yield None
        return
    ours = {
        "LOCAL_RANK": "0",
        "NODE_RANK": "0",
        "WORLD_SIZE": str(devices),
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(_free_port()),
        # Lightning else takes as many threads as there are processors for each process
        "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", str(threads)),
    }
    before = {name: os.environ.get(name) for name in ours}
    os.environ.update(ours)
    others = None
    patience = 0.0
    try:
        others = _start(devices)
        yield others
        patience = 60.0
    finally:
        if others:
            others.end(patience)
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


def _start(devices: int) -> Companions:
    try:
        return Companions(devices, os.environ)
    except OSError as error:
        raise DeviceError(
            f"compute.training.devices: expected to start {devices} processes, got "
            f"{error.strerror}; lower it"
        ) from None


def is_companion() -> bool:
    """Whether this process was started by the first one of a training."""
    return _PARENT in os.environ


def end_with_the_first() -> None:
    """In a companion: end when the first process has ended, however that was."""
    first = int(os.environ[_PARENT])

    def watch() -> None:
        while os.getppid() == first:
            time.sleep(1.0)
        os._exit(1)

    threading.Thread(target=watch, name="first process", daemon=True).start()


def tell_the_first(error: UserError) -> SystemExit:
    """In a companion: leave the line of ``error`` to the first process; what to raise then."""
    path = Path(os.environ[_LINES]) / f"{os.environ['LOCAL_RANK']}.txt"
    with suppress(OSError):  # the first process is no more
        path.with_suffix(".part").write_text(str(error), encoding="utf-8")
        path.with_suffix(".part").replace(path)  # whole or not at all: the first reads at any time
    return SystemExit(1)


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
