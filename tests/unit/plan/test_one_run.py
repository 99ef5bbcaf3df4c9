"""What is looked at before a run begins, without Snakemake."""

import os
import time
from enum import Enum
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from known_config import known
from snakemake.exceptions import WorkflowError

from projcomp.errors import FileFormatError
from projcomp.files.lock import held
from projcomp.folder import Folder
from projcomp.machine.processes import RUN
from projcomp.plan.load import load
from projcomp.plan.one_run import begin_with_care, check_clock, remove_dead_locks
from projcomp.plan.plan import Plan

Mode = Enum("Mode", ["DEFAULT", "SUBPROCESS", "REMOTE"])
LOCKS = Path(".snakemake/locks")


@pytest.fixture
def plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Plan:
    """A plan, in an empty folder; the environment is put back."""
    monkeypatch.chdir(tmp_path)
    for name in (RUN, "PROJCOMP_CONFIG"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    LOCKS.mkdir(parents=True)
    return Plan(load(known()))


def workflow(mode: Mode = Mode.DEFAULT, **flags: Any) -> SimpleNamespace:
    """As much of Snakemake's workflow as is asked."""
    flags = {"keep_incomplete": False, **flags}
    made = SimpleNamespace(
        exec_mode=mode, execution_settings=SimpleNamespace(**flags), ran=[], configfiles=[]
    )
    made.execute = lambda **settings: made.ran.append(dict(os.environ))
    return made


def execute(made: SimpleNamespace, dry: bool = False) -> None:
    made.execute(executor_plugin=SimpleNamespace(common_settings=SimpleNamespace(dryrun_exec=dry)))


def test_a_run_that_begins_alone_clears_dead_locks_and_is_known_to_its_stages(plan: Plan) -> None:
    (LOCKS / "0.output.lock").write_text("data/single/shard-00000.h5\ndata/single.h5\n")
    made = workflow()
    begin_with_care(made, plan)
    execute(made)
    assert list(LOCKS.iterdir()) == []
    assert made.ran[0][RUN].startswith(f"{os.getpid()} ")
    assert Path("state/lock").read_text().startswith(f"process {os.getpid()} on ")
    execute(made)  # the lock was given back


def test_beside_a_live_run_nothing_is_touched(plan: Plan) -> None:
    lock = LOCKS / "0.output.lock"
    lock.write_text("data/single.h5\n")
    made = workflow()
    begin_with_care(made, plan)
    with (
        held("state/lock", "it"),
        pytest.raises(WorkflowError, match=r"^state/lock: expected no other run in this root"),
    ):
        execute(made)
    assert lock.exists()
    assert made.ran == []


def test_a_dry_run_locks_nothing(plan: Plan) -> None:
    (LOCKS / "0.output.lock").write_text("data/single.h5\n")
    made = workflow()
    begin_with_care(made, plan)
    execute(made, dry=True)
    assert len(made.ran) == 1
    assert not Path("state").exists()
    assert (LOCKS / "0.output.lock").exists()


@pytest.mark.parametrize(
    ("root", "dead", "kept"),
    [
        (".", "data/single.h5", "runs/smoke/data/single.h5"),
        ("runs/smoke", "runs/smoke/models/a/model.json", "models/a/model.json"),
        ("/scratch/run", "/scratch/run/results/summary.csv", "results/summary.csv"),
    ],
)
def test_locks_of_another_root_stay(plan: Plan, root: str, dead: str, kept: str) -> None:
    """A run of another preset in the same folder is another run, and may be alive."""
    (LOCKS / "0.output.lock").write_text(f"{dead}\n")
    (LOCKS / "1.output.lock").write_text(f"{kept}\n")
    remove_dead_locks(Folder(root))
    assert [path.name for path in LOCKS.iterdir()] == ["1.output.lock"]


def test_kept_incomplete_files_are_refused(plan: Plan) -> None:
    made = workflow(keep_incomplete=True)
    begin_with_care(made, plan)
    with pytest.raises(WorkflowError, match=r"^--keep-incomplete: expected a run without it"):
        execute(made)
    assert made.ran == []


def test_a_file_from_the_future_is_one_line_before_anything_is_made(plan: Plan) -> None:
    path = Path("data/single.h5")
    path.with_suffix("").mkdir(parents=True)  # the shards of a dataset that is looked at
    path.touch()
    os.utime(path, (time.time() + 30,) * 2)
    check_clock([str(path), "missing"])
    os.utime(path, (time.time() + 3600,) * 2)
    made = workflow()
    begin_with_care(made, plan)
    with pytest.raises(WorkflowError, match=r"^data/single\.h5: expected a file of the past"):
        execute(made)
    with pytest.raises(FileFormatError, match="one of 3600 s from now"):
        check_clock([str(path)])


def test_a_config_edited_during_a_run_stops_its_jobs(plan: Plan) -> None:
    """Where a job is a Snakemake of its own, as on a cluster, it reads the config anew."""
    whole = workflow()
    begin_with_care(whole, plan)
    execute(whole)
    same, edited = workflow(Mode.REMOTE), workflow(Mode.REMOTE)
    begin_with_care(same, plan)
    execute(same)
    assert len(same.ran) == 1
    begin_with_care(edited, Plan(load(known({"seed": 1}))))
    with pytest.raises(WorkflowError, match=r"^config: expected what the run began with, got one"):
        execute(edited)
    assert edited.ran == []
