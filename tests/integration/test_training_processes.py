"""Real training processes: killed at any moment, or several that share each update."""

import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load_file

from projcomp import seeds
from projcomp.config.compute import TrainingCompute
from projcomp.config.learning import NetworkConfig, TrainingConfig
from projcomp.config.scenes import SceneConfig
from projcomp.data.dataset import RenderedImages
from projcomp.data.index import build_index
from projcomp.data.picture import Picture
from projcomp.data.shards import write_shard
from projcomp.scenes.placement import generate_scene
from projcomp.settings.stages import TrainSettings
from projcomp.training.progress import Progress
from projcomp.training.train import Machine, train

SIDE, COUNT = 8, 24


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    rng = np.random.default_rng(0)
    pictures = [
        (
            generate_scene(seeds.generator(0, "toy", i), SceneConfig(), 1, 1),
            Picture(
                rng.integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8),
                np.zeros((SIDE, SIDE), np.uint8),
            ),
        )
        for i in range(COUNT)
    ]
    shard = folder / "single" / "shard-00000.h5"
    sizes = {"count": COUNT, "size": (SIDE, SIDE), "max_objects": 1}
    write_shard(shard, pictures, **sizes, settings={}, attributes={"shard": 0})
    build_index([shard], folder / "single.h5")
    return folder


def settings(images_seen: int) -> str:
    return TrainSettings(
        seed=0,
        resolution=SIDE,
        model="toy",
        condition="position",
        datasets={"single": 1.0},
        images_seen=images_seen,
        network=NetworkConfig(
            channels=4, multipliers=[1, 2], attention_resolutions=[], position_frequencies=4
        ),
        training=TrainingConfig(
            batch_size=8, average_updates=8, precision="fp32", ramp_images=32, learning_rate=0.005
        ),
    ).model_dump_json()


def command(data: Path, out: Path, images_seen: int, **compute: Any) -> list[str]:
    stage = [sys.executable, "-m", "projcomp.cli", "train", "--settings", settings(images_seen)]
    folders = ["--data", str(data), "--out", str(out), "--state", f"{out}-state"]
    return [*stage, *folders, "--compute", json.dumps({"device": "cpu", **compute})]


def trained(data: Path, out: Path, images_seen: int, **compute: Any) -> dict[str, torch.Tensor]:
    run = subprocess.run(
        command(data, out, images_seen, **compute), capture_output=True, text=True, timeout=500
    )
    assert run.returncode == 0, run.stderr
    return load_file(out / "weights.safetensors")


def test_killed_at_any_moment_and_started_again_ends_with_the_same_weights(data, tmp_path) -> None:
    images = 4000
    whole = trained(data, tmp_path / "whole", images)
    state = tmp_path / "cut-state" / "state.safetensors"
    line = command(data, tmp_path / "cut", images, checkpoint_minutes=0.01)
    for wait in (0.0, 0.3):
        run = subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        stamp = state.stat().st_mtime_ns if state.exists() else 0
        while not state.exists() or state.stat().st_mtime_ns == stamp:
            assert run.poll() is None, "it saves its state before it ends"
            time.sleep(0.005)
        time.sleep(wait)
        run.kill()
        run.wait()
    resumed = trained(data, tmp_path / "cut", images)
    for name, value in whole.items():
        assert torch.equal(value, resumed[name]), name


def test_two_processes_learn_what_one_learns(data, tmp_path) -> None:
    images = 160
    one = trained(data, tmp_path / "one", images, log_images=16)
    # and saves many times on the way, though the processes' clocks differ
    shared = {"log_images": 16, "devices": 2, "microbatch": 3}
    two = trained(data, tmp_path / "two", images, **shared, checkpoint_minutes=0.01)
    for name, value in one.items():
        torch.testing.assert_close(two[name], value, atol=1e-3, rtol=1e-3)
    rows = [pd.read_csv(tmp_path / name / "metrics.csv") for name in ("one", "two")]
    np.testing.assert_allclose(*[table["gradient_norm"] for table in rows], rtol=1e-3)
    np.testing.assert_allclose(*[table["loss"] for table in rows], rtol=1e-3)


def test_two_processes_told_to_stop_save_and_go_on(data, tmp_path) -> None:
    """The one that saves is not taken along by the other's end."""
    images, shared = 480, {"devices": 2, "log_images": 24, "checkpoint_minutes": 60}
    run = subprocess.Popen(
        command(data, tmp_path / "cut", images, **shared),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert run.stdout is not None
    while "images, loss" not in run.stdout.readline():
        assert run.poll() is None
    run.terminate()
    _, told = run.communicate(timeout=300)
    assert run.returncode == 1
    assert "stopped by SIGTERM; the state is saved" in told
    assert (tmp_path / "cut-state" / "state.safetensors").exists()
    whole = trained(data, tmp_path / "whole", images, **shared)
    resumed = trained(data, tmp_path / "cut", images, **shared)
    for name, value in whole.items():
        assert torch.equal(value, resumed[name]), name
    # they save after every tenth update, and a row is of three
    timed = ["images_per_second", "seconds"]
    rows, expected = (
        pd.read_csv(tmp_path / name / "metrics.csv").drop(columns=timed)
        for name in ("cut", "whole")
    )
    pd.testing.assert_frame_equal(rows, expected, rtol=1e-5)


SPOILED = """
import os
from projcomp import cli
from projcomp.errors import FileFormatError
from projcomp.training.batches import UpdateBatches

whole = UpdateBatches.batch

def spoiled(self, update):
    if os.environ["LOCAL_RANK"] == "1" and update == 3:
        raise FileFormatError("shard-00000.h5: expected a whole shard, got half; render it again")
    return whole(self, update)

UpdateBatches.batch = spoiled
cli.main()
"""


def test_what_fails_in_the_second_process_is_told_once_and_ends_the_first(data, tmp_path) -> None:
    script = tmp_path / "spoiled.py"
    script.write_text(SPOILED)
    line = command(data, tmp_path / "out", 1600, devices=2, log_images=800)
    run = subprocess.run(
        [line[0], str(script), *line[3:]], capture_output=True, text=True, timeout=300
    )
    assert run.returncode == 1
    told = [line for line in run.stderr.splitlines() if line.startswith("error: ")]
    assert told == ["error: shard-00000.h5: expected a whole shard, got half; render it again"]
    assert "Traceback" not in run.stderr


def test_images_read_from_the_disk_by_workers_teach_the_same(data, tmp_path, monkeypatch) -> None:
    """Whether a dataset fits into memory changes nothing, nor do signals sent to all of a job."""
    asked = TrainSettings.model_validate_json(settings(160))
    machine = Machine(TrainingCompute(device="cpu", threads=3))  # of which two read
    train(asked, data, tmp_path / "kept", tmp_path / "kept-state", machine)
    on_disk = partial(RenderedImages, memory_bytes=0)
    monkeypatch.setattr("projcomp.training.train.RenderedImages", on_disk)
    original = Progress.on_train_batch_end

    def signalled(self, trainer, module, outputs, batch, batch_idx):
        original(self, trainer, module, outputs, batch, batch_idx)
        if module.updates_made == 5:
            loaders = multiprocessing.active_children()
            assert len(loaders) == 2
            for loader in loaders:
                os.kill(loader.pid, signal.SIGTERM)

    monkeypatch.setattr(Progress, "on_train_batch_end", signalled)
    train(asked, data, tmp_path / "read", tmp_path / "read-state", machine)
    kept, read = (load_file(tmp_path / name / "weights.safetensors") for name in ("kept", "read"))
    assert all(torch.equal(kept[name], read[name]) for name in kept)
