"""Anybody's samples against label sets of Composable Diffusion's layout, made here."""

import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from typer.testing import CliRunner

from projcomp.cli import app
from projcomp.evaluation.detector import Detector, save_detector
from projcomp.evaluation.grid import ATTRIBUTES
from projcomp.evaluation.heatmaps import Detections

SIDE = 16
PLACES = np.array([[[0.2, 0.3], [0.7, 0.8]], [[0.5, 0.5], [0.9, 0.2]], [[0.1, 0.9], [0.6, 0.4]]])
"""Two places of each of three images, y down."""

FOUND = [
    [[0.2, 0.3], [0.7, 0.8]],  # both, and nothing else
    [[0.5, 0.52], [0.9, 0.2], [0.3, 0.7]],  # both, and one more
    [[0.1, 0.9], [0.9, 0.9]],  # one, and one elsewhere
]
SHARES = [1, 1, 0.5]

OWN_THRESHOLD = 0.35
"""The detector's."""

Run = Callable[..., tuple[int, str]]


@pytest.fixture
def asked() -> list[float]:
    """The thresholds that peaks were held to."""
    return []


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: list[float]) -> Run:
    """The command, with a detector that finds in image i what FOUND says, whatever it looks like.

    An image's number is the red of its pixels.
    """
    learned = {
        "images": 2,
        "objects": [1, 2],
        "attributes": {name: [] for name in ATTRIBUTES},
        "mean_color": [[0, 0, 0], [255, 255, 255]],
    }
    settings = {"detector": {"threshold": OWN_THRESHOLD}}
    save_detector(tmp_path / "detector", Detector(4, SIDE), settings, 4, learned)

    def detect(_: object, images: np.ndarray, threshold: float) -> list[Detections]:
        asked.append(threshold)
        assert images.shape[1:] == (SIDE, SIDE, 3)
        found = [np.array(FOUND[i]) for i in images[:, 0, 0, 0]]
        return [
            Detections(xy, np.ones(len(xy)), np.zeros(len(xy), int), unsure=i == len(FOUND) - 1)
            for i, xy in zip(images[:, 0, 0, 0], found, strict=True)
        ]

    monkeypatch.setattr("projcomp.evaluation.judge_labels.detect", detect)

    def invoke(*arguments: object) -> tuple[int, str]:
        given = [*arguments, "--detector", tmp_path / "detector", "--out", tmp_path / "out.csv"]
        result = CliRunner().invoke(app, ["evaluate", *map(str, given)])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result.exit_code, result.output

    return invoke


def pictures(folder: Path, count: int = 3, side: int = SIDE) -> Path:
    folder.mkdir()
    for number in range(count):
        image = np.full((side, side, 3), number, np.uint8)
        image[-1] = 200
        Image.fromarray(image).save(folder / f"sample_{number}.png")
    return folder


def labels(path: Path, places: np.ndarray = PLACES, **more: np.ndarray) -> Path:
    """A file as the original's: y goes up."""
    np.savez(path, coords_labels=places * [1, -1] + [0, 1], **more)
    return path


def test_places_and_counts_are_judged_by_number_composed(run: Run, tmp_path: Path) -> None:
    both = labels(tmp_path / "two.npz")
    # the layout of their training set: one place an image, and the images beside it
    one = labels(tmp_path / "one.npz", PLACES[:, 0], ims=np.zeros((3, 8, 8, 3), np.uint8))
    folder = pictures(tmp_path / "samples")
    code, told = run(folder, folder, "--labels", both, "--labels", one)
    assert code == 0, told
    two, single = pd.read_csv(tmp_path / "out.csv").to_dict("records")
    assert (two["num_composed"], two["images"]) == (2, 3)
    assert two["places_hit"] == pytest.approx(np.mean(SHARES), rel=1e-5)
    assert two["all_places"] == pytest.approx(2 / 3, rel=1e-5)
    assert two["exact_count"] == pytest.approx(2 / 3, rel=1e-5)
    assert two["success"] == pytest.approx(1 / 3, rel=1e-5)
    assert two["extra_objects"] == pytest.approx(2 / 3, rel=1e-5)
    assert two["all_places_low"] < two["all_places"] < two["all_places_high"]
    assert two["places_hit_low"] >= 0.5
    # the detector doubts the last one
    assert two["unsure"] == pytest.approx(1 / 3, rel=1e-5)
    assert two["unsure_low"] < two["unsure"] < two["unsure_high"]
    # none of these images holds what the next one was asked for
    assert (two["places_hit_chance"], two["all_places_chance"]) == (0, 0)
    assert (single["num_composed"], single["all_places"], single["exact_count"]) == (1, 1, 0)
    first, second = told.strip().splitlines()
    assert first.startswith("k = 2, 3 images: places hit 83.3 % [")
    assert "exact count 66.7 % [" in first
    assert "; unsure 33.3 % [" in first
    assert second.startswith("k = 1, 3 images: ")


