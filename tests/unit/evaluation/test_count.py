"""``projcomp count`` on images of every kind, with a detector whose answers are known."""

import csv
import json
import os
from pathlib import Path

import h5py
import numpy as np
import pytest
from PIL import Image
from toy_discs import SIDE, labelled, paint
from typer.testing import CliRunner

from projcomp.cli import app
from projcomp.config.learning import DetectorConfig
from projcomp.data.images import write_samples
from projcomp.data.preview import contact_sheet
from projcomp.errors import FileFormatError
from projcomp.evaluation import count as counting
from projcomp.evaluation.count import COLUMNS, OBJECT_COLUMNS, count
from projcomp.evaluation.detector import Detector, save_detector
from projcomp.evaluation.grid import DOUBT, HEAT, LOGITS, OUTPUTS
from projcomp.evaluation.scope import learned_from
from projcomp.settings.case import Case

GREY = 120
RED = (200, 40, 40)


class Reader:
    """Counts red pixels: a peak of a large metal cube in each; doubts where a pixel is white."""

    resolution, most_doubt = SIDE, 0.5

    def outputs(self, images):
        out = np.full((len(images), OUTPUTS, SIDE, SIDE), -9.0, np.float32)
        out[:, 2:] = 0
        out[:, HEAT][(images == RED).all(-1)] = 3.0
        out[:, DOUBT][(images == 255).all(-1)] = 3.0
        for name, number in {"color": 1, "shape": 0, "material": 1, "size": 0}.items():
            out[:, LOGITS[name].start + number] = 1.0
        return out


@pytest.fixture
def detector(tmp_path, monkeypatch):
    """The folder of a detector that has learned from two grey pictures, read as Reader."""
    points = [np.array([0.3, 0.3]), np.array([0.7, 0.7])]
    known = labelled(
        [paint(points[:n], ["red", "blue"][:n], np.random.default_rng(n)) for n in (1, 2)]
    )
    folder = tmp_path / "detector"
    settings = {"detector": DetectorConfig().model_dump(mode="json")}
    save_detector(folder, Detector(4, SIDE), settings, 4, learned_from(known))
    monkeypatch.setattr(counting, "load_detector", lambda folder: Reader())
    return folder


def image(*reds: tuple[int, int], white: bool = False, side: int = SIDE) -> np.ndarray:
    """A grey picture with red pixels at (column, row)."""
    picture = np.full((side, side, 3), GREY, np.uint8)
    for column, row in reds:
        picture[row, column] = RED
    if white:
        picture[0, 0] = 255
    return picture


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_every_kind_of_file_is_counted_alike(tmp_path, detector):
    images = np.stack([image((2, 5)), image(), image((2, 5), (9, 9), white=True)])
    (tmp_path / "folder").mkdir()
    for number, one in enumerate(images):
        Image.fromarray(one).save(tmp_path / "folder" / f"{number}.png")
    np.savez(tmp_path / "some.npz", images=images)
    write_samples(tmp_path / "samples.h5", images, Case(name="k1", locations=[(0.2, 0.3)]), {})
    names = ["folder", "some.npz", "samples.h5"]
    out, objects = tmp_path / "out.csv", tmp_path / "objects.csv"
    told = count([tmp_path / name for name in names], detector, out, objects=objects)
    found = rows(out)
    assert tuple(found[0]) == COLUMNS
    assert [row["num_objects"] for row in found] == ["1", "0", "2"] * 3
    assert [row["unsure"] for row in found] == ["0", "0", "1"] * 3
    assert [row["colors"] for row in found[:3]] == ["red", "", "red;red"]
    assert [row["fits"] for row in found] == ["1"] * 9
    assert [row["image"] for row in found[::4]] == [
        str(tmp_path / "folder" / "0.png"), f"{tmp_path / 'some.npz'}[1]",
        f"{tmp_path / 'samples.h5'}[2]",
    ]  # fmt: skip
    each = rows(objects)
    assert tuple(each[0]) == OBJECT_COLUMNS
    assert len(each) == 9
    first = each[0]
    assert (float(first["x"]), float(first["y"])) == pytest.approx(
        (2.5 / SIDE, 5.5 / SIDE), abs=1e-4
    )
    assert float(first["confidence"]) == pytest.approx(1 / (1 + np.exp(-3)), abs=1e-4)
    words = [first[name] for name in ("object", "color", "shape", "material", "size")]
    assert words == ["0", "red", "cube", "metal", "large"]
    assert "2 renders of 1 to 2 objects (color red, blue; shape sphere;" in told[0]
    assert told[0].endswith("these images fit")
    assert told[1] == "9 images: 1.00 objects on average, 0 to 2; unsure of 3 (33.3%)"


def test_a_name_whose_bytes_are_no_utf_8_is_written_in_digits(tmp_path, detector):
    folder, out = tmp_path / "folder", tmp_path / "out.csv"
    folder.mkdir()
    Image.fromarray(image()).save(os.fsencode(folder) + b"/\xff.png")
    count([folder], detector, out)
    assert rows(out)[0]["image"] == f"{folder}/\\xff.png"


