"""What is looked at before a run begins, without Snakemake."""

import errno
import logging
import os
import re
import time
from enum import Enum
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from known_config import known
from snakemake.exceptions import WorkflowError

from projcomp.config.root import Config
from projcomp.errors import FileFormatError
from projcomp.files.lock import held
from projcomp.folder import Folder
from projcomp.machine.processes import RUN
from projcomp.plan.load import load
from projcomp.plan.meetings import meetings
from projcomp.plan.one_run import begin_with_care, check_clock, remove_dead_locks
from projcomp.plan.plan import Plan
from projcomp.plan.run import Run

Mode = Enum("Mode", ["DEFAULT", "SUBPROCESS", "REMOTE"])
LOCKS = Path(".snakemake/locks")


@pytest.fixture
def plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Plan:
    """A plan, in an empty folder; the environment is put back."""
    monkeypatch.chdir(tmp_path)
    for name in (RUN, "PROJCOMP_CONFIG", "PROJCOMP_HOLDER"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    monkeypatch.setattr(logging, "raiseExceptions", True)
    LOCKS.mkdir(parents=True)
    return Plan(load(known()))


def workflow(mode: Mode = Mode.DEFAULT, targets: Any = (), **flags: Any) -> SimpleNamespace:
    """As much of Snakemake's workflow as is asked."""
    flags = {"keep_incomplete": False, **flags}
    made = SimpleNamespace(
        exec_mode=mode,
        execution_settings=SimpleNamespace(**flags),
        dag_settings=SimpleNamespace(targets=targets, forcerun=(), until=()),
        ran=[],
        configfiles=[],
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


def test_a_job_of_a_run_that_another_followed_does_nothing(plan: Plan) -> None:
    whole, late = workflow(), workflow(Mode.REMOTE)
    for made in (whole, late):
        begin_with_care(made, plan)
    execute(whole)
    Path("state/lock").write_text("process 2 on b since later\n")
    told = r"^state/lock: expected the run that submitted this job, got a later one \(process 2"
    with pytest.raises(WorkflowError, match=told):
        execute(late)
    assert late.ran == []


def test_a_run_whose_scenes_cannot_be_drawn_does_not_begin(plan: Plan) -> None:
    crowded = {"datasets": {"counting": {"max_objects": 14}}}
    made = workflow()
    begin_with_care(made, Plan(load(known(crowded))))
    with pytest.raises(
        WorkflowError, match=r"datasets\.counting\.max_objects: an arrangement of 14"
    ):
        execute(made)
    assert made.ran == []


def test_places_whose_objects_can_overlap_are_told_once_and_not_by_jobs(
    plan: Plan, capsys: pytest.CaptureFixture[str]
) -> None:
    near = Plan(load(known({"experiments": {"A": {"num_composed": [5]}}})))
    assert not any(odd for _, odd in meetings(plan))
    (told,) = (line for line, odd in meetings(near) if odd)
    for mode in (Mode.DEFAULT, Mode.REMOTE):
        made = workflow(mode)
        begin_with_care(made, near)
        execute(made)
        expected = f"note: {told}\n" if mode is Mode.DEFAULT else ""
        assert capsys.readouterr().err == expected
    assert "can overlap in the picture (p" in told


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


OWN = {
    "labels": {"kind": ["a", "b"]},
    "datasets": {"mine": {"file": "given.npz", "labels": {"kind": "y"}}},
    "models": {
        "single": {
            "datasets": {"single": 1.0},
            "condition": "position",
            "images_seen": 640,
            "features": {"name": "own", "file": "map.py"},
        }
    },
    "experiments": {
        "A": {
            "operator": {"name": "own", "file": "operator.py"},
            "sampling": {"sampler": {"name": "own", "file": "sampler.py"}},
        }
    },
    "evaluation": {"judge": {"name": "own", "file": "judge.py"}},
}
"""A config that reads files of the user's own."""


@pytest.mark.parametrize("name", ["given.npz", "map.py", "operator.py", "sampler.py", "judge.py"])
def test_a_file_of_the_users_own_from_the_future_is_told_as_early(plan: Plan, name: str) -> None:
    own = Plan(Run(Config.model_validate(known(OWN))))
    assert set(own.given()) == {"given.npz", "map.py", "operator.py", "sampler.py", "judge.py"}
    Path(name).touch()
    os.utime(name, (time.time() + 3600,) * 2)
    made = workflow()
    begin_with_care(made, own)
    with pytest.raises(WorkflowError, match=rf"^{name}: expected a file of the past"):
        execute(made)
    assert made.ran == []


def test_a_lock_of_whatever_bytes_stops_nothing(plan: Plan) -> None:
    (LOCKS / "0.input.lock").write_bytes(b"data/single/\xff\xfe\n")
    (LOCKS / "1.input.lock").write_bytes(b"\xff\xfe\n")
    remove_dead_locks(Folder())
    assert [path.name for path in LOCKS.iterdir()] == ["1.input.lock"]


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("file", r"\(File exists\): remove the file or link that stands where its folder"),
        ("folder", r"\(Is a directory\): remove the folder of that name"),
        ("link", r"\(Too many levels of symbolic links\): remove the link of that name"),
    ],
)
def test_what_stands_in_the_place_of_the_lock_is_one_line(plan: Plan, kind: str, told: str) -> None:
    if kind == "file":
        Path("state").touch()
    elif kind == "folder":
        Path("state/lock").mkdir(parents=True)
    else:
        Path("state").mkdir()
        Path("state/lock").symlink_to("elsewhere")
    made = workflow()
    begin_with_care(made, plan)
    begins = r"^state/lock: a file that can be written expected, got a place that cannot "
    with pytest.raises(WorkflowError, match=begins + told):
        execute(made)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_disk_that_fills_under_snakemake_is_one_line(plan: Plan, number: int) -> None:
    def fill(**_: Any) -> None:
        raise OSError(number, os.strerror(number), ".snakemake/metadata/x")

    made = workflow()
    made.execute = fill
    begin_with_care(made, plan)
    told = r"^\.snakemake/metadata/x: room to write expected, got a full (disk|quota): free some"
    with pytest.raises(WorkflowError, match=told):
        execute(made)
    assert not logging.raiseExceptions  # or a page of it would follow


