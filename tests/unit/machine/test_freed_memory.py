"""Freed memory is kept, so that taking it again costs no zeroed pages."""

import subprocess
import sys

import pytest

from projcomp.machine import freed_memory

BLOCKS = """
import resource, sys
from projcomp.machine.freed_memory import keep_freed_memory
if "keep" in sys.argv:
    assert keep_freed_memory({})
import numpy as np
faults = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_minflt
np.ones(2**24)  # 128 MiB
before = faults()
for _ in range(4):
    np.ones(2**24)
print(faults() - before)
"""


def faults(*arguments: str) -> int:
    """Pages that the system fills with zeros while four blocks are taken after a first one."""
    ran = subprocess.run(
        [sys.executable, "-c", BLOCKS, *arguments], capture_output=True, text=True, check=True
    )
    return int(ran.stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's")
def test_a_block_that_was_freed_is_taken_again_without_new_pages() -> None:
    given_back, kept = faults(), faults("keep")
    assert given_back > 4 * 50  # huge pages make few, small ones 131,072 of them
    assert kept < 20


@pytest.mark.parametrize(
    "name", ["MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_", "GLIBC_TUNABLES"]
)
def test_who_has_told_glibc_otherwise_has_decided(name: str) -> None:
    assert not freed_memory.keep_freed_memory({name: "1"})


def test_another_c_library_changes_nothing(monkeypatch) -> None:
    monkeypatch.setattr(freed_memory.ctypes, "CDLL", lambda name: object())
    assert not freed_memory.keep_freed_memory({})
