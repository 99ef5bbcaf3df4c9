"""Tests of adapters are left out, with a reason, where their extra is not installed."""

from importlib.util import find_spec
from pathlib import Path

import pytest

NEEDED = ("diffusers", "transformers", "peft", "accelerate")
MISSING = [name for name in NEEDED if find_spec(name) is None]


class Skipped(pytest.File):
    """A file of tests whose packages are not there."""

    def collect(self):
        pytest.skip(
            f"{', '.join(MISSING)}: not installed; pip install 'projcomp[diffusers]'",
            allow_module_level=True,
        )


def pytest_pycollect_makemodule(module_path: Path, parent):
    """The module, or what says why it is left out."""
    return Skipped.from_parent(parent, path=module_path) if MISSING else None
