"""One training at a time in the folder of its state.

A training may outlive the run that started it, on another machine say. The next run then starts
it once more, and two would write one state. The second one waits instead, and takes up what the
first one leaves: its state, or all of its results.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from projcomp.files.atomic import remove_leftovers, write_text
from projcomp.files.lock import held
from projcomp.folder import SHEETS

_LOCK, _FINISHED = "lock", "finished"


class Turn:
    """The time in which a training is alone.

    Args:
        state_dir: the folder of its state.
        waited: whether another one had to end before.
    """

    def __init__(self, state_dir: Path, waited: bool):
        self._finished, self._waited = state_dir / _FINISHED, waited

    def is_made(self, fingerprint: str) -> bool:
        """Whether the one that was waited for has made what this one would have.

        Only then: Snakemake removes results before it starts a training, whose time it is then.

        Args:
            fingerprint: what decides the results.
        """
        made = self._waited and self._finished.is_file()
        made = made and self._finished.read_text(encoding="utf-8") == _sum(fingerprint)
        self._finished.unlink(missing_ok=True)
        return made

    def finish(self, fingerprint: str) -> None:
        """Leave word that the results of ``fingerprint`` are complete."""
        write_text(self._finished, _sum(fingerprint))


@contextmanager
def alone(state_dir: Path, out_dir: Path, *, waits: bool = True) -> Iterator[Turn]:
    """Be the only training of this state inside; what killed ones left half-written is removed.

    Args:
        state_dir: the folder of the state.
        out_dir: the folder of the results.
        waits: whether to wait for another one; else it is an error.

    Raises:
        LockedError: another training of this state is running, and this one must not wait.
        OutputError: nothing can be written into ``state_dir``.
    """
    waited = False

    def wait(holder: str) -> None:
        nonlocal waited
        waited = True
        print(f"{path}: waiting for the end of another training ({holder})", flush=True)

    path = state_dir / _LOCK
    locked = f"{path}: expected no other training of this state, got one; wait for it, or end it"
    with held(path, locked, wait if waits else None) as locks:
        for folder in (state_dir, out_dir, out_dir / SHEETS):
            remove_leftovers(folder, alone=locks)
        yield Turn(state_dir, waited)


def _sum(fingerprint: str) -> str:
    return hashlib.sha256(fingerprint.encode()).hexdigest()
