"""benchmarks/render_devices.py: what it says of its processes, and that it needs no torch."""

import subprocess
import sys

import numpy as np
import pytest
from benchmark_file import BENCHMARKS, benchmark

IMAGE = np.zeros((2, 2, 3), np.uint8)


@pytest.fixture(scope="module")
def devices():
    return benchmark("render_devices")


def test_rates_add_up_and_the_slowest_start_counts(devices):
    assert devices.told((2.0, 10.0, IMAGE), (5.0, 4.5, IMAGE)) == (
        "14.5 images/s, the first after 5.0 s"
    )
    assert devices.told((2.0, 10.0, IMAGE), "no such device") == "no such device"


def test_a_picture_is_held_against_the_processors(devices):
    assert devices.apart((0, 0, IMAGE + 3), (0, 0, IMAGE)) == ", 3.00 of 255 from the CPU's"
    assert devices.apart("no such device", (0, 0, IMAGE)) == ""


def test_a_device_that_is_not_there_is_one_line():
    """In a process without torch, which rendering does not need, and of which nothing is left."""
    code = (
        "import sys; sys.modules['torch'] = None; import render_devices; "
        "print(render_devices.rendered('optix', 16, 1))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=BENCHMARKS, check=True, capture_output=True, text=True
    )
    assert "optix" in done.stdout.splitlines()[-1]
