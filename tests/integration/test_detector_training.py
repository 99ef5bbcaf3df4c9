import os
import signal

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load_file
from toy_discs import MOST, NAMES, SIDE, draw_disc_scene, labelled, paint, write_discs

from projcomp.config.compute import TrainingCompute
from projcomp.config.learning import DOUBTFUL, MILD, DetectorConfig
from projcomp.data.picture import Picture
from projcomp.errors import ConfigError, DeviceError, FileFormatError, UserError
from projcomp.evaluation.detect import detect
from projcomp.evaluation.detector import Detector, normalize
from projcomp.evaluation.forward import load_detector
from projcomp.evaluation.grid import ATTRIBUTES, DOUBT, HEAT, LOGITS, OFFSET, OUTPUTS
from projcomp.evaluation.heatmaps import find_peaks
from projcomp.evaluation.labelled import LabelledImages
from projcomp.evaluation.matching import match
from projcomp.evaluation.scope import read_scope
from projcomp.evaluation.targets import Labels, draw_targets
from projcomp.files.kinds import DETECTOR, DETECTOR_STATE
from projcomp.files.outputs import check_outputs
from projcomp.scenes.spec import SceneSpec
from projcomp.scenes.vocabulary import CAMERA_LOCATION, COLORS, LAMP_LOCATIONS
from projcomp.settings.stages import DetectorSettings
from projcomp.training import detector
from projcomp.training.detector import (
    _usable,
    detector_loss,
    draw_indices,
    train_detector,
)
from projcomp.training.disturbances import seen


def every(minutes: float) -> TrainingCompute:
    """Checkpoints so often, which need not be what the config allows."""
    return TrainingCompute().model_copy(update={"checkpoint_minutes": minutes})


OFTEN = every(1e-9)


def settings(**changes) -> DetectorSettings:
    detector = {"holdout": 40, "channels": 8, "images_seen": 256, "batch_size": 32, **changes}
    return DetectorSettings(seed=0, resolution=SIDE, detector=DetectorConfig(**detector))


def train(folder, data, **changes):
    out, state = folder / "models" / "detector", folder / "state"
    train_detector(settings(**changes), data, out, state_dir=state)
    return out


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


def labels_of(known: LabelledImages) -> Labels:
    """What is to be learned of renders that nothing was done to."""
    batch = seen(torch.from_numpy(known.images), torch.from_numpy(known.masks), MOST)
    parts = (known.pixel, known.attributes, known.num_objects)
    return Labels(*map(torch.from_numpy, parts), batch.doubtful, batch.ruined)


@pytest.mark.slow
def test_overfits_eight_images():
    rng = np.random.default_rng(3)
    known = labelled([draw_disc_scene(rng) for _ in range(8)])
    images, number = normalize(torch.from_numpy(known.images)), known.num_objects
    assert len(set(number.tolist())) > 2
    targets = draw_targets(labels_of(known), SIDE)
    torch.manual_seed(0)
    detector = Detector(8, SIDE)
    optimizer = torch.optim.AdamW(detector.parameters(), lr=1e-2)
    for _ in range(200):
        optimizer.zero_grad()
        detector_loss(detector(images), targets)["loss"].backward()
        optimizer.step()
    for row, found in enumerate(find_peaks(detector.eval()(images).detach().numpy(), 0.5)):
        n = int(number[row])
        assert len(found.xy) == n
        rows, columns = match(found.xy, known.pixel[row, :n], 0.5 / SIDE)
        assert len(rows) == n
        said = np.stack([getattr(found, name)[rows] for name in ATTRIBUTES], axis=-1)
        assert (said == known.attributes[row, columns]).all()
        assert found.doubt < 0.5


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """The folder of a detector that has learned to count discs, its state beside it.

    Two flat discs that are averaged are a flat disc of a third colour: nothing here tells it from
    others, so that merged ones are left out. With so many channels and images other seeds pass too.
    """
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("trained")
    data = write_discs(folder, 1040)
    names = [name for name in (*MILD, *DOUBTFUL) if name != "merge"]
    return train(
        folder, data, images_seen=12_800, channels=24, learning_rate=5e-3, augmentations=names
    )


