"""What docs/papers.md says can be run is there: figures, presets, benchmarks, tests."""

import re
from functools import cache
from pathlib import Path

import pytest

from projcomp.plan.load import load_files
from projcomp.plan.plan import Plan

REPOSITORY = Path(__file__).parents[2]
PAGE = (REPOSITORY / "docs" / "papers.md").read_text(encoding="utf-8")
COMMANDS = sorted(set(re.findall(r"`(snakemake [^`]*)`", PAGE.replace("\n", " "))))


@cache
def made(*presets: str) -> set[str]:
    """The files that a run with ``presets`` makes for its report, without its root."""
    plan = Plan(load_files([REPOSITORY / name for name in ("config.yaml", *presets)]))
    figures = {f"results/figures/{name}.png" for name in plan.figures}
    return figures | {f"results/{name}.csv" for name in plan.tables}


@pytest.mark.parametrize("command", COMMANDS)
def test_a_figure_that_is_named_is_one_of_the_run(command: str) -> None:
    presets = re.findall(r"--configfile (\S+)", command)
    assert set(re.findall(r"results/\S+", command)) <= made(*presets)


def test_the_tables_that_are_named_are_ones_of_the_demo() -> None:
    named = set(re.findall(r"`(results/\w+\.csv)`", PAGE))
    assert named
    assert named <= made()


def test_the_files_that_are_named_are_there() -> None:
    named = re.findall(r"`(?:python )?((?:tests|benchmarks|presets)/[\w/.]+)`", PAGE)
    named += [f"docs/{page}" for page in re.findall(r"\]\((\w+\.md)", PAGE)]
    assert len(named) > 10
    for name in named:
        assert (REPOSITORY / name).exists(), name


def test_every_row_says_something_in_each_column() -> None:
    """What does not run here names what it needs, and what runs a command, unless unchecked."""
    lines = PAGE.split("## The estimators' cost")[0].splitlines()
    rows = [line.strip("| \n").split(" | ") for line in lines if line.startswith("| ")]
    rows = [row for row in rows if row[0] not in ("row", "---")]
    assert len(rows) > 35
    for row in rows:
        cells = [cell.strip(" |") for cell in (row + [""] * 5)[:5]]
        if cells[1].startswith("not checked"):
            continue
        assert cells[3] or cells[4], row
        assert cells[2], row
