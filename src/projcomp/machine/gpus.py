"""GPUs of a machine with several: each job takes its own, before torch or Blender looks for any.

Snakemake counts GPUs and hands out no numbers, so that all its jobs would compute on the first.
A job holds a lock for each GPU that it takes; the system takes the locks back at whatever death of
the job. A scheduler that shows a job just as many as it takes is obeyed.
"""

import os
import tempfile
import time
from collections.abc import MutableMapping
from pathlib import Path

from projcomp.errors import ConfigError, OutputError
from projcomp.files.lock import try_lock

VISIBLE = "CUDA_VISIBLE_DEVICES"
"""What torch and Cycles (cuda, optix) see; others are hidden from them."""
SHARE = "PROJCOMP_JOBS_PER_GPU"
"""How many jobs may compute on one GPU at a time, 1 if it says nothing."""

_JOB = ("SLURM_JOB_ID", "PBS_JOBID", "LSB_JOBID", "JOB_ID")
"""Inside such a job numbers count the job's own GPUs."""
_POLL = 0.5

_held: dict[str, int] = {}
"""Locks by the GPU's name, kept until the process ends."""


def visible_gpus(environ: MutableMapping[str, str], devices: Path = Path("/dev")) -> list[str]:
    """The GPUs that a process may take, by the names that ``CUDA_VISIBLE_DEVICES`` has for them.

    Args:
        environ: where that stands; without it, every GPU of the machine.
        devices: folder of the device files, of which NVIDIA's driver makes one per GPU.
    """
    told = environ.get(VISIBLE)
    if told is None:
        return [str(number) for number, _ in enumerate(devices.glob("nvidia[0-9]*"))]
    names = []
    for name in map(str.strip, told.split(",")):
        if not name or name.startswith("-"):  # what follows a wrong name is hidden
            break
        names.append(name)
    return names


def take_gpus(
    count: int, environ: MutableMapping[str, str] | None = None, devices: Path = Path("/dev")
) -> None:
    """Keep ``count`` GPUs for this process and hide the others; wait where all are taken.

    Nothing is done where there are fewer, and where a scheduler shows this job just as many: they
    are its own.

    Args:
        count: how many it computes on.
        environ: the environment, whose ``CUDA_VISIBLE_DEVICES`` is set; the process's own if None.
        devices: folder of the device files.

    Raises:
        ConfigError: ``PROJCOMP_JOBS_PER_GPU`` is no number above zero.
        OutputError: the files of the locks cannot be made.
    """
    environ = os.environ if environ is None else environ
    names = visible_gpus(environ, devices)
    if names and set(names) <= _held.keys():  # taken before, by this process
        return
    if not count or len(names) < count or (len(names) == count and _job(environ)):
        return
    folder, share = _folder(environ), _share(environ)
    told = False
    while True:
        try:
            folder.mkdir(mode=0o700, exist_ok=True)
            found = _free(folder, names, share, count)
        except OSError as error:
            raise OutputError(
                f"{folder}: a folder for the locks of GPUs expected, got a place that fails "
                f"({error.strerror}): remove it if it is no such folder, or set TMPDIR to another"
            ) from None
        if found is None:  # no locks here
            return
        if len(found) == count:
            break
        for lock in found.values():
            os.close(lock)
        if not told:
            print(f"waiting for {count} of {len(names)} GPUs: other jobs have them", flush=True)
            told = True
        time.sleep(_POLL)
    _held.update(found)
    environ[VISIBLE] = ",".join(found)


def _free(folder: Path, names: list[str], share: int, count: int) -> dict[str, int] | None:
    """Up to ``count`` GPUs with the locks taken for them; None where files cannot be locked.

    A GPU that others share is taken after those that nobody has.
    """
    found: dict[str, int] = {}
    for place in range(share):
        for name in names:
            if name in found or len(found) == count:
                continue
            lock = os.open(folder / f"{name.replace('/', '_')}.{place}", os.O_RDWR | os.O_CREAT)
            taken = try_lock(lock)
            if taken:
                found[name] = lock
                continue
            os.close(lock)
            if taken is None:
                return None
    return found


def _folder(environ: MutableMapping[str, str]) -> Path:
    """Where the locks lie: of one user, and of one scheduler's job where there is one."""
    user = str(os.getuid()) if hasattr(os, "getuid") else "user"
    return Path(tempfile.gettempdir()) / f"projcomp-gpus-{user}-{_job(environ) or 'machine'}"


def _job(environ: MutableMapping[str, str]) -> str:
    """The scheduler's job that this process belongs to; empty without one."""
    return next((environ[name] for name in _JOB if environ.get(name)), "")


def _share(environ: MutableMapping[str, str]) -> int:
    text = environ.get(SHARE, "1").strip()
    if not (text.isascii() and text.isdecimal() and 0 < int(text) < 1000):
        raise ConfigError(
            f"{SHARE}: expected a number of jobs from 1 to 999, got {text!r}; correct or unset it"
        )
    return int(text)
