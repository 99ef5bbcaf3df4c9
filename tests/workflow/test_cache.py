"""Renders and the detector shared by two working copies: Snakemake's cache between workflows.

Its keys hold no wildcards and no code, so that shards have their number among their params.
"""

import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import yaml
from driver import REPOSITORY, Workflow
from known_config import known

pytestmark = [pytest.mark.blender, pytest.mark.slow]

CONFIG: dict[str, Any] = {
    "resolution": 16,
    "render": {"samples": 1, "shard_size": 12},
    "datasets": {
        name: {"num_images": 24 if name == "counting" else 12}
        for name in ("empty", "single", "cluttered", "colored", "counting")
    },
    "detector": {"holdout": 6, "channels": 8, "images_seen": 64, "batch_size": 16},
    "compute": {"training": {"device": "cpu"}},
}
DETECTOR = "models/detector/weights.safetensors"
CACHED = ("--cache", "render_shard", "render_reference", "train_detector")


@dataclass(frozen=True)
class Copy(Workflow):
    """A working copy with the real stages."""

    def make(self, cache: Path, *refused: str) -> str:
        """Make the detector; the ``refused`` subcommands fail. What Snakemake says."""
        stub = self.folder / "bin" / "projcomp"
        stub.parent.mkdir(exist_ok=True)
        cases = f"case $1 in {'|'.join(refused)}) echo refused; exit 1 ;; esac\n" if refused else ""
        stub.write_text(f'#!/bin/sh\n{cases}exec {sys.executable} -m projcomp "$@"\n')
        stub.chmod(0o755)
        place = f"SNAKEMAKE_OUTPUT_CACHE={cache}"
        snakemake = (sys.executable, "-m", "snakemake", "--cores", "2", *CACHED)
        done = self.run("env", place, *snakemake, "--", DETECTOR)
        told = done.stdout + done.stderr
        assert (done.returncode == 0) != ("refused" in told), told[-4000:]
        return told


def copy(folder: Path, change: dict[str, Any] | None = None) -> Copy:
    folder.mkdir()
    shutil.copy(REPOSITORY / "Snakefile", folder / "Snakefile")
    for name in ("workflow", "envs", "profiles"):
        shutil.copytree(REPOSITORY / name, folder / name)
    (folder / "config.yaml").write_text(yaml.safe_dump(known({**CONFIG, **(change or {})})))
    return Copy(folder)


def test_a_second_working_copy_takes_renders_and_detector_from_the_first(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    cache.mkdir()
    first, second = copy(tmp_path / "first"), copy(tmp_path / "second")
    first.make(cache)
    second.make(cache, "render-shard", "train-detector")
    numbers = []
    for number in range(2):
        shard = f"data/counting/shard-{number:05d}.h5"
        assert os.path.samefile(first.folder / shard, second.folder / shard)
        with h5py.File(second.folder / shard) as file:
            numbers.append(file.attrs["shard"])
    assert numbers == [0, 1]
    images = []
    for one in (first, second):
        with h5py.File(one.folder / "data/counting.h5") as file:
            images.append(np.asarray(file["images"]))
    assert images[0].any()
    np.testing.assert_array_equal(*images)
    assert os.path.samefile(first.folder / DETECTOR, second.folder / DETECTOR)
    # other renders are others, and so is a detector of them
    other = copy(tmp_path / "other", {"render": {"samples": 2, "shard_size": 12}})
    assert "refused" in other.make(cache, "render-shard")