@pytest.mark.slow
def test_training_writes_a_detector_that_counts(trained):
    assert {path.name for path in trained.iterdir()} == {*DETECTOR}
    state = trained.parents[1] / "state"
    assert {path.name for path in state.iterdir()} == {"lock", "finished"}
    check = pd.read_csv(trained / "check.csv").set_index("num_objects")
    assert check.loc["all", "images"] == 40
    assert check.loc["all", "exact_count"] > 0.8
    assert check.loc["all", "localization_error"] < 0.5 / SIDE
    assert check.loc["static", "unsure"] > 0.9 > 0.2 > check.loc["all", "unsure"]
    metrics = pd.read_csv(trained / "metrics.csv")
    assert metrics["images_seen"].iloc[-1] == 12_800
    assert metrics["loss"].iloc[-1] < 0.8 * metrics["loss"].iloc[0]
    bins = pd.read_csv(trained / "reliability.csv")
    assert bins["peaks"].iloc[:-1].sum() == bins["peaks"].iloc[-1]
    scope = read_scope(trained)
    assert (scope.images, scope.objects, scope.threshold) == (1000, (0, MOST), 0.3)
    assert scope.attributes["shape"] == ["sphere"]
    assert sorted(scope.attributes["color"]) == sorted(COLORS)
    blank = np.full((2, SIDE, SIDE, 3), 120, np.uint8)
    assert [len(found.xy) for found in detect(load_detector(trained), blank, 0.5)] == [0, 0]


LEFT, RIGHT, ABOVE, MOVED = map(np.array, ([0.25, 0.7], [0.75, 0.7], [0.5, 0.25], [0.6, 0.75]))


