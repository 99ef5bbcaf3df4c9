"""Commands started anew by another one: the command line, and a real process replaced by it."""

import subprocess
import sys
from pathlib import Path

import pytest

from projcomp.errors import DeviceError
from projcomp.machine.launch import launched

COMMAND = ["python", "projcomp", "train", "--out", "m"]


@pytest.mark.parametrize(
    "asked",
    [["--launch", "env A=1"], ["--launch=env A=1"], ["--launch", "env A=1", "--launch", "x"]],
)
def test_the_launcher_starts_the_command_without_itself(asked: list[str]) -> None:
    command = [*COMMAND[:3], *asked, *COMMAND[3:]]
    assert launched("env A=1 'B=two words'", command) == ["env", "A=1", "B=two words", *COMMAND]


@pytest.mark.parametrize("launcher", ["", "nosuch --ntasks=1", "env 'A"])
def test_a_launcher_that_is_not_there_is_one_line(launcher: str) -> None:
    with pytest.raises(DeviceError, match=r"^--launch: expected a command.*, got ['\"]") as told:
        launched(launcher, COMMAND)
    assert "\n" not in str(told.value)


def test_a_process_becomes_its_launcher_and_that_the_process(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(
        "import os, sys\n"
        "from projcomp.machine.launch import become\n"
        "print(os.getpid(), *sys.argv[1:], os.environ.get('BY', 'nobody'), flush=True)\n"
        "if '--launch' in sys.argv:\n"
        "    become(sys.argv[2])\n"
    )
    done = subprocess.run(
        [sys.executable, program, "--launch", "env BY=env", "a b"],
        capture_output=True,
        text=True,
        check=True,
    )
    first, second = done.stdout.splitlines()
    process = first.split()[0]
    assert first == f"{process} --launch env BY=env a b nobody"
    assert second == f"{process} a b env"
