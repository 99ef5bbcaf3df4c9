"""Several processes: what the environment must say of them, and what they say when they end."""

import os
import re
import sys

import pytest

from projcomp.errors import UserError
from projcomp.training import processes
from projcomp.training.environment import environment_problem, own_rank
from projcomp.training.processes import Companions, companions, tell_the_first

SRUN = {
    "SLURM_JOB_ID": "1234567",
    "SLURM_NNODES": "2",
    "SLURM_NTASKS": "6",
    "SLURM_STEP_NUM_TASKS": "6",
    "SLURM_NTASKS_PER_NODE": "3",
    "SLURM_PROCID": "4",
    "SLURM_NODEID": "1",
    "SLURM_LOCALID": "1",
}
TORCHRUN = {
    "LOCAL_RANK": "1",
    "RANK": "1",
    "WORLD_SIZE": "2",
    "MASTER_ADDR": "127.0.0.1",
    "MASTER_PORT": "29500",
}


def test_processes_that_slurm_started():
    assert environment_problem(SRUN, 3, 2) is None
    assert own_rank(SRUN, 3, 2) == 4
    # older versions and other shells say less, or it does not matter here
    assert environment_problem({**SRUN, "SLURM_JOB_NAME": "bash"}, 3, 2) is None
    less = {k: v for k, v in SRUN.items() if k not in ("SLURM_STEP_NUM_TASKS", "SLURM_NNODES")}
    assert environment_problem(less, 3, 2) is None


@pytest.mark.parametrize(
    "name", ["SLURM_NTASKS", "SLURM_PROCID", "SLURM_NODEID", "SLURM_LOCALID", None]
)
def test_several_nodes_without_slurm_are_one_line(name):
    told = {k: v for k, v in SRUN.items() if k != name} if name else {}
    problem = environment_problem(told, 3, 2)
    assert problem == (
        "compute.training.nodes = 2: expected a process that Slurm's srun started, got no "
        f"{name or 'SLURM_NTASKS'}; start the command by srun --nodes=2 --ntasks-per-node=3, or "
        "set compute.training.nodes to 1"
    )


@pytest.mark.parametrize(
    ("said", "got"),
    [
        (
            {"SLURM_NTASKS": "1"},
            "expected SLURM_NTASKS = 6 with compute.training.devices = 3, got '1'",
        ),
        ({"SLURM_NTASKS": "six"}, "got 'six'"),
        ({"SLURM_STEP_NUM_TASKS": "1"}, "expected SLURM_STEP_NUM_TASKS = 6 .*got '1'"),
        ({"SLURM_NTASKS_PER_NODE": "6"}, "expected SLURM_NTASKS_PER_NODE = 3"),
        ({"SLURM_NNODES": "3"}, "expected SLURM_NNODES = 2"),
        ({"SLURM_PROCID": "6"}, "expected SLURM_PROCID from 0 to 5, got '6'"),
        ({"SLURM_PROCID": "-1"}, "expected SLURM_PROCID from 0 to 5, got '-1'"),
        ({"SLURM_NODEID": "2"}, "expected SLURM_NODEID from 0 to 1"),
        ({"SLURM_LOCALID": ""}, "expected SLURM_LOCALID from 0 to 2, got ''"),
        ({"SLURM_JOB_ID": "job"}, "^SLURM_JOB_ID: expected the number of a job, got 'job'"),
        ({"MASTER_PORT": "99999"}, "^MASTER_PORT: expected a port"),
    ],
)
def test_slurm_that_disagrees_is_one_line(said, got):
    problem = environment_problem({**SRUN, **said}, 3, 2)
    assert problem is not None
    assert re.search(got, problem)
    assert "\n" not in problem


def test_slurm_without_tasks_per_node_is_one_line():
    told = {k: v for k, v in SRUN.items() if k != "SLURM_NTASKS_PER_NODE"}
    assert "--ntasks-per-node=3" in str(environment_problem(told, 3, 2))


@pytest.mark.parametrize("told", [{}, SRUN, {"SLURM_NTASKS": "x"}, TORCHRUN])
def test_one_process_asks_nothing_of_its_environment(told):
    assert environment_problem(told, 1, 1) is None
    assert own_rank(told, 1, 1) == 0


