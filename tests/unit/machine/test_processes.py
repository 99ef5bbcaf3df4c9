"""Stages end with the run that started them."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from projcomp.files.lock import try_lock
from projcomp.machine.processes import RUN, STAGES, alive, announce_run, end_with_the_run

STAGE = """
import sys, time
from projcomp.machine.processes import end_with_the_run
end_with_the_run()
print("begun", flush=True)
time.sleep(float(sys.argv[1]))
"""


def stage(told: str | None, seconds: float = 60, begun: bool = True) -> "subprocess.Popen[str]":
    """A stage of the run that the environment tells, once it has begun."""
    environ = {**os.environ, **({RUN: told} if told else {})}
    process = subprocess.Popen(
        [sys.executable, "-c", STAGE, str(seconds)],
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert not begun or process.stdout.readline() == "begun\n"
    return process


def sleeper() -> "subprocess.Popen[bytes]":
    return subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])


def told_by(process: int) -> str:
    """What a run of this number would tell its stages."""
    environ: dict[str, str] = {}
    announce_run(environ=environ)
    return environ[RUN].replace(str(os.getpid()), str(process), 1)


def test_a_stage_ends_after_its_run_though_nobody_has_asked_for_that_yet() -> None:
    run = sleeper()
    made = stage(told_by(run.pid))
    run.kill()
    _, told = made.communicate(timeout=30)
    assert made.returncode == -signal.SIGTERM
    assert told == f"error: the run that started this stage ended (process {run.pid})\n"
    assert not alive(run.pid)
    run.wait()


def test_a_stage_goes_on_while_its_run_does() -> None:
    assert stage(told_by(os.getpid()), 1.2).wait(30) == 0


def test_a_stage_without_a_run_or_of_one_elsewhere_goes_on() -> None:
    gone = sleeper()
    gone.kill()
    gone.wait()
    stages = [stage(told, 1.2) for told in (None, f"{gone.pid} elsewhere", "no number at all")]
    assert [made.wait(30) for made in stages] == [0, 0, 0]


def test_a_stage_whose_run_ended_before_it_began_ends_too() -> None:
    gone = sleeper()
    gone.kill()
    gone.wait()
    assert stage(told_by(gone.pid), begun=False).wait(30) == -signal.SIGTERM


def test_stages_share_a_lock_until_they_end(tmp_path: Path, monkeypatch) -> None:
    environ: dict[str, str] = {}
    announce_run(str(tmp_path / "stages"), environ)
    monkeypatch.setenv(STAGES, environ[STAGES])
    first, second = (stage(environ[RUN], begun=True) for _ in range(2))
    file = os.open(tmp_path / "stages", os.O_RDWR)
    try:
        assert try_lock(file) is False
        first.kill()
        first.wait()
        assert try_lock(file) is False
        second.kill()
        second.wait()
        assert try_lock(file)
    finally:
        os.close(file)


def test_a_job_of_another_snakemake_has_no_such_lock() -> None:
    environ = {STAGES: "state/stages"}
    announce_run(environ=environ)
    assert STAGES not in environ


def test_who_is_alive() -> None:
    assert alive(os.getpid())
    assert alive(1)
    assert not alive(2**22 + 1)


def test_nothing_is_watched_where_nothing_was_told() -> None:
    began = time.monotonic()
    end_with_the_run({})
    assert time.monotonic() - began < 0.1
