"""What stopped a training before: kept beside its state and told again when it goes on.

A job's log begins anew with every attempt, so that the line of the attempt before, which says that
its state was saved, would be lost.
"""

from pathlib import Path

from projcomp.files.atomic import write_text
from projcomp.folder import STOPS


def note_stop(state_dir: Path, line: str) -> None:
    """Add the line that a training ends with before its time."""
    write_text(state_dir / STOPS, "".join(f"{one}\n" for one in [*stops(state_dir), line]))


def stops(state_dir: Path) -> list[str]:
    """The lines of all attempts so far, in order."""
    path = state_dir / STOPS
    if not path.is_file():
        return []
    return path.read_text(encoding="utf-8", errors="replace").splitlines()


def forget_stops(state_dir: Path) -> None:
    """Begin anew, or be done."""
    (state_dir / STOPS).unlink(missing_ok=True)