def test_images_that_the_detector_is_not_made_for_are_said(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "detector" / "detector.json"
    described = json.loads(path.read_text())
    described["learned_from"]["mean_color"] = [[100, 0, 0], [255, 255, 255]]
    path.write_text(json.dumps(described))
    code, told = run(pictures(tmp_path / "samples"), "--labels", labels(tmp_path / "two.npz"))
    assert code == 0, told
    assert "3 of them have mean colours that the detector has not seen, which learned from" in told


def test_chance_is_the_next_image_s_labels(run: Run, tmp_path: Path) -> None:
    turned = labels(tmp_path / "turned.npz", np.roll(PLACES, 1, 0))
    code, told = run(pictures(tmp_path / "samples"), "--labels", turned)
    assert code == 0, told
    (row,) = pd.read_csv(tmp_path / "out.csv").to_dict("records")
    assert row["places_hit"] == 0
    assert row["places_hit_chance"] == pytest.approx(np.mean(SHARES), rel=1e-5)


def test_peaks_are_as_high_as_the_detector_says_or_the_command(
    run: Run, tmp_path: Path, asked: list[float]
) -> None:
    folder, path = pictures(tmp_path / "samples"), labels(tmp_path / "two.npz")
    for flags in ((), ("--threshold", 0.6)):
        assert run(folder, "--labels", path, *flags)[0] == 0
    assert asked == [OWN_THRESHOLD, 0.6]


def test_labels_whose_y_goes_down_are_told(run: Run, tmp_path: Path) -> None:
    folder = pictures(tmp_path / "samples")
    path = tmp_path / "down.npz"
    np.savez(path, coords_labels=PLACES.astype(np.float32))
    shares = []
    for flags in ((), ("--y-down",)):
        assert run(folder, "--labels", path, *flags)[0] == 0
        shares.append(pd.read_csv(tmp_path / "out.csv")["all_places"][0])
    assert shares == [0, pytest.approx(2 / 3, rel=1e-5)]


@pytest.mark.parametrize(
    ("arrays", "told"),
    [
        ({"labels": PLACES}, "an array coords_labels expected, got labels: `projcomp labels`"),
        ({"coords_labels": PLACES[:2]}, "one image for each of 2 rows of labels expected, got 3"),
        ({"coords_labels": PLACES[..., :1]}, "the shape (N, k, 2) or (N, 2) expected in"),
        ({"coords_labels": PLACES[:0]}, "the shape (N, k, 2) or (N, 2) expected in"),
        ({"coords_labels": 128 * PLACES}, "shares of the image side in [0, 1] expected in"),
        ({"coords_labels": PLACES - 1}, "got numbers from -0.9 to -0.1"),
        ({"coords_labels": 2 * PLACES - 1}, "take (c + 1) / 2 of what goes from -1 to 1"),
        ({"coords_labels": np.full((3, 2, 2), 1 + 1e-8)}, "numbers from 1.00000001 to 1.00000001"),
        ({"coords_labels": PLACES * [np.inf, 1]}, "got some infinite"),
        ({"coords_labels": PLACES * [np.nan, 1]}, "got some that are no numbers (NaN): leave rows"),
        ({"coords_labels": PLACES * np.nan}, "got some that are no numbers (NaN): leave rows"),
        ({"coords_labels": PLACES.astype(str)}, "numbers expected in coords_labels, got <U"),
        ({"coords_labels": PLACES.astype(object)}, "Python objects, which are never unpickled"),
    ],
)
def test_labels_that_do_not_fit_are_one_line(run: Run, tmp_path: Path, arrays, told: str) -> None:
    np.savez(tmp_path / "labels.npz", **arrays)
    code, output = run(pictures(tmp_path / "samples"), "--labels", tmp_path / "labels.npz")
    assert (code, output.count("\n")) == (1, 1)
    assert output.startswith("error: ")
    assert told in output
    assert not (tmp_path / "out.csv").exists()


def test_pictures_that_are_nearly_black_throughout_are_one_line(run: Run, tmp_path: Path) -> None:
    (tmp_path / "dark").mkdir()
    for number in range(3):
        image = np.full((SIDE, SIDE, 3), number == 1, np.uint8)
        Image.fromarray(image).save(tmp_path / "dark" / f"{number}.png")
    code, output = run(tmp_path / "dark", "--labels", labels(tmp_path / "labels.npz"))
    assert (code, output.splitlines()[-1].endswith("none above 1: multiply them by 255")) == (1, 1)
    assert not (tmp_path / "out.csv").exists()


def test_one_image_is_told_as_one(run: Run, tmp_path: Path) -> None:
    path = labels(tmp_path / "labels.npz", PLACES[:1])
    code, output = run(pictures(tmp_path / "samples", 1), "--labels", path)
    assert (code, output.startswith("k = 2, 1 image: ")) == (0, True), output


def test_images_and_flags_that_do_not_fit_are_one_line(run: Run, tmp_path: Path) -> None:
    path, folder = labels(tmp_path / "labels.npz"), pictures(tmp_path / "samples")
    large = pictures(tmp_path / "large", side=32)
    (tmp_path / "notes.npz").write_text("notes")
    (tmp_path / "cut.npz").write_bytes(path.read_bytes()[:-30])
    np.save(tmp_path / "one.npy", PLACES)
    with zipfile.ZipFile(tmp_path / "odd.npz", "w") as file:
        file.writestr("coords_labels.npy", "no format of numpy's")
    wrong = {
        ("--labels", path, large): "16 x 16 pixels expected, as the detector was trained on",
        ("--labels", path, folder, folder): "one file for each of 2 sets of images expected, got 1",
        ("--labels", path, "--settings", "{}", folder): "--settings or --labels, got both",
        (folder,): "expected --settings or --labels, got neither",
        ("--labels", tmp_path / "notes.npz", folder): "label sets (.npz) expected, got a text",
        ("--labels", tmp_path / "one.npy", folder): "label sets (.npz) expected, got ",
        ("--labels", tmp_path / "cut.npz", folder): "a whole .npz file expected, got a damaged",
        ("--labels", tmp_path / "odd.npz", folder): "an array of numpy's expected in coords_labels",
        ("--labels", tmp_path / "none.npz", folder): "label sets (.npz) expected, got no file",
    }
    for arguments, told in wrong.items():
        code, output = run(*arguments)
        assert (code, output.count("\n")) == (1, 1), output
        assert told in output
    assert not (tmp_path / "out.csv").exists()
