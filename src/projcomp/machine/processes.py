"""Whether a process still runs, and stages that end with the run that started them."""

import os
import signal
import socket
import sys
import threading
import time
from collections.abc import MutableMapping
from contextlib import suppress
from pathlib import Path

from projcomp.files.lock import try_lock

RUN = "PROJCOMP_RUN"
"""The variable by which a run tells its stages who it is."""
STAGES = "PROJCOMP_STAGES"
"""And that by which it tells them the lock that they share."""

_POLL = 0.5
"""Seconds after which a stage looks whether its run is still there."""


def alive(process: int) -> bool:
    """Whether there is a process of this number on this machine that has not ended.

    One that has ended, and for which nobody has asked yet, still has its number.
    """
    with suppress(OSError, IndexError):  # Linux; the name of the program may have any signs
        told = Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace")
        return told.rpartition(")")[2].split()[0] not in ("Z", "X")
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True


def announce_run(stages: str | None = None, environ: MutableMapping[str, str] = os.environ) -> None:
    """Let the stages that this process starts know that it is their run.

    Args:
        stages: the lock that they share while they are alive; None for no such lock.
        environ: where they read it.
    """
    environ[RUN] = f"{os.getpid()} {_machine()}"
    environ.pop(STAGES, None)
    if stages is not None:
        environ[STAGES] = os.path.abspath(stages)


def end_with_the_run(environ: MutableMapping[str, str] = os.environ) -> None:
    """In a stage: end soon after the run that started it, however that ended.

    A stage that outlived its run would go on writing beside the one that the next run starts. It
    is sent SIGTERM, upon which a training saves its state; that takes a while on a busy machine, so
    that the next run waits for the lock that a stage shares until then. Nothing happens where no
    run started this process, or one on another machine did, whose scheduler ends what it started.
    """
    run, _, machine = environ.get(RUN, "").partition(" ")
    if not run.isdecimal() or machine != _machine():
        return

    def watch() -> None:
        while alive(int(run)):
            time.sleep(_POLL)
        print(f"error: the run that started this stage ended (process {run})", file=sys.stderr)
        sys.stderr.flush()
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="run", daemon=True).start()
    if STAGES in environ:
        with suppress(OSError):  # a disk that is full or cannot be written: the stage will say so
            # never closed: the system takes it back at whatever end of this process
            file = os.open(environ[STAGES], os.O_RDWR | os.O_CREAT, 0o666)
            try_lock(file, shared=True, wait=True)


def numbering() -> str:
    """On Linux the numbering of processes that this process is in, a number itself; else nothing.

    Every container has its own, and containers may share the name of their machine.
    """
    with suppress(OSError):
        return "".join(filter(str.isdigit, os.readlink("/proc/self/ns/pid")))
    return ""


def _machine() -> str:
    """This machine, and the numbering of processes that this process is in."""
    return f"{socket.gethostname()} {numbering()}"
