"""Slurm's jobs of a root: known by their name, and ended where a killed run has left some.

Jobs outlive a killed Snakemake, and the next run would submit the same ones beside them. The plugin
names the jobs of a run by a number that it draws, behind a prefix that is ours to choose: it says
which root they write into. So the next run finds them, though nobody noted their numbers.
"""

import hashlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from projcomp.errors import LockedError
from projcomp.files.atomic import write_text

_POLL = 2.0
_PATIENCE = 60
"""Seconds between two questions, and those in which Slurm must answer one."""
_FILTERS = ("SQUEUE_", "SCANCEL_")
"""Variables by which a user hides jobs from these commands."""


def jobs_name(root: str | os.PathLike[str]) -> str:
    """What stands in the names of all jobs that write into ``root``; of no copy of it."""
    place = os.fsencode(os.path.realpath(root))
    return f"projcomp-{hashlib.sha256(place).hexdigest()[:16]}"


@contextmanager
def named_jobs(settings: Any, note: str, name: str) -> Iterator[None]:
    """Name the jobs that are submitted inside; ``note`` stays where some may be left at the end.

    Args:
        settings: of Snakemake's executor; nothing is done where they are not the Slurm plugin's.
        note: the file that tells the next run to look for jobs.
        name: as of :func:`jobs_name`; it follows a prefix of the user's own.
    """
    if not hasattr(settings, "jobname_prefix"):
        yield
        return
    settings.jobname_prefix = "_".join(filter(None, (settings.jobname_prefix, name)))
    write_text(note, f"{name}\n")
    try:
        yield
    finally:
        with suppress(LockedError):  # Slurm does not answer: the next run asks again
            if not _jobs(note, name):
                Path(note).unlink(missing_ok=True)


def end_jobs(note: str, name: str) -> None:
    """Cancel what a run before has left in the queue, and wait until nothing of it is there.

    Trainings save their state meanwhile. A job that is no more in the queue writes nothing, and
    Snakemake inside of it removes no outputs either, which it does when its job fails.

    Raises:
        LockedError: Slurm does not answer.
    """
    cancelled: set[str] = set()
    while os.path.exists(note) and (jobs := _jobs(note, name)):
        if new := sorted(jobs - cancelled):
            print(f"{note}: cancelling {len(new)} of a killed run's jobs; waiting", file=sys.stderr)
            _answer(note, "scancel", "--quiet", *new)
            cancelled.update(new)
        time.sleep(_POLL)
    Path(note).unlink(missing_ok=True)


def _jobs(note: str, name: str) -> set[str]:
    """Numbers of our jobs of this name that wait, run or are ending."""
    told = _answer(note, "squeue", "--me", "--all", "--noheader", "--format=%A %j")
    return {line.split()[0] for line in told.splitlines() if f"{name}_" in line}


def _answer(note: str, *command: str) -> str:
    environ = {key: value for key, value in os.environ.items() if not key.startswith(_FILTERS)}
    try:
        return subprocess.run(
            command, env=environ, capture_output=True, text=True, timeout=_PATIENCE, check=True
        ).stdout
    except subprocess.CalledProcessError as error:
        why = " ".join(error.stderr.split()) or f"exit code {error.returncode}"
    except (OSError, subprocess.TimeoutExpired) as error:
        why = str(error)
    raise LockedError(
        f"{note}: expected Slurm to tell of the jobs of the run before, got an error of "
        f"{command[0]} ({why}): run the same command where Slurm answers, or remove this file "
        "once none of them is left"
    )
