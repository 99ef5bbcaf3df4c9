"""A training resumes to the bit, draws the same batches everywhere, and stops on bad losses."""

import csv
import json
import math
import os
import signal
import struct
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch.utils.data import DataLoader
from toy_training import FakeImages, run, settings

from projcomp.config.learning import WandbConfig
from projcomp.errors import DeviceError, UserError
from projcomp.networks import conditioning
from projcomp.training import train as train_module
from projcomp.training.batches import UpdateBatches
from projcomp.training.losses import BANDS, RunningLosses
from projcomp.training.module import DiffusionTraining
from projcomp.training.noise import draw_noise
from projcomp.training.progress import COLUMNS, Metrics, Progress
from projcomp.training.resume import read_updates_made


@pytest.fixture(autouse=True)
def _fake(monkeypatch):
    monkeypatch.setattr(train_module, "RenderedImages", FakeImages)


def fingerprint():
    data = [FakeImages(Path(name), "position") for name in settings().datasets]
    return train_module._fingerprint(settings(), data)


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


@pytest.mark.parametrize("how", [{}, {"precision": "bf16"}, {"microbatch": 3}])
def test_killed_and_resumed_equals_uninterrupted(tmp_path, monkeypatch, how):
    how = {"sample_images": 36, **how}
    whole = run(tmp_path, "whole", **how)
    with killed_after(9, monkeypatch), pytest.raises((KeyboardInterrupt, SystemExit)):
        run(tmp_path, "cut", **how)
    assert not (tmp_path / "cut" / "weights.safetensors").exists()
    resumed = run(tmp_path, "cut", **how)
    assert whole.keys() == resumed.keys()
    for name, value in whole.items():
        assert torch.equal(value, resumed[name]), name
    # the training was cut between two rows, right after a sheet of samples
    assert [one.name for one in (tmp_path / "cut" / "samples").iterdir()] == ["0000000036.png"]
    timed = ["images_per_second", "seconds"]
    told, expected = (
        pd.read_csv(tmp_path / name / "metrics.csv").drop(columns=timed)
        for name in ("cut", "whole")
    )
    pd.testing.assert_frame_equal(told, expected, check_exact=True)
    assert not (tmp_path / "state_cut" / "state.safetensors").exists()


def test_a_state_without_losses_is_of_an_earlier_version(tmp_path, monkeypatch):
    whole = run(tmp_path, "whole")
    with killed_after(9, monkeypatch), pytest.raises((KeyboardInterrupt, SystemExit)):
        run(tmp_path, "cut")
    state = tmp_path / "state_cut" / "state.safetensors"
    with safe_open(state, "pt") as file:
        header = file.metadata()
        tensors = {name: file.get_tensor(name) for name in file.keys() if name != "losses"}  # noqa: SIM118
    save_file(tensors, state, header)
    resumed = run(tmp_path, "cut")
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)


def test_same_settings_give_the_same_weights(tmp_path):
    first, second = run(tmp_path, "a"), run(tmp_path, "b")
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_state_of_other_images_is_not_resumed(tmp_path, monkeypatch):
    """Rendered again with other settings, the images are others under the same name."""
    run(tmp_path, "whole")
    with killed_after(6, monkeypatch), pytest.raises((KeyboardInterrupt, SystemExit)):
        run(tmp_path, "cut")

    class OtherImages(FakeImages):
        def __init__(self, path, condition):
            super().__init__(path, condition)
            self._images = 255 - self._images
            self.identity += ", others"

    monkeypatch.setattr(train_module, "RenderedImages", OtherImages)
    fresh, cut = run(tmp_path, "fresh"), run(tmp_path, "cut")
    assert all(torch.equal(fresh[name], cut[name]) for name in fresh)


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


def test_non_finite_loss_stops_the_run_and_keeps_the_last_good_state(tmp_path, monkeypatch):
    original = DiffusionTraining._loss

    def spoiled(self, batch, part):
        loss = original(self, batch, part)
        if self.updates_made != 7:
            return loss
        self.losses.add(7, torch.tensor([0.25, 3.0]), torch.tensor([1.0, torch.nan]), loss[:2])
        return loss * torch.nan

    with monkeypatch.context() as patch:
        patch.setattr(DiffusionTraining, "_loss", spoiled)
        with pytest.raises(UserError, match=r"update 7: .* at noise level 3;"):
            run(tmp_path)
    state = tmp_path / "state_a" / "state.safetensors"
    assert read_updates_made(state, fingerprint()) == 7
    whole, resumed = run(tmp_path, "whole"), run(tmp_path)
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)


def test_weights_that_are_not_finite_are_not_saved_though_the_loss_was(tmp_path, monkeypatch):
    original = DiffusionTraining.training_step

    def spoiled(self, batch, batch_idx):
        original(self, batch, batch_idx)
        if self.updates_made == 6:
            next(self.model.parameters()).data.fill_(torch.inf)

    monkeypatch.setattr(DiffusionTraining, "training_step", spoiled)
    with pytest.raises(UserError, match=r"update 6: expected finite weights, got none"):
        run(tmp_path)
    state = tmp_path / "state_a" / "state.safetensors"
    assert read_updates_made(state, fingerprint()) == 5