def test_processes_of_one_node():
    assert environment_problem(SRUN, 2, 1) is None  # a Slurm job that starts its own processes
    assert own_rank(SRUN, 2, 1) == 0
    assert environment_problem(TORCHRUN, 2, 1) is None
    assert own_rank(TORCHRUN, 2, 1) == 1


@pytest.mark.parametrize(
    ("said", "got"),
    [
        ({"WORLD_SIZE": "4"}, "expected WORLD_SIZE = 2, got '4'"),
        ({"LOCAL_RANK": "2"}, "expected LOCAL_RANK from 0 to 1, got '2'"),
        ({"LOCAL_RANK": "first"}, "got 'first'"),
        ({"MASTER_PORT": "http"}, "MASTER_PORT: expected a port from 1 to 65535, got 'http'"),
    ],
)
def test_a_launcher_that_disagrees_is_one_line(said, got):
    assert got in str(environment_problem({**TORCHRUN, **said}, 2, 1))


def test_a_rank_that_was_left_behind_is_one_line():
    problem = environment_problem({"LOCAL_RANK": "0"}, 2, 1)
    assert problem is not None
    assert "expected WORLD_SIZE beside LOCAL_RANK" in problem
    assert "unset LOCAL_RANK" in problem


# Processes that we start ----------------------------------------------------------------------


@pytest.fixture
def others(monkeypatch):
    """Starts companions that run a line of Python; all end with the test."""
    started: list[Companions] = []

    def start(code: str, devices: int = 2) -> Companions:
        monkeypatch.setattr(processes, "this_command", lambda: [sys.executable, "-c", code])
        started.append(Companions(devices, os.environ))
        return started[-1]

    yield start
    for each in started:
        each.end(0.0)


TELLS = (
    "import os, pathlib; p = pathlib.Path(os.environ['PROJCOMP_FAILURES']); "
    "(p / (os.environ['LOCAL_RANK'] + '.txt')).write_text('x.h5: its own line'); "
    "raise SystemExit(1)"
)


def test_the_line_of_another_process_is_told(others):
    failure = others(TELLS, devices=3).failure()
    assert isinstance(failure, UserError)
    assert str(failure) == "x.h5: its own line"


def test_another_process_that_was_killed_is_named(others):
    failure = others("import os; os.kill(os.getpid(), 9)").failure()
    assert str(failure).startswith("process 2 of 2 of the training: expected to run to the end, ")
    assert "got killed by SIGKILL" in str(failure)


def test_what_another_process_has_shown_is_not_told_again(others):
    failure = others("raise SystemExit(3)").failure()
    assert isinstance(failure, SystemExit)
    assert failure.code == 1


def test_other_processes_that_are_well_are_no_failure(others, monkeypatch):
    monkeypatch.setattr(processes, "_PATIENCE", 0.1)
    well = others("import time; time.sleep(60)")
    assert well.failure() is None
    well.end(0.0)
    assert [process.returncode for process in well._processes] == [-9]


def test_a_companion_leaves_its_line_to_the_first(tmp_path, monkeypatch):
    monkeypatch.setenv("PROJCOMP_FAILURES", str(tmp_path))
    monkeypatch.setenv("LOCAL_RANK", "1")
    assert tell_the_first(UserError("its line")).code == 1
    assert (tmp_path / "1.txt").read_text() == "its line"
    monkeypatch.setenv("PROJCOMP_FAILURES", str(tmp_path / "gone"))
    assert tell_the_first(UserError("its line")).code == 1


def test_the_environment_is_left_as_it_was(monkeypatch):
    monkeypatch.delenv("LOCAL_RANK", raising=False)
    monkeypatch.setenv("NODE_RANK", "7")
    monkeypatch.setattr(processes, "this_command", lambda: [sys.executable, "-c", ""])
    before = dict(os.environ)
    with companions(2, 1) as found:
        assert found is not None
        assert (os.environ["LOCAL_RANK"], os.environ["WORLD_SIZE"]) == ("0", "2")
        assert os.environ["NODE_RANK"] == "0"
    assert dict(os.environ) == before
    with companions(1, 1) as found:
        assert found is None
    monkeypatch.setenv("LOCAL_RANK", "1")
    with companions(2, 1) as found:
        assert found is None
