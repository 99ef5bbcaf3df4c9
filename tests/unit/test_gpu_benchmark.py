"""benchmarks/gpu.py at its smallest, on a CPU: what it measures runs, what fails is a line."""

import importlib.util
import sys
from pathlib import Path

import pytest
import torch

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture(scope="module")
def gpu():
    sys.path.insert(0, str(BENCHMARKS))  # its neighbours are imported by name
    spec = importlib.util.spec_from_file_location("gpu", BENCHMARKS / "gpu.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["gpu"] = module  # dataclasses look themselves up there
    spec.loader.exec_module(module)
    yield module
    sys.path.remove(str(BENCHMARKS))
    del sys.modules["gpu"]


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
