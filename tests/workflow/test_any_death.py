"""The same command goes on after any death, and leaves a run alone that is alive."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from driver import Workflow

from projcomp.machine.processes import alive

TARGET = "models/single/weights.safetensors"
COMMAND = (sys.executable, "-m", "snakemake", "--cores", "1", TARGET)

SLOW = f"""#!{sys.executable}
# A stage that takes its time: it says who it is, and ends when it is let, or when its run ends and
# it may.
import os, pathlib, signal, sys, time
from projcomp.machine.processes import end_with_the_run
def slowly(*_):
    while not pathlib.Path("may_end").exists():
        time.sleep(0.05)
    pathlib.Path("ended").touch()
    sys.exit(1)
signal.signal(signal.SIGTERM, slowly)
end_with_the_run()
pathlib.Path("stages").open("a").write(f"{{os.getpid()}}\\n")
if pathlib.Path("ended").exists():
    pathlib.Path("after").touch()
while not pathlib.Path("let").exists():
    time.sleep(0.05)
folder = pathlib.Path(sys.argv[sys.argv.index("--out") + 1])
for name in ("weights.safetensors", "model.json", "metrics.csv"):
    (folder / name).write_text("made")
"""


@pytest.fixture
def slow(workflow: Workflow, tmp_path: Path) -> Workflow:
    """A finished workflow but for one model, whose training takes its time."""
    folder = tmp_path / "workflow"
    shutil.copytree(workflow.folder, folder)
    (folder / TARGET).unlink()
    (folder / "bin/projcomp").write_text(SLOW)
    (folder / "may_end").touch()
    return Workflow(folder)


def begun(workflow: Workflow) -> tuple["subprocess.Popen[str]", int]:
    """A run, and the stage that it has started."""
    run = started(workflow)
    return run, stages(workflow, 1)[-1]


def started(workflow: Workflow) -> "subprocess.Popen[str]":
    """A run."""
    path = os.pathsep.join([str(workflow.folder / "bin"), os.environ["PATH"]])
    return subprocess.Popen(
        COMMAND,
        cwd=workflow.folder,
        env={**os.environ, "PATH": path},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def stages(workflow: Workflow, number: int) -> list[int]:
    """The processes of the stages, once there are so many."""
    told = workflow.folder / "stages"
    while not told.exists() or told.read_text().count("\n") < number:
        time.sleep(0.05)
    return [int(line) for line in told.read_text().split()]


def test_a_killed_run_goes_on_and_a_live_one_is_left_alone(slow: Workflow) -> None:
    run, stage = begun(slow)
    second = slow.run(*COMMAND)
    told = second.stdout + second.stderr
    assert second.returncode == 1
    assert "state/lock: expected no other run in this root, got one that is alive" in told
    assert f"held by process {run.pid} on " in told
    assert "Traceback" not in told
    assert run.poll() is None
    assert alive(stage)

    run.send_signal(signal.SIGKILL)
    for _ in range(200):  # nobody has asked for the end of the run yet: its number is still there
        if not alive(stage):
            break
        time.sleep(0.05)
    assert not alive(stage), "no stage outlives its run"
    run.communicate()
    assert list((slow.folder / ".snakemake/locks").glob("*.lock")), "what is to be cleared away"

    (slow.folder / "let").touch()
    third = slow.run(*COMMAND)
    assert third.returncode == 0, third.stdout + third.stderr
    assert (slow.folder / TARGET).read_text() == "made"
    assert len(stages(slow, 2)) == 2
    assert not list((slow.folder / ".snakemake/locks").glob("*.lock"))


def test_a_run_waits_for_the_stages_of_the_one_before(slow: Workflow) -> None:
    """One that takes its time to end would write beside that which the next run starts."""
    (slow.folder / "may_end").unlink()
    run, stage = begun(slow)
    run.kill()
    run.wait()
    again = started(slow)
    assert again.stderr is not None
    waiting = "state/stages: waiting for the stages of the run before to end"
    assert any(waiting in line for line in again.stderr)  # up to that line: it waits
    assert alive(stage)
    (slow.folder / "may_end").touch()
    stages(slow, 2)
    assert not alive(stage)
    assert (slow.folder / "after").exists()
    (slow.folder / "let").touch()
    _, told = again.communicate(timeout=60)
    assert again.returncode == 0, told