@pytest.mark.slow
def test_what_was_done_to_a_picture_is_said(trained):
    """A picture of two discs, changed in one way at a time, under many noises.

    A negative disc is a disc of another colour, so that there are no negative ghosts here.
    """
    detector = load_detector(trained)

    def found(points, colors, change=lambda image: image):
        pictures = [paint(points, colors, np.random.default_rng(n))[1].image for n in range(20)]
        return detect(detector, np.stack([change(image) for image in pictures]), 0.5)

    def share(found, right):
        return np.mean([right(one) for one in found])

    def faint(left):
        """What stands on the left at a share of its difference to the ground."""

        def change(image):
            image = image.astype(float)
            half = image[:, : SIDE // 2]
            image[:, : SIDE // 2] = 120 + left * (half - 120)
            return image.round().astype(np.uint8)

        return change

    def colors_at(one, *points):
        rows, columns = match(one.xy, np.array(points), 1.5 / SIDE)
        named = {
            int(column): NAMES[one.color[row]] for row, column in zip(rows, columns, strict=True)
        }
        return len(one.xy), [named.get(number) for number in range(len(points))]

    both, kinds = [LEFT, RIGHT], ["yellow", "cyan"]
    whole = found(both, kinds)
    assert share(whole, lambda one: colors_at(one, *both) == (2, kinds)) > 0.8
    assert share(whole, lambda one: one.unsure) < 0.2
    shifted = found([LEFT, MOVED], kinds)
    assert share(shifted, lambda one: colors_at(one, LEFT, MOVED) == (2, kinds)) > 0.8
    twice = found([*both, ABOVE], [*kinds, "yellow"])
    assert share(twice, lambda one: colors_at(one, *both, ABOVE) == (3, [*kinds, "yellow"])) > 0.8
    dropped = found([RIGHT], ["cyan"])
    assert share(dropped, lambda one: colors_at(one, *both) == (1, [None, "cyan"])) > 0.8
    recoloured = found(both, ["blue", "cyan"])
    assert share(recoloured, lambda one: colors_at(one, *both) == (2, ["blue", "cyan"])) > 0.8
    slightly = found(both, kinds, faint(0.9))
    assert share(slightly, lambda one: len(one.xy) == 2 and not one.unsure) > 0.8
    for left in (0.3, 0.4):
        ghost = found(both, kinds, faint(left))
        assert share(ghost, lambda one: one.unsure) > 0.8
    noise = np.random.default_rng(0).integers(0, 256, (20, SIDE, SIDE, 3), dtype=np.uint8)
    assert share(detect(detector, noise, 0.5), lambda one: one.unsure) > 0.8


def weights(out):
    return load_file(out / "weights.safetensors")


def same(one, other) -> bool:
    return all(torch.equal(one[name], other[name]) for name in one)


def test_held_out_images_are_never_trained_on(tmp_path):
    def negative(pair):
        return pair[0], Picture(255 - pair[1].image, pair[1].mask)

    def spoil(number, picture):
        return negative(picture) if number >= 60 else picture

    def spoil_one_more(number, picture):
        return negative(picture) if number >= 59 else picture

    (tmp_path / "b").mkdir()
    (tmp_path / "c").mkdir()
    plain = weights(train(tmp_path / "a", write_discs(tmp_path / "a", 100)))
    assert same(plain, weights(train(tmp_path / "b", write_discs(tmp_path / "b", 100, spoil))))
    third = write_discs(tmp_path / "c", 100, spoil_one_more)
    assert not same(plain, weights(train(tmp_path / "c", third)))


class Killed(BaseException):
    """Ends a training from within."""


def test_a_killed_training_goes_on_where_it_was(tmp_path, monkeypatch):
    data = write_discs(tmp_path, 100)
    whole = train(tmp_path / "whole", data)
    seen = []

    def count(seed, num_images, update, batch_size, *, stop):
        if update == stop:
            raise Killed
        seen.append(update)
        return draw_indices(seed, num_images, update, batch_size)

    out, state = tmp_path / "out", tmp_path / "state"
    for stop in (5, None):
        monkeypatch.setattr(
            "projcomp.training.detector.draw_indices", lambda *a, stop=stop: count(*a, stop=stop)
        )
        run = {"state_dir": state, "compute": OFTEN}
        if stop is None:
            train_detector(settings(), data, out, **run)
            continue
        with pytest.raises(Killed):
            train_detector(settings(), data, out, **run)
        assert not out.exists()
        assert list(state.glob("*.ckpt"))
    assert seen == list(range(8))
    assert same(weights(whole), weights(out))
    for name in ("check.csv", "metrics.csv"):  # stopped before the first row of its losses
        assert (whole / name).read_bytes() == (out / name).read_bytes(), name


def test_a_training_killed_after_its_last_update_makes_the_same_files(tmp_path, monkeypatch):
    data = write_discs(tmp_path, 100)
    out, run = tmp_path / "out", {"state_dir": tmp_path / "state"}
    whole = train(tmp_path / "whole", data)

    def kill(*_):
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr("projcomp.training.detector.save_detector", kill)
        with pytest.raises(Killed):
            train_detector(settings(), data, out, **run, compute=OFTEN)
    train_detector(settings(), data, out, **run)
    for name in ("weights.safetensors", "check.csv", "reliability.csv", "metrics.csv"):
        assert (whole / name).read_bytes() == (out / name).read_bytes(), name


def test_the_state_of_another_training_is_not_used(tmp_path):
    data = write_discs(tmp_path, 100)
    whole = weights(train(tmp_path / "whole", data))
    state = tmp_path / "state"
    state.mkdir()
    (state / "detector.ckpt").write_bytes(b"not a checkpoint")
    train_detector(settings(), data, tmp_path / "out", state_dir=state)
    assert same(whole, weights(tmp_path / "out"))


def test_too_large_a_holdout_is_one_line(tmp_path):
    data = write_discs(tmp_path, 40)
    with pytest.raises(ConfigError, match=r"detector\.holdout: expected less than the 40"):
        train(tmp_path, data)


def test_another_resolution_is_one_line(tmp_path):
    data = write_discs(tmp_path, 50)
    wrong = DetectorSettings(seed=0, resolution=32, detector=settings().detector)
    with pytest.raises(FileFormatError, match="32 x 32"):
        train_detector(wrong, data, tmp_path / "out", state_dir=tmp_path / "state")


def test_every_pass_sees_every_image_once():
    drawn = np.concatenate([draw_indices(0, 10, update, 4) for update in range(5)])
    assert sorted(drawn[:10]) == list(range(10))
    assert sorted(drawn[10:]) == list(range(10))
    assert drawn[:10].tolist() != drawn[10:].tolist()
    assert not np.array_equal(draw_indices(0, 10, 0, 10), draw_indices(1, 10, 0, 10))
    assert draw_indices(0, 3, 0, 8).shape == (8,)


def test_loss_is_least_at_the_targets():
    known = labelled([draw_disc_scene(np.random.default_rng(1), 2) for _ in range(3)])
    labels = labels_of(known)
    labels.doubtful[1, 0], labels.ruined[2] = True, True
    targets = draw_targets(labels, SIDE)
    logits = [
        20.0 * torch.nn.functional.one_hot(targets.attributes[:, n], len(names)).movedim(-1, 1)
        for n, names in enumerate(ATTRIBUTES.values())
    ]
    heat, doubt = (
        torch.logit(bumps.clamp(1e-6, 1 - 1e-6))[:, None] for bumps in (targets.heat, targets.doubt)
    )
    best = torch.cat([heat, doubt, targets.offset, *logits], dim=1).requires_grad_()
    losses = detector_loss(best, targets)
    assert losses["offset"] == 0
    assert max(losses[name] for name in ATTRIBUTES) < 1e-6
    losses["loss"].backward()
    assert best.grad is not None
    assert best.grad[:, :2].abs().max() < 1e-5
    for name, channels in {"heat": HEAT, "doubt": DOUBT, "offset": OFFSET, **LOGITS}.items():
        worse = best.detach().clone()
        worse[:, channels] = 0.5 * worse[:, channels] + 0.3
        assert detector_loss(worse, targets)[name] > losses[name]


def test_what_is_doubtful_teaches_the_heatmap_nothing():
    labels = labels_of(labelled([draw_disc_scene(np.random.default_rng(2), 1) for _ in range(2)]))
    labels.doubtful[0, 0], labels.ruined[1] = True, True
    targets = draw_targets(labels, SIDE)
    outputs = torch.zeros(2, OUTPUTS, SIDE, SIDE).requires_grad_()
    detector_loss(outputs, targets)["loss"].backward()
    assert outputs.grad is not None
    row, column = (labels.pixel[0, 0].flip(0) * SIDE).long()
    assert outputs.grad[0, HEAT, row, column] == 0
    assert outputs.grad[0, DOUBT, row, column] < 0 < outputs.grad[0, DOUBT, 0, 0]
    assert (outputs.grad[1, HEAT] == 0).all()
    assert (outputs.grad[1, DOUBT] < 0).all()
    assert (outputs.grad[:, 2:] == 0).all()


# What cannot be trained on, or gone on with --------------------------------------------------


def interrupted(folder, data, monkeypatch):
    """The checkpoint of a training that was killed after four of eight updates."""

    def stop(seed, num_images, update, batch_size):
        if update == 4:
            raise Killed
        return draw_indices(seed, num_images, update, batch_size)

    with monkeypatch.context() as patch:
        patch.setattr("projcomp.training.detector.draw_indices", stop)
        with pytest.raises(Killed):
            train_detector(settings(), data, folder / "out", state_dir=folder, compute=OFTEN)
    return folder / "detector.ckpt"


def test_a_checkpoint_that_cannot_be_taken_up_is_one_line(tmp_path, monkeypatch):
    data = write_discs(tmp_path, 100)
    path = interrupted(tmp_path / "state", data, monkeypatch)
    whole = torch.load(path, weights_only=True)
    name = next(iter(whole["state_dict"]))
    log = next(key for key, value in whole["callbacks"].items() if "rows" in value)
    changes = [
        {"state_dict": {name: whole["state_dict"][name]}},
        {"state_dict": {**whole["state_dict"], name: torch.zeros(1)}},
        {"callbacks": {**whole["callbacks"], log: {"rows": [{"update": 1}]}}},
    ]
    for change in changes:
        torch.save({**whole, **change}, path)
        with pytest.raises(FileFormatError, match="expected the state of this training") as caught:
            train_detector(settings(), data, tmp_path / "out", state_dir=path.parent)
        assert str(caught.value).startswith(f"{path}: ")
        assert "; delete it, and the same command starts" in str(caught.value)
        assert len(str(caught.value).splitlines()) == 1


def test_a_checkpoint_that_is_passed_over_is_named(tmp_path, monkeypatch, capsys):
    data = write_discs(tmp_path, 100)
    path = interrupted(tmp_path / "state", data, monkeypatch)
    check_outputs(path.parent, DETECTOR_STATE)  # which knows it without loading it
    whole = path.read_bytes()
    told = torch.load(path, weights_only=True)["projcomp_settings"]
    for content in (whole[: len(whole) // 2], b"", b"not a checkpoint"):
        path.write_bytes(content)
        assert _usable(path, told) is None
        assert f"{path}: passed over, damaged (" in capsys.readouterr().out
    path.write_bytes(whole)
    parts = torch.load(path, weights_only=True)
    for part in ("loops", "optimizer_states", "lr_schedulers"):
        torch.save({**parts, part: []}, path)
        assert _usable(path, told) is None
        assert f"{path}: passed over, damaged (no {part})" in capsys.readouterr().out
    path.write_bytes(whole)
    assert _usable(path, told) == path
    assert _usable(path, "{}") is None
    told = f"{path}: passed over, of other settings or images; starting anew"
    assert told in capsys.readouterr().out
    others = write_discs(tmp_path / "others", 101)
    train_detector(settings(), others, tmp_path / "out", state_dir=path.parent)
    assert told in capsys.readouterr().out


def test_images_without_objects_teach_no_detector(tmp_path):
    def emptied(number, picture):
        return SceneSpec((), CAMERA_LOCATION, dict(LAMP_LOCATIONS)), picture[1]

    data = write_discs(tmp_path, 50, emptied)
    with pytest.raises(ConfigError, match=r"^detector\.dataset: expected images with objects"):
        train(tmp_path, data)


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"resolution": 8}, "^resolution: expected at least 16, .* got 8$"),
        ({"seed": -1}, "^seed: expected a number of at least 0, got -1"),
        (
            {"detector": settings(images_seen=4).detector},
            r"^detector\.images_seen: expected at least detector\.batch_size = 32, got 4$",
        ),
    ],
)
def test_what_the_config_refuses_is_refused_at_the_stage_too(tmp_path, change, line):
    asked = settings().model_copy(update=change)
    with pytest.raises(ConfigError, match=line):
        train_detector(asked, tmp_path / "none.h5", tmp_path / "out", state_dir=tmp_path)


