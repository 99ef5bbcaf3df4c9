"""What a run holds and looks at before it begins, so that the same command goes on after any death.

Snakemake's own lock is a file that stays when its process is killed. Here a run holds a lock of
the system over its root instead (``files/lock.py``): whoever gets it knows that no other run is
alive, and may take away what a dead one left.
"""

import hashlib
import logging
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from projcomp.errors import ConfigError, DiskError, FileFormatError, LockedError, UserError
from projcomp.files.atomic import check_room, is_full, no_room
from projcomp.files.lock import held
from projcomp.folder import Folder
from projcomp.machine.processes import announce_run
from projcomp.machine.slurm import end_jobs, jobs_name, named_jobs
from projcomp.plan.crowded import check_crowded
from projcomp.plan.meetings import meetings
from projcomp.plan.plan import Plan

_SNAKEMAKE = Path(".snakemake")
_SNAKEMAKE_LOCKS = _SNAKEMAKE / "locks"
_CONFIG = "PROJCOMP_CONFIG"
_HOLDER = "PROJCOMP_HOLDER"
_AHEAD = 60.0
"""Seconds that the time of a file may be ahead of the clock: servers of files differ so much."""
_ROOM = 2**20
"""Bytes for logs and for what Snakemake notes of some hundred jobs."""


def begin_with_care(workflow: Any, plan: Plan) -> None:
    """Have ``plan`` checked and its root locked once Snakemake's ``workflow`` comes to run jobs.

    It then says which composed places can overlap. A dry run locks nothing and disturbs no run, and
    is told of targets that there are not; a report or a drawing of the graph is not looked at.

    Args:
        workflow: as the Snakefile has it; its ``execute`` is called when all flags are known.
        plan: the run.
    """
    execute: Callable[..., Any] = workflow.execute
    planned_by = hashlib.sha256(plan.config.model_dump_json().encode()).hexdigest()

    def checked(*arguments: Any, **settings: Any) -> Any:
        try:
            for target in _targets(workflow):
                plan.check_target(target)
            if settings["executor_plugin"].common_settings.dryrun_exec:
                return execute(*arguments, **settings)
            part = _is_part(workflow)
            executor = settings.get("executor_settings")
            run = _part(plan, planned_by) if part else _whole(workflow, plan, planned_by, executor)
            with run:
                announce_run(None if part else plan.folder.stages())
                return execute(*arguments, **settings)
        except UserError as error:
            raise _told(error) from None
        except OSError as error:  # of what Snakemake notes of its jobs
            if not is_full(error):
                raise
            raise _told(no_room(error.filename or _SNAKEMAKE, error)) from None

    workflow.execute = checked


def _note(plan: Plan) -> None:
    """Say what is odd about the places that a run composes, before any long work."""
    for line, odd in meetings(plan):
        if odd:
            print(f"note: {line}", file=sys.stderr)


def _told(error: UserError) -> Exception:
    """What Snakemake says as a line."""
    from snakemake.exceptions import WorkflowError

    if isinstance(error, DiskError):
        # Snakemake's log cannot be written either, of which logging would say more than the line
        logging.raiseExceptions = False
    return WorkflowError(str(error))


def _targets(workflow: Any) -> list[str]:
    """Files, or names of rules, that the command line asks for."""
    asked = workflow.dag_settings
    return sorted({*asked.targets, *asked.forcerun, *asked.until})


def _is_part(workflow: Any) -> bool:
    """Whether another Snakemake started this one, for a job of its own."""
    return workflow.exec_mode.name != "DEFAULT"


@contextmanager
def _whole(workflow: Any, plan: Plan, planned_by: str, executor: Any) -> Iterator[None]:
    """A run of its own: alone in its root as long as it lives."""
    if workflow.execution_settings.keep_incomplete:
        raise ConfigError(
            "--keep-incomplete: expected a run without it, got it: Snakemake takes what it keeps "
            "of a failed job for complete; leave it out, the job's log says what went wrong"
        )
    for place in (_SNAKEMAKE, Path(plan.folder.at("logs")), Path(plan.folder.root)):
        check_room(place, _ROOM)
    locked = f"{plan.folder.lock()}: expected no other run in this root, got one that is alive"
    with held(plan.folder.lock(), f"{locked}: wait for it, or end it; it goes on") as alone:
        check_clock([*plan.given(), *plan.intermediates(), *plan.targets()])
        name = jobs_name(plan.folder.root)
        if alone:
            wait_for_stages(plan.folder)
            end_jobs(plan.folder.jobs(), name)
            remove_dead_locks(plan.folder)
        os.environ |= {_CONFIG: planned_by, _HOLDER: _holder(plan.folder)}
        check_crowded(plan)
        _note(plan)
        with named_jobs(executor, plan.folder.jobs(), name):
            yield


@contextmanager
def _part(plan: Plan, planned_by: str) -> Iterator[None]:
    """A job with a Snakemake of its own: its run must live, and the config be what it began with.

    A job that waited in a queue while its run was killed would remove, before it makes them anew,
    the files that the next run has made.
    """
    holder = _holder(plan.folder)
    if os.environ.get(_HOLDER, holder) != holder:
        raise LockedError(
            f"{plan.folder.lock()}: expected the run that submitted this job, got a later one "
            f"({holder}): nothing is lost, the later one makes what is missing"
        )
    if os.environ.get(_CONFIG, planned_by) != planned_by:
        raise ConfigError(
            "config: expected what the run began with, got one edited since: let the run end, and "
            "run the same command again; it makes what the edit changes"
        )
    yield


def _holder(folder: Folder) -> str:
    """Who has the lock of the root, or had it last; empty where that is not known."""
    with suppress(OSError):
        return Path(folder.lock()).read_text(encoding="utf-8", errors="replace").strip()
    return ""


def wait_for_stages(folder: Folder) -> None:
    """Wait until no stage of a run before this one is alive on this machine.

    They end by themselves, soon after their run (``machine/processes.py``).
    """
    path = folder.stages()

    def told(_: str) -> None:
        print(f"{path}: waiting for the stages of the run before to end", file=sys.stderr)

    with held(path, path, told):
        pass


def remove_dead_locks(folder: Folder) -> None:
    """Remove Snakemake's locks of files of this run; who calls this holds the run's own lock."""
    for lock in _SNAKEMAKE_LOCKS.glob("*.lock"):
        with suppress(OSError):
            told = lock.read_text(encoding="utf-8", errors="surrogateescape")
            if any(folder.has(path) for path in told.splitlines()):
                lock.unlink()


def check_clock(files: Iterable[str]) -> None:
    """Refuse to begin where a file seems to come from the future.

    Snakemake would refuse whatever is made from it, after hours of making, because the results
    would seem older than what they were made from.

    Raises:
        FileFormatError: naming the first such file.
    """
    for path in files:
        with suppress(OSError):
            ahead = os.stat(path).st_mtime - time.time()
            if ahead > _AHEAD:
                raise FileFormatError(
                    f"{path}: expected a file of the past, got one of {ahead:.0f} s from now: set "
                    "the clock of this machine, or `touch` the file where it was another's that "
                    "was wrong"
                )
