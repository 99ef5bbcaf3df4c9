"""A user's own operator: editing its file samples its own cases again, and nothing else."""

import os
from pathlib import Path
from typing import Any

import pytest
from driver import Job, Workflow, planned, prepared
from known_config import known

OPERATOR = "def operator(scores, x, sigma):\n    return scores[0]\n"
MINE: dict[str, Any] = {
    "conditionals": "single",
    "operator": {"name": "own", "file": "mine.py"},
    "background": {"model": "single", "condition": "empty"},
    "num_composed": [2],
    "num_samples": 4,
}


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Workflow:
    """A run with an operator of its own, in which every job was run by the stub."""
    folder = tmp_path_factory.mktemp("own")
    (folder / "mine.py").write_text(OPERATOR)
    return prepared(folder, known({"experiments": {"mine": MINE}}))


def dry_run(workflow: Workflow) -> set[Job]:
    run = workflow.snakemake("-n")
    assert run.returncode == 0, run.stdout + run.stderr
    return planned(run.stdout + run.stderr)


def test_an_edited_file_samples_its_own_cases_again(done: Workflow) -> None:
    assert dry_run(done) == set()
    edit(done.folder / "mine.py", OPERATOR + "# another\n")
    jobs = dry_run(done)
    assert {job for job in jobs if job[0] == "sample_case"} == {("sample_case", "mine/k2")}
    assert {job for job in jobs if job[0] == "evaluate_case"} == {("evaluate_case", "mine/k2")}
    assert {rule for rule, _ in jobs} <= {
        "sample_case",
        "evaluate_case",
        "summarize",
        "make_table",
        "draw_figure",
    }


def test_a_broken_file_is_one_line_before_any_job(done: Workflow) -> None:
    edit(done.folder / "mine.py", "def operator(scores, x, sigma):\n    return q\n")
    run = done.snakemake("-n")
    assert run.returncode == 1
    told = run.stdout + run.stderr
    assert "experiments.mine: mine.py, line 2: expected code that runs, got NameError" in told
    assert "Traceback" not in told


def edit(path: Path, text: str) -> None:
    """Write a file, and a time of change after every job's."""
    path.write_text(text)
    later = path.stat().st_mtime + 60
    os.utime(path, (later, later))