def test_another_size_is_refused_or_resized_and_said(tmp_path, detector):
    path, out = tmp_path / "large.npz", tmp_path / "out.csv"
    large = image(side=2 * SIDE)
    large[10:12, 4:6] = RED
    np.savez(path, images=large[None])
    run = CliRunner().invoke
    arguments = ["count", str(path), "--detector", str(detector), "--out", str(out)]
    refused = run(app, arguments)
    assert refused.exit_code == 1
    assert f"error: {path}: images of 16 x 16 pixels expected" in refused.output
    assert "got 32 x 32: train a detector at that resolution, or pass --resize" in refused.output
    assert len(refused.output.splitlines()) == 1
    assert not out.exists()
    done = run(app, [*arguments, "--resize"])
    assert done.exit_code == 0
    assert "do not fit: they were resized from 32 x 32" in done.output
    assert rows(out)[0]["num_objects"] == "1"
    np.savez(path, images=large[None, :20])
    assert "their aspect is neither 1:1 nor 4:3" in run(app, [*arguments, "--resize"]).output


def test_gray_pictures_are_counted(tmp_path, detector):
    Image.fromarray(image()[..., 0]).save(tmp_path / "gray.png")
    count([tmp_path / "gray.png"], detector, tmp_path / "out.csv")
    assert rows(tmp_path / "out.csv")[0]["num_objects"] == "0"


@pytest.mark.parametrize("name", ["dark.npz", "dark.h5", "dark.png"])
def test_pictures_of_zeros_and_ones_are_refused(tmp_path, detector, name):
    path, out = tmp_path / name, tmp_path / "out.csv"
    dark = (image((2, 5)) > GREY).astype(np.uint8)
    if name.endswith("npz"):
        np.savez(path, images=dark[None])
    elif name.endswith("h5"):
        with h5py.File(path, "w") as file:
            file["images"] = dark[None]
    else:
        Image.fromarray(dark).save(path)
    with pytest.raises(FileFormatError, match="got none above 1: multiply them by 255"):
        count([path], detector, out)
    assert not out.exists()


@pytest.mark.parametrize("command", ["count", "evaluate"])
def test_a_folder_above_the_detector_is_named_with_what_lies_in_it(tmp_path, detector, command):
    labels = ["--labels", str(tmp_path / "labels.npz")] if command == "evaluate" else []
    given = ["a.png", *labels, "--detector", str(tmp_path), "--out", str(tmp_path / "out.csv")]
    done = CliRunner().invoke(app, [command, *given])
    assert (done.exit_code, done.output.count("\n")) == (1, 1)
    assert f"got one that has it in detector: name {detector}" in done.output


def test_foreign_colours_and_crowds_are_said(tmp_path, detector):
    path, out = tmp_path / "some.npz", tmp_path / "out.csv"
    crowd = image((2, 2), (5, 5), (8, 8))
    blue = np.zeros((SIDE, SIDE, 3), np.uint8) + np.array([30, 30, 220], np.uint8)
    np.savez(path, images=np.stack([image(), crowd, blue]))
    (line, _) = count([path], detector, out)
    assert "1 of 3 have mean colours that it has not seen" in line
    assert "1 of 3 have more objects than it has seen" in line
    assert [row["fits"] for row in rows(out)] == ["1", "1", "0"]


def test_the_sheet_rings_what_was_found(tmp_path, detector):
    path = tmp_path / "some.npz"
    np.savez(path, images=np.stack([image((8, 8)), image()]))
    count([path], detector, tmp_path / "out.csv", sheet=tmp_path / "sheet.png")
    sheet = np.asarray(Image.open(tmp_path / "sheet.png").convert("RGB")).astype(int)
    ring = (np.abs(sheet - (173, 35, 35)).max(-1) < 5).nonzero()
    assert len(ring[0]) > 50
    assert ring[1].max() < sheet.shape[1] / 2


def test_the_sheet_of_one_image_has_room_for_its_title(tmp_path, detector):
    np.savez(tmp_path / "some.npz", images=image()[None])
    sheets = []
    for title in ("", "objects found in the first 1 of 1, said at length"):
        sheets.append(np.asarray(contact_sheet(image()[None], ["0"], title)))
    untitled, titled = sheets
    assert titled.shape[1] > untitled.shape[1]
    assert (titled[:, -3:] == 255).all()


def test_a_detector_that_does_not_say_its_training_is_refused(tmp_path, detector):
    path = detector / "detector.json"
    described = json.loads(path.read_text())
    path.write_text(json.dumps({**described, "learned_from": {}}))
    np.savez(tmp_path / "some.npz", images=image()[None])
    arguments = ["count", str(tmp_path / "some.npz"), "--detector", str(detector)]
    done = CliRunner().invoke(app, [*arguments, "--out", str(tmp_path / "out.csv")])
    assert done.exit_code == 1
    assert "train the detector again" in done.output
    assert len(done.output.splitlines()) == 1


def test_a_threshold_that_is_none_is_refused(tmp_path, detector):
    path = detector / "detector.json"
    path.write_text(path.read_text().replace('"threshold": 0.3', '"threshold": NaN'))
    np.savez(tmp_path / "some.npz", images=image()[None])
    arguments = ["count", str(tmp_path / "some.npz"), "--detector", str(detector)]
    done = CliRunner().invoke(app, [*arguments, "--out", str(tmp_path / "out.csv")])
    assert done.exit_code == 1
    assert len(done.output.splitlines()) == 1


def test_nobodys_file_is_written_over(tmp_path, detector):
    np.savez(tmp_path / "some.npz", images=image()[None])
    notes = tmp_path / "notes.csv"
    notes.write_text("mine\n")
    arguments = ["count", str(tmp_path / "some.npz"), "--detector", str(detector)]
    for more in (
        ["--out", str(notes)],
        ["--out", str(tmp_path / "o.csv"), "--objects", str(notes)],
    ):
        assert CliRunner().invoke(app, [*arguments, *more]).exit_code == 1
        assert notes.read_text() == "mine\n"