@pytest.mark.parametrize("name", ["SIGTERM", "SIGUSR1"])
def test_a_signal_of_the_scheduler_saves_before_leaving(tmp_path, monkeypatch, capsys, name):
    number = getattr(signal, name)
    before = signal.getsignal(number)
    original = DiffusionTraining.training_step

    def interrupted(self, batch, batch_idx):
        original(self, batch, batch_idx)
        if self.updates_made == 5:
            os.kill(os.getpid(), number)

    with monkeypatch.context() as patch:
        patch.setattr(DiffusionTraining, "training_step", interrupted)
        with pytest.raises(UserError, match=f"20/48 images: stopped by {name}; the state is saved"):
            run(tmp_path, checkpoint_minutes=60)
    assert signal.getsignal(number) is before
    state = tmp_path / "state_a" / "state.safetensors"
    assert read_updates_made(state, fingerprint()) == 5
    capsys.readouterr()
    whole, resumed = run(tmp_path, "whole"), run(tmp_path)
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)
    # the log of the attempt that goes on says what stopped the one before
    told = capsys.readouterr().out
    assert f"before: 20/48 images: stopped by {name}; the state is saved\n" in told
    left = {path.name for path in (tmp_path / "state_a").iterdir()}
    assert left == {"finished", "lock"}  # no state: who waited meanwhile learns that it is made


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 9.00 GiB"),
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory"),
    ],
)
def test_out_of_memory_says_what_to_lower(tmp_path, monkeypatch, error):
    def too_much(self, batch, batch_idx):
        raise error

    monkeypatch.setattr(DiffusionTraining, "training_step", too_much)
    with pytest.raises(DeviceError, match=r"training\.microbatch: .* 4 in a pass; set it to 2"):
        run(tmp_path)


@pytest.mark.parametrize("microbatch", [1, 3])
def test_several_passes_learn_the_same(tmp_path, microbatch):
    once, several = run(tmp_path), run(tmp_path, "several", microbatch=microbatch)
    for name, value in once.items():
        torch.testing.assert_close(value, several[name], atol=2e-4, rtol=1e-3)


def test_noise_does_not_depend_on_how_an_update_is_cut():
    options = {"log_mean": -0.8, "log_std": 1.6, "device": torch.device("cpu")}
    sigma, noise = draw_noise(5, 0, (100, 3, 4, 4), **options)
    for first, count in [(0, 7), (7, 40), (31, 2), (47, 53)]:
        part = draw_noise(5, first, (count, 3, 4, 4), **options)
        assert torch.equal(part[0], sigma[first : first + count])
        assert torch.equal(part[1], noise[first : first + count])
    assert len(sigma.unique()) == 100


def test_metrics_tell_the_error_by_noise_level(tmp_path):
    run(tmp_path)
    table = pd.read_csv(tmp_path / "a" / "metrics.csv")
    assert tuple(table.columns) == COLUMNS
    assert table["images_seen"].tolist() == list(range(8, 49, 8))
    errors = table[list(BANDS)].mean()
    assert errors.between(0.01, 2.0).all()
    assert (table["gradient_norm"] > 0).all()


def test_sheets_of_samples_are_drawn_on_the_way_and_change_nothing(tmp_path):
    plain, drawn = run(tmp_path), run(tmp_path, "drawn", sample_images=20)
    assert all(torch.equal(plain[name], drawn[name]) for name in plain)
    sheets = sorted((tmp_path / "drawn" / "samples").iterdir())
    assert [sheet.name for sheet in sheets] == ["0000000020.png", "0000000040.png"]
    first, second = (np.asarray(Image.open(sheet)) for sheet in sheets)
    assert first.shape == second.shape
    assert (first != second).any()


def test_running_losses_are_means_by_band():
    losses = RunningLosses()
    sigma = torch.tensor([0.05, 0.2, 0.3, 1.0])
    losses.add(0, sigma[:2], torch.tensor([1.0, 2.0]), torch.tensor([4.0, 5.0]))
    losses.add(1, sigma[2:], torch.tensor([3.0, 6.0]), torch.tensor([7.0, 8.0]))
    taken = losses.take()
    assert taken["loss"] == 3.0
    assert [taken[name] for name in BANDS[:3]] == [4.0, 6.0, 8.0]
    assert np.isnan(taken[BANDS[3]])
    assert losses.first_bad() is None


def test_the_first_bad_update_of_all_processes_is_named():
    losses = RunningLosses()
    losses.add(7, torch.tensor([0.5, 2.0]), torch.tensor([1.0, math.inf]), torch.ones(2))
    nan = math.nan
    others = torch.tensor([[nan, nan, nan], [7.0, 1.5, 3.0], [8.0, 0.1, 9.0]]).double()
    assert losses.first_bad() == (7, 2.0, 2.0)
    assert losses.first_bad(lambda bad: torch.cat([bad[None], others])) == (7, 1.5, 3.0)


