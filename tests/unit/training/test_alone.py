"""Two trainings of one state: the second waits, and takes up what the first one leaves."""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from projcomp.errors import LockedError, OutputError
from projcomp.files.lock import held
from projcomp.training.alone import alone

HOLDER = """
import sys, time
from pathlib import Path
from projcomp.training.alone import alone
with alone(Path(sys.argv[1]), Path(sys.argv[2])) as turn:
    print("held", flush=True)
    sys.stdin.readline()
    turn.finish("these settings")
"""


def holder(folder: Path) -> "subprocess.Popen[str]":
    """Another training, which has its turn and ends when it is told a line."""
    command = [sys.executable, "-c", HOLDER, str(folder / "state"), str(folder / "out")]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def line_of_waiting(capsys, seconds: float = 30) -> str:
    """What the second one says as soon as it waits: only then has it found the first."""
    told, end = "", time.monotonic() + seconds
    while "\n" not in told and time.monotonic() < end:
        told += capsys.readouterr().out
        time.sleep(0.01)
    return told


@pytest.mark.parametrize("end", ["finished", "killed"])
def test_the_second_training_waits_and_takes_up_what_the_first_leaves(
    tmp_path, capsys, end: str
) -> None:
    first = holder(tmp_path)
    assert first.stdin is not None
    seen: list[tuple[bool, bool]] = []

    def second() -> None:
        with alone(tmp_path / "state", tmp_path / "out") as turn:
            seen.append((turn.is_made("these settings"), turn.is_made("these settings")))

    thread = threading.Thread(target=second)
    thread.start()
    told = line_of_waiting(capsys)
    assert not seen
    if end == "finished":
        first.communicate("go\n")
    else:
        first.kill()
        first.wait()
    thread.join(30)
    # word of it holds once
    assert seen == [(end == "finished", False)]
    assert told.startswith(f"{tmp_path}/state/lock: waiting for the end of another training")
    assert f"process {first.pid} on " in told


def test_what_the_first_made_of_other_settings_is_made_again(tmp_path, capsys) -> None:
    first = holder(tmp_path)
    made: list[bool] = []

    def second() -> None:
        with alone(tmp_path / "state", tmp_path / "out") as turn:
            made.append(turn.is_made("other settings"))

    thread = threading.Thread(target=second)
    thread.start()
    assert "waiting for the end" in line_of_waiting(capsys)
    first.communicate("go\n")
    thread.join(30)
    assert made == [False]


def test_what_was_finished_before_is_made_again(tmp_path) -> None:
    """Snakemake has removed the results where a training is started that had finished."""
    with alone(tmp_path / "state", tmp_path / "out") as turn:
        turn.finish("these settings")
    with alone(tmp_path / "state", tmp_path / "out") as turn:
        assert not turn.is_made("these settings")


def test_who_must_not_wait_is_refused_in_one_line(tmp_path) -> None:
    with (
        alone(tmp_path / "state", tmp_path / "out"),
        pytest.raises(LockedError, match=rf"expected no other .* process {os.getpid()} on") as told,
        alone(tmp_path / "state", tmp_path / "out", waits=False),
    ):
        pass
    assert len(str(told.value).splitlines()) == 1


def test_what_a_killed_training_left_half_written_is_removed(tmp_path) -> None:
    out = tmp_path / "out" / "samples"
    state = tmp_path / "state"
    for folder in (out, state):
        folder.mkdir(parents=True)
        (folder / ".a.elsewhere-12.tmp.png").write_text("half")
        (folder / "kept.png").write_text("whole")
    with alone(state, tmp_path / "out"):
        assert sorted(path.name for path in out.iterdir()) == ["kept.png"]
        assert sorted(path.name for path in state.iterdir()) == ["kept.png", "lock"]


def test_a_disk_without_locks_holds_nobody_up(tmp_path, monkeypatch) -> None:
    import errno
    import fcntl

    def refuse(file: int, how: int) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", refuse)
    with held(tmp_path / "lock", "it") as alone_, held(tmp_path / "lock", "it") as other:
        assert not alone_
        assert not other


def test_a_place_where_no_lock_can_be_is_one_line(tmp_path) -> None:
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(OutputError, match=r"lock: a file that can be written expected") as told,
        held(tmp_path / "file" / "lock", "it"),
    ):
        pass
    assert len(str(told.value).splitlines()) == 1
