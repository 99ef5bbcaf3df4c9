"""Named random streams and atomic writes."""

import os
import socket
import subprocess
import sys

import numpy as np
import pytest

from projcomp import seeds
from projcomp.files.atomic import atomic_path, remove_leftovers, write_text
from projcomp.machine.processes import numbering


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
    here = f"{host}-{numbering()}" if numbering() else host
    stale = [f"{here}-{gone.pid}", f"{host}-{gone.pid}"]  # the latter is of an earlier version
    kept = [
        f"{here}-{os.getppid()}",
        f"{host}-{os.getppid()}",
        f"elsewhere-{gone.pid}",
        f"{host}-4026530000-{gone.pid}",  # of another container, which numbers its own processes
    ]
    for name in (*stale, *kept):
        (tmp_path / f".table.{name}.tmp.csv").write_text("half")
    write_text(tmp_path / "table.csv", "whole")
    left = {f".table.{name}.tmp.csv" for name in kept} | {"table.csv"}
    assert {path.name for path in tmp_path.iterdir()} == left
    remove_leftovers(tmp_path, alone=True)
    assert {path.name for path in tmp_path.iterdir()} == {
        "table.csv",
        *(f".table.{name}.tmp.csv" for name in kept[:2]),
    }


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux numbers processes by container")
def test_a_temporary_file_tells_the_numbering_of_its_process(tmp_path):
    with atomic_path(tmp_path / "table.csv") as temporary:
        process = f"{socket.gethostname()}-{numbering()}-{os.getpid()}"
        assert temporary.name == f".table.{process}.tmp.csv"
        assert numbering() in os.readlink("/proc/self/ns/pid")


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


READ = """
import resource, signal, sys
from projcomp import cli
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv.pop(1)),) * 2)
cli.main()
"""


@pytest.mark.parametrize("limit", [4_500, 11_000])
def test_a_stage_whose_hdf5_cannot_be_written_says_one_line(tmp_path, limit):
    """Datasets are written where h5py throws them away, and can raise nothing there."""
    from projcomp.settings.stages import LabelSettings, ReadSettings, to_json

    numbers = np.arange(40) % 2
    images = np.random.default_rng(0).integers(0, 256, (40, 8, 8), np.uint8)
    values = ["dark", "light"]
    np.savez(tmp_path / "given.npz", images=images, kind=np.array(values)[numbers])
    labels = {"kind": LabelSettings(column="kind", values=values)}
    settings = ReadSettings(
        dataset="given", resolution=8, file=str(tmp_path / "given.npz"), labels=labels, only={}
    )
    out = tmp_path / "out.h5"
    flags = ["read-dataset", "--settings", to_json(settings), "--out", str(out)]
    command = [sys.executable, "-c", READ, str(limit), *flags]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.startswith(
        f"error: {out}: room to write the file expected, got a size limit"
    )
    assert len(done.stderr.splitlines()) == 1
    assert not out.exists()


def test_weights_can_be_read_by_whom_the_mask_lets(tmp_path):
    import torch

    from projcomp.files.tensors import write_tensors

    (tmp_path / "text").write_text("as others")
    write_tensors(tmp_path / "weights.safetensors", {"w": torch.ones(2, 3).T})
    assert {path.name for path in tmp_path.iterdir()} == {"text", "weights.safetensors"}
    modes = {path.stat().st_mode for path in tmp_path.iterdir()}
    assert len(modes) == 1
