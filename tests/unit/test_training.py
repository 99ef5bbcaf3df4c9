"""A training resumes to the bit, draws the same batches everywhere, and stops on bad losses."""

import json
from contextlib import contextmanager

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch.utils.data import DataLoader

from projcomp.config import NetworkConfig, TrainingConfig, WandbConfig
from projcomp.data.dataset import RenderedImages
from projcomp.errors import DeviceError, UserError
from projcomp.networks import conditioning
from projcomp.seeds import generator
from projcomp.stages import TrainSettings
from projcomp.training import train as train_module
from projcomp.training.batches import UpdateBatches
from projcomp.training.progress import Progress
from projcomp.training.train import train


class FakeImages(RenderedImages):
    """Images whose label can be read off the pixels: places are (index, object) / 100."""

    def __init__(self, path, condition):
        rng = generator(0, "fake", path.stem)
        empty = path.stem == "empty"
        self._images = torch.from_numpy(rng.integers(0, 256, (20, 8, 8, 3), dtype=np.uint8))
        self.num_objects = torch.zeros(20).long() if empty else torch.arange(20) % 3 + 1
        index = torch.arange(20)[:, None].expand(20, 3)
        objects = torch.arange(3)[None].expand(20, 3)
        self.labels = torch.stack([index, objects], 2) / 100
        self.condition = condition


@pytest.fixture(autouse=True)
def _fake(monkeypatch):
    monkeypatch.setattr(train_module, "RenderedImages", FakeImages)


def settings(**training) -> TrainSettings:
    return TrainSettings(
        seed=3,
        resolution=8,
        model="toy",
        condition="position",
        datasets={"single": 0.8, "empty": 0.2},
        images_seen=48,
        network=NetworkConfig(
            channels=4, multipliers=[1, 2], attention_resolutions=[], position_frequencies=4
        ),
        training=TrainingConfig(
            **{"batch_size": 4, "average_updates": 5, "precision": "fp32", "ramp_images": 8}
            | training
        ),
    )


def run(tmp_path, name="a", device="cpu", wandb=None, **training):
    train(
        settings(**training),
        tmp_path,
        tmp_path / name,
        tmp_path / f"state_{name}",
        threads=1,
        device=device,
        checkpoint_minutes=1e-9,
        log_images=8,
        wandb=wandb or WandbConfig(),
    )
    return load_file(tmp_path / name / "weights.safetensors")


@contextmanager
def killed_after(updates, monkeypatch):
    original = Progress.on_train_batch_end

    def killed(self, trainer, module, outputs, batch, batch_idx):
        original(self, trainer, module, outputs, batch, batch_idx)
        if module.updates_made == updates:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Progress, "on_train_batch_end", killed)
        yield


def test_killed_and_resumed_equals_uninterrupted(tmp_path, monkeypatch):
    whole = run(tmp_path, "whole")
    with killed_after(9, monkeypatch), pytest.raises((KeyboardInterrupt, SystemExit)):
        run(tmp_path, "cut")
    assert not (tmp_path / "cut" / "weights.safetensors").exists()
    resumed = run(tmp_path, "cut")
    assert whole.keys() == resumed.keys()
    for name, value in whole.items():
        assert torch.equal(value, resumed[name]), name
    metrics = (tmp_path / "cut" / "metrics.csv").read_text().splitlines()
    assert [int(float(line.split(",")[0])) for line in metrics[1:]][-1] == 48
    assert not (tmp_path / "state_cut" / "state.safetensors").exists()


def test_same_settings_give_the_same_weights(tmp_path):
    first, second = run(tmp_path, "a"), run(tmp_path, "b")
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_state_of_other_settings_is_not_resumed(tmp_path, monkeypatch):
    run(tmp_path, "a")
    with killed_after(6, monkeypatch), pytest.raises((KeyboardInterrupt, SystemExit)):
        run(tmp_path, "b", learning_rate=0.5)
    fresh, uninterrupted = run(tmp_path, "b"), load_file(tmp_path / "a" / "weights.safetensors")
    assert all(torch.equal(fresh[name], uninterrupted[name]) for name in fresh)


def test_no_more_than_half_of_the_training_is_averaged(tmp_path):
    """12 updates: an average over 6 and over 100 are the same, over 5 another."""
    half, more = run(tmp_path, "half", average_updates=6), run(tmp_path, "more", average_updates=99)
    less = run(tmp_path, "less", average_updates=5)
    assert all(torch.equal(half[name], more[name]) for name in half)
    assert not all(torch.equal(half[name], less[name]) for name in half)


def test_description_says_what_the_model_is(tmp_path):
    run(tmp_path)
    description = json.loads((tmp_path / "a" / "model.json").read_text())
    assert description["images_seen"] == 48
    assert description["condition"] == "position"
    assert description["datasets"] == {"single": 0.8, "empty": 0.2}


def test_non_finite_loss_stops_the_run(tmp_path):
    with pytest.raises(UserError, match="finite loss"):
        run(tmp_path, learning_rate=float("1e38"))


def test_missing_gpu_is_one_clear_line(tmp_path, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(DeviceError, match=r"training\.device"):
        run(tmp_path, device="gpu")


def test_wandb_logs_offline(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WANDB_SILENT", "true")
    run(tmp_path, wandb=WandbConfig(enabled=True, mode="offline"))
    assert list(tmp_path.glob("state_a/wandb/offline-run-*/*.wandb"))


def batches(dropout=0.0, start=0):
    from pathlib import Path

    data = [FakeImages(Path("single"), "position"), FakeImages(Path("empty"), "position")]
    return UpdateBatches(
        data,
        [0.75, 0.25],
        kind="position",
        dropout=dropout,
        batch_size=200,
        seed=1,
        model="m",
        start=start,
        total=start + 3,
    )


def test_batches_depend_on_the_update_alone():
    late = next(iter(batches(start=2)))
    assert torch.equal(list(batches())[2].images, late.images)
    assert torch.equal(list(batches())[2].conditions, late.conditions)


def test_workers_keep_the_order_of_the_updates():
    alone = [batch.conditions for batch in batches()]
    loader = DataLoader(batches(), batch_size=None, num_workers=2)
    for one, many in zip(alone, loader, strict=True):
        assert torch.equal(one, many.conditions)


def test_labels_belong_to_their_images_and_every_object_is_drawn():
    data = batches().datasets[0]
    index = torch.arange(20).repeat(50)
    rows = data.draw_conditions(index, torch.Generator().manual_seed(0))
    assert torch.allclose(rows[:, 1], index / 100)
    objects = (rows[:, 2] * 100).round().long()
    assert torch.all(objects < data.num_objects[index])
    three = objects[data.num_objects[index] == 3]
    assert set(three.tolist()) == {0, 1, 2}


def test_shares_empties_and_dropout():
    kinds = batches(dropout=0.4).batch(0).conditions[:, 0]
    share = {k: float((kinds == k).float().mean()) for k in (0.0, 1.0, 2.0)}
    assert share[conditioning.DROPPED] == pytest.approx(0.4, abs=0.1)
    assert share[conditioning.GIVEN] == pytest.approx(0.45, abs=0.1)
    assert share[conditioning.EMPTY] == pytest.approx(0.15, abs=0.08)
