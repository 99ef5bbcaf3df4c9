"""Judging sets of molecules: ``projcomp count --molecules``."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from projcomp.files.atomic import write_text
from projcomp.molecules.measures import LEAST_QED, MOST_SA, judged, set_measures
from projcomp.molecules.read import read_smiles

MEASURES = ("validity", "uniqueness", "valid_unique", "quality", "diversity")
"""Of a set, as Table 4 has them; of :func:`projcomp.molecules.measures.set_measures`."""

COLUMNS = ("file", "molecules", *MEASURES, "qed", "sa", "qed_top10", "qed_top1")
"""Of the table of sets; a cell is empty where a set has too few molecules for it."""

MOLECULE_COLUMNS = ("file", "index", "smiles", "canonical", "repeated", "qed", "sa", "quality")
"""Of the table of molecules, counted from 0; the later cells are empty where it is not valid."""

NOT_MEASURED = (
    "GSK3b and JNK3, the other properties of SuperDiff's Table 4, are not measured: their "
    "predictors are downloads of Therapeutics Data Commons"
)


def measure(
    files: Sequence[Path], out: Path, *, column: str | None = None, each: Path | None = None
) -> list[str]:
    """Judge every file of molecules as one set, and write a row for each (COLUMNS).

    All files are read before the first is judged.

    Args:
        files: as of :func:`read_smiles`; several are several runs, whose spread is told.
        out: table to write.
        column: of the files that are CSVs.
        each: table of the molecules to write (MOLECULE_COLUMNS).

    Returns:
        lines to say.

    Raises:
        ConfigError: as of :func:`read_smiles`.
        FileFormatError: as of :func:`read_smiles`.
    """
    sets = [read_smiles(path, column) for path in files]
    rows: list[dict[str, Any]] = []
    molecules: list[tuple[Any, ...]] = []
    with tqdm(total=sum(map(len, sets)), desc="judging", unit="molecule", disable=None) as bar:
        for path, samples in zip(files, sets, strict=True):
            found = []
            for one in judged(samples):
                found.append(one)
                bar.update()
            rows.append({"file": str(path), "molecules": len(found)} | set_measures(found))
            molecules += [
                (str(path), number, one.smiles, one.canonical)
                + (
                    (int(one.repeated), one.qed, one.sa, int(one.good))
                    if one.canonical
                    else ("",) * 4
                )
                for number, one in enumerate(found)
            ]
    write_text(out, _csv(COLUMNS, ([row[name] for name in COLUMNS] for row in rows)))
    if each:
        write_text(each, _csv(MOLECULE_COLUMNS, molecules))
    return list(_sentences(rows))


def _sentences(rows: Sequence[dict[str, Any]]) -> Iterator[str]:
    for row in rows:
        yield f"{row['file']}: {row['molecules']:,} molecules: {_told(row, _number)}"
    if len(rows) > 1:
        spread = {name: [row[name] for row in rows] for name in MEASURES}
        yield f"{len(rows)} sets, mean and standard deviation: {_told(spread, _mean)}"
    yield NOT_MEASURED


def _told(values: dict[str, Any], word: Any) -> str:
    named = {
        "validity": "valid",
        "uniqueness": "unique of these",
        "valid_unique": "valid and unique",
        "quality": f"of quality (QED at least {LEAST_QED}, SA at most {MOST_SA:g})",
        "diversity": "diversity",
    }
    return ", ".join(f"{named[name]} {word(values[name])}" for name in MEASURES)


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:.3f}"


def _mean(values: Sequence[float | None]) -> str:
    known = [value for value in values if value is not None]
    if len(known) < len(values):
        return "none"
    return f"{np.mean(known):.3f} ± {np.std(known, ddof=1):.3f}"


def _csv(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    content = io.StringIO()
    writer = csv.writer(content, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(
        [f"{cell:.6g}" if isinstance(cell, float) else cell for cell in row] for row in rows
    )
    return content.getvalue()
