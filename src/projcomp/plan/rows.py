"""What tables and figures have in common: one row for each kind, and what a run has of it."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

from projcomp.folder import Folder
from projcomp.plan.run import Run
from projcomp.plan.subjects import Subject
from projcomp.settings.report import FigureSettings, TableSettings

Shown = tuple[str, dict[str, Any]]
"""What one table or figure is about (a sweep, an experiment, or nothing where a run has one such),
and the fields of its settings that say what it shows."""

S = TypeVar("S", TableSettings, FigureSettings)


@dataclass(frozen=True)
class Row(Generic[S]):
    """One kind of table or of figure.

    Attributes:
        kind: its name, and that of the module that makes it; a figure that draws a table has the
            table's.
        format: raised by hand when it shows something else than before, or in another way.
        caption: what it shows, for the report.
        shows: those of this kind that a run has, and all that each of them shows: a drawing draws
            what its settings say and leaves nothing out.
        reads: the files that one is made from.
        about: what the experiments are about that it shows, or any of them.
    """

    kind: str
    format: int
    caption: str
    shows: Callable[[Run], Iterator[Shown]]
    reads: Callable[[S, Folder], list[str]]
    about: Subject | Literal["all"] = "scenes"

    def found(self, run: Run) -> Iterator[Shown]:
        """Those of this kind that ``run`` has, by name."""
        for of, shown in self.shows(run if self.about == "all" else run.about(self.about)):
            yield name_of(self.kind, of), shown


@dataclass(frozen=True)
class Planned(Generic[S]):
    """One table or figure of a run."""

    row: Row[S]
    settings: S

    def reads(self, folder: Folder) -> list[str]:
        """The files that it is made from."""
        return self.row.reads(self.settings, folder)


def name_of(kind: str, subject: str) -> str:
    """What a table or a figure of a kind is called that is about ``subject``, or about the run."""
    return f"{kind}_{subject}" if subject else kind


def row_of(kind: str, rows: Iterable[Row[S]]) -> Row[S]:
    """The one row of a kind."""
    (row,) = (row for row in rows if row.kind == kind)
    return row


def each_case(settings: TableSettings | FigureSettings, of: Callable[[str, str], str]) -> list[str]:
    """What ``of`` names of every case of every experiment, in order."""
    return [of(name, case) for name, cases in settings.cases.items() for case in cases]
