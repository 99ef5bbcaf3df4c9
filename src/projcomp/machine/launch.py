"""A command that is started anew by another one, such as Slurm's srun.

A scheduler that warns a job of its end by SIGTERM may tell the first process of a step alone: with
Slurm's proctrack/cgroup that is Snakemake, which waits, and the training hears nothing before it is
killed. Started by srun the training is the first process of a step of its own.
"""

import os
import shlex
import shutil
import sys
from collections.abc import Sequence

from projcomp.errors import DeviceError

FLAG = "--launch"


def launched(launcher: str, command: Sequence[str]) -> list[str]:
    """The command line that has ``launcher`` start ``command``, which then asks for none.

    Args:
        launcher: a command with its arguments, as a shell would split it.
        command: the program and its arguments, among them ``--launch`` and its value.

    Raises:
        DeviceError: there is no such launcher.
    """
    try:
        start = shlex.split(launcher)
    except ValueError as error:
        raise DeviceError(
            f"{FLAG}: expected a command, got {launcher!r} ({error}); correct it"
        ) from None
    if not start or shutil.which(start[0]) is None:
        raise DeviceError(
            f"{FLAG}: expected a command that is installed here, got {launcher!r}; start the job "
            "where it is, or leave the flag out (on several nodes: set compute.training.nodes to 1)"
        )
    rest, asked = [], iter(command)
    for word in asked:
        if word == FLAG:
            next(asked, None)
        elif not word.startswith(f"{FLAG}="):
            rest.append(word)
    return [*start, *rest]


def this_command() -> list[str]:
    """The command that runs in this process."""
    import __main__

    spec = getattr(__main__, "__spec__", None)
    start = [os.path.abspath(sys.argv[0])] if spec is None else ["-m", spec.name]
    return [sys.executable, *start, *sys.argv[1:]]


def become(launcher: str) -> None:
    """Replace this process by ``launcher``, which starts the same command without the launcher.

    Raises:
        DeviceError: there is no such launcher.
    """
    command = launched(launcher, this_command())
    sys.stdout.flush()
    sys.stderr.flush()
    os.execvp(command[0], command)
