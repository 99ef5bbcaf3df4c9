"""Stages that fail or are killed while they write: some of the points of benchmarks/faults.py."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).parents[2] / "benchmarks/faults.py"


@pytest.mark.slow
@pytest.mark.skipif(
    sys.platform != "linux" or not any(map(shutil.which, ("cc", "gcc", "clang"))),
    reason="needs Linux and a C compiler: apt-get install gcc",
)
def test_the_same_command_goes_on_after_any_fault() -> None:
    sample = ["--toy", "--stages", "index,train,evaluate", "--points", "4", "--seed", "0"]
    done = subprocess.run(
        [sys.executable, str(PROGRAM), *sample], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.endswith(" points, 12 tried, 12 survived\n")