def test_rows_of_long_trainings_keep_their_number_of_images(tmp_path):
    metrics = Metrics(tmp_path / "metrics.csv", 0)
    seen = 128 * 2**20 - 64
    metrics.rows.append({**dict.fromkeys(COLUMNS, 0.5), "images_seen": float(seen)})
    metrics.save()
    assert [row["images_seen"] for row in Metrics(metrics.path, seen).rows] == [seen]
    assert not Metrics(metrics.path, seen - 1).rows


def test_missing_gpu_is_one_clear_line(tmp_path, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(DeviceError, match=r"training\.device"):
        run(tmp_path, device="gpu")


def test_wandb_logs_offline(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WANDB_SILENT", "true")
    run(tmp_path, wandb=WandbConfig(enabled=True, mode="offline"), sample_images=24)
    import wandb

    wandb.finish()
    (log,) = tmp_path.glob("state_a/wandb/offline-run-*/*.wandb")
    assert len(list(log.parent.glob("files/media/images/*.png"))) == 2
    with (tmp_path / "a" / "metrics.csv").open() as file:
        rows = [{key: float(value) for key, value in row.items()} for row in csv.DictReader(file)]
    for _ in range(300):  # its service writes the end of the log after finish() has returned
        if "exit" in {kind for kind, _ in wandb_records(log)}:
            break
        time.sleep(0.1)
    history = [
        {i.key or ".".join(i.nested_key): json.loads(i.value_json) for i in record.history.item}
        for kind, record in wandb_records(log)
        if kind == "history"
    ]
    logged = [row for row in history if "loss" in row]
    assert [row["images_seen"] for row in logged] == [row["images_seen"] for row in rows]
    for ours, theirs in zip(rows, logged, strict=True):
        assert theirs["trainer/global_step"] == ours["images_seen"]
        assert {key: theirs[key] for key in ours} == pytest.approx(ours, rel=1e-4, nan_ok=True)


def test_a_resumed_training_goes_on_in_its_wandb_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WANDB_SILENT", "true")
    import wandb

    offline = WandbConfig(enabled=True, mode="offline")
    with killed_after(6, monkeypatch), pytest.raises((KeyboardInterrupt, SystemExit)):
        run(tmp_path, wandb=offline)
    wandb.finish()
    run(tmp_path, wandb=offline)
    wandb.finish()
    run(tmp_path, wandb=offline)  # a training of its own
    wandb.finish()
    logs = sorted(tmp_path.glob("state_a/wandb/offline-run-*/*.wandb"), key=os.path.getmtime)
    first, second, third = (log.stem for log in logs)
    assert first == second != third


def wandb_records(log):
    """Kind and content of the records of a run's own log: protobuf messages in LevelDB's format."""
    from wandb.proto.wandb_internal_pb2 import Record

    data, at, message = log.read_bytes(), 7, b""  # after the file's own header
    while at + 7 <= len(data):
        left = 32768 - at % 32768
        if left < 7:
            at += left
            continue
        length, kind = struct.unpack_from("<HB", data, at + 4)
        if at + 7 + length > len(data):
            return  # still being written
        message += data[at + 7 : at + 7 + length]
        at += 7 + length
        if kind in (1, 4):  # whole, or the last part
            record = Record.FromString(message)
            message = b""
            yield record.WhichOneof("record_type"), record


def batches(dropout=0.0, start=0, **share):
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
        **share,
    )


def test_batches_depend_on_the_update_alone():
    late = next(iter(batches(start=2)))
    assert torch.equal(list(batches())[2].images, late.images)
    assert torch.equal(list(batches())[2].conditions, late.conditions)


@pytest.mark.parametrize("world", [2, 4])
def test_processes_share_an_update_without_a_rest(world):
    whole = batches(dropout=0.3).batch(1)
    parts = [batches(dropout=0.3, rank=rank, world=world).batch(1) for rank in range(world)]
    assert torch.equal(torch.cat([part.images for part in parts]), whole.images)
    assert torch.equal(torch.cat([part.conditions for part in parts]), whole.conditions)
    assert [part.first for part in parts] == [rank * 200 // world for rank in range(world)]
    assert {part.noise_seed for part in parts} == {whole.noise_seed}


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


def test_a_cooldown_lets_the_rate_out_by_the_last_update(tmp_path):
    run(tmp_path, "cooled", learning_rate=0.06, ramp_images=0, cooldown=0.5)
    rates = pd.read_csv(tmp_path / "cooled" / "metrics.csv")["learning_rate"]
    # 12 updates, of which every second has a row; the cooldown begins with the seventh
    assert rates.tolist() == pytest.approx([0.06, 0.06, 0.06, 0.05, 0.03, 0.01], rel=1e-5)


def test_a_schedule_without_a_cooldown_is_the_same_text_as_before_there_were_any():
    """Trainings would else begin again."""
    assert "cooldown" not in settings(cooldown=0).model_dump_json()
    cooled = settings(cooldown=0.4)
    assert type(cooled).model_validate_json(cooled.model_dump_json()) == cooled
