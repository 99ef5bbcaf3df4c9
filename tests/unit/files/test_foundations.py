"""Named random streams and atomic writes."""

import os
import socket
import subprocess
import sys

import numpy as np
import pytest

from projcomp import seeds
from projcomp.files.atomic import atomic_path, write_text


def test_a_stream_is_decided_by_seed_and_name():
    def first(*names):
        return seeds.generator(*names).random()

    assert first(0, "scene", "single", 3) == first(0, "scene", "single", 3)
    others = [(1, "scene", "single", 3), (0, "scene", "single", 4), (0, "scene", "single", "3")]
    assert all(first(*other) != first(0, "scene", "single", 3) for other in others)


def test_names_are_not_glued_together():
    assert seeds.integer_seed(0, "a", "bc") != seeds.integer_seed(0, "ab", "c")


def test_integer_seeds_fill_their_bits():
    drawn = np.array([seeds.integer_seed(0, "bits", i, bits=31) for i in range(2000)])
    assert drawn.min() >= 0
    assert drawn.max() < 2**31
    assert len(np.unique(drawn)) == 2000
    for bit in range(31):
        assert 0.4 < ((drawn >> bit) & 1).mean() < 0.6


def write_half(path):
    with atomic_path(path) as temporary:
        temporary.write_text("half")
        assert temporary.suffix == path.suffix
        raise RuntimeError


def test_a_file_appears_whole_or_not_at_all(tmp_path):
    path = tmp_path / "deep" / "table.csv"
    with pytest.raises(RuntimeError):
        write_half(path)
    assert list(path.parent.iterdir()) == []
    write_text(path, "whole")
    with pytest.raises(RuntimeError):
        write_half(path)
    assert path.read_text() == "whole"
    assert list(path.parent.iterdir()) == [path]


def test_what_a_killed_process_left_is_removed_and_what_a_live_one_writes_is_not(tmp_path):
    gone = subprocess.Popen(["true"])
    gone.wait()
    host = socket.gethostname()
    stale, busy, foreign = (
        tmp_path / f".table.{name}.tmp.csv"
        for name in (f"{host}-{gone.pid}", f"{host}-{os.getppid()}", f"elsewhere-{gone.pid}")
    )
    for path in (stale, busy, foreign):
        path.write_text("half")
    write_text(tmp_path / "table.csv", "whole")
    assert sorted(tmp_path.iterdir()) == sorted([busy, foreign, tmp_path / "table.csv"])


FULL = """
import os, resource, signal, sys
import h5py, numpy as np, torch
from projcomp.errors import DiskError
from projcomp.files.atomic import atomic_path, write_text
from projcomp.files.tensors import write_tensors
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))  # as a full disk, without one
def text(path):
    write_text(path, "x" * 100_000)
def tensors(path):
    write_tensors(path, {"weights": torch.zeros(100_000)})
def small_chunks(path):
    with atomic_path(path) as temporary, h5py.File(temporary, "w") as file:
        images = file.create_dataset("images", (64, 32, 32, 3), "u1", chunks=(1, 32, 32, 3))
        for i in range(64):
            images[i] = i
def at_once(path):
    with atomic_path(path) as temporary, h5py.File(temporary, "w") as file:
        file["images"] = np.zeros(200_000)
try:
    globals()[sys.argv[1]](sys.argv[2])
except DiskError as error:
    print(error, flush=True)
    os._exit(0)  # like the command line: HDF5 crashes when it closes what it could not write
"""


@pytest.mark.parametrize("write", ["text", "tensors", "small_chunks", "at_once"])
def test_a_full_disk_is_one_line_and_leaves_nothing(tmp_path, write):
    path = tmp_path / "shard.h5"
    command = [sys.executable, "-c", FULL, write, str(path)]
    run = subprocess.run(command, check=True, capture_output=True, text=True)
    assert run.stdout.startswith(f"{path}: room to write")
    assert len(run.stdout.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_weights_can_be_read_by_whom_the_mask_lets(tmp_path):
    import torch

    from projcomp.files.tensors import write_tensors

    (tmp_path / "text").write_text("as others")
    write_tensors(tmp_path / "weights.safetensors", {"w": torch.ones(2, 3).T})
    assert {path.name for path in tmp_path.iterdir()} == {"text", "weights.safetensors"}
    modes = {path.stat().st_mode for path in tmp_path.iterdir()}
    assert len(modes) == 1