def test_another_error_of_the_system_stays_one_of_ours(plan: Plan) -> None:
    def fail(**_: Any) -> None:
        raise OSError(errno.EBADF, os.strerror(errno.EBADF))

    made = workflow()
    made.execute = fail
    begin_with_care(made, plan)
    with pytest.raises(OSError, match="Bad file descriptor"):
        execute(made)


@pytest.mark.parametrize("full", [".snakemake", "logs", "."])
def test_a_disk_without_room_is_one_line_before_any_job(
    plan: Plan, monkeypatch: pytest.MonkeyPatch, full: str
) -> None:
    """Names still fit on most full disks, contents do not."""
    Path("logs").mkdir()
    write = Path.write_bytes

    def written(path: Path, content: bytes) -> int:
        if path.parent == Path(full):
            write(path, content[:1000])
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        return write(path, content)

    monkeypatch.setattr(Path, "write_bytes", written)
    made = workflow()
    begin_with_care(made, plan)
    with pytest.raises(WorkflowError, match=rf"^{re.escape(full)}: room to write expected, got a"):
        execute(made)
    assert made.ran == []
    assert not [path for path in Path().rglob("*") if ".tmp" in path.name]


@pytest.mark.parametrize(
    ("target", "told"),
    [
        ("samples/A/nothere.h5", r"expected a case of A \(k0, k2\), got 'nothere'"),
        ("results/A/red-blue.csv", r"expected a case of A \(k0, k2\), got 'red-blue'"),
        ("samples/truth/k9.h5", r"expected a case of truth \(.*\), got 'k9'"),
        (
            "data/single/shard-00002.h5",
            r"expected a shard of single from shard-00000\.h5 to shard-00001\.h5, got another",
        ),
    ],
)
@pytest.mark.parametrize("dry", [False, True])
def test_a_case_or_a_shard_that_there_is_not_is_one_line(
    plan: Plan, target: str, told: str, dry: bool
) -> None:
    made = workflow(targets={target})
    begin_with_care(made, plan)
    with pytest.raises(WorkflowError, match=rf"^{target}: {told}"):
        execute(made, dry)
    assert made.ran == []


def test_every_file_of_the_run_may_be_asked_for(plan: Plan) -> None:
    files = [*plan.targets(), *plan.intermediates(), *plan.shards("single"), "exact", "nonsense"]
    made = workflow(targets=set(files))
    begin_with_care(made, plan)
    execute(made, dry=True)
    assert len(made.ran) == 1


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