@pytest.mark.parametrize(
    ("error", "kind", "line"),
    [
        (MemoryError(), DeviceError, r"^detector\.batch_size: .*none left with 32 in an update"),
        (KeyboardInterrupt(), KeyboardInterrupt, "^$"),
        (PermissionError(13, "Permission denied", "/x"), UserError, "^/x: .*Permission denied"),
    ],
)
def test_what_ends_a_training_is_one_line(tmp_path, monkeypatch, error, kind, line):
    def fail(*arguments):
        raise error

    data = write_discs(tmp_path, 50)
    handler = signal.getsignal(signal.SIGINT)
    monkeypatch.setattr("projcomp.training.detector.draw_indices", fail)
    with pytest.raises(kind, match=line):
        train(tmp_path, data)
    signal.signal(signal.SIGINT, handler)  # Lightning leaves it ignored


def test_a_signal_that_ends_a_training_is_no_success(tmp_path, monkeypatch):
    """Lightning exits with 0 then."""

    def signalled(seed, num_images, update, batch_size):
        if update == 2:
            os.kill(os.getpid(), signal.SIGTERM)
        return draw_indices(seed, num_images, update, batch_size)

    data = write_discs(tmp_path, 50)
    monkeypatch.setattr("projcomp.training.detector.draw_indices", signalled)
    with pytest.raises(UserError, match=r"^training: .* stopped by SIGTERM; run the same command"):
        train(tmp_path, data)


def test_a_loss_that_is_not_finite_makes_no_detector(tmp_path, monkeypatch):
    data = write_discs(tmp_path, 100)
    true_loss = detector.detector_loss

    def overflowing(outputs, targets):
        return {name: part * torch.inf for name, part in true_loss(outputs, targets).items()}

    monkeypatch.setattr(detector, "detector_loss", overflowing)
    with pytest.raises(UserError, match=r"updates 1 to 8: expected finite losses, got others"):
        train(tmp_path, data)
    assert not (tmp_path / "models").exists()


def test_any_time_between_checkpoints_will_do(tmp_path):
    data = write_discs(tmp_path, 50)
    train_detector(
        settings(images_seen=32),
        data,
        tmp_path / "out",
        state_dir=tmp_path,
        compute=every(float("inf")),
    )
    assert (tmp_path / "out" / "check.csv").exists()
