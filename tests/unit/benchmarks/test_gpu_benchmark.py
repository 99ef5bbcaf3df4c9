"""benchmarks/gpu.py at its smallest, on a CPU: what it measures runs, what fails is a line."""

import pytest
import torch
from benchmark_file import benchmark


@pytest.fixture(scope="module")
def gpu():
    return benchmark("gpu")


@pytest.mark.parametrize("part", ["card", "exact", "stage"])
def test_a_part_measures_something_on_a_cpu(gpu, part):
    found = [m for m in gpu.measurements(torch.device("cpu"), quick=True) if m.part == part]
    assert found
    for measurement in found:
        assert any(letter.isdigit() for letter in measurement.work(*measurement.arguments))


def test_what_fails_is_one_line(gpu, monkeypatch):
    def broken() -> str:
        raise ValueError("two\nlines")

    class InThisProcess:
        def __init__(self, *_):
            pass

        def submit(self, work, *arguments):
            class Job:
                @staticmethod
                def result(timeout):
                    return work(*arguments)

            return Job()

        def shutdown(self, **_):
            pass

    monkeypatch.setattr(gpu, "ProcessPoolExecutor", InThisProcess)
    assert gpu.result(gpu.Measurement("a", "b", broken, ()), 5.0) == "failed: ValueError: two"
    assert gpu.result(gpu.Measurement("a", "b", lambda: "3 s", ()), 5.0) == "3 s"
