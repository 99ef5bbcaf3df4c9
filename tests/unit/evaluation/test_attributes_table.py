"""Requested attributes against found ones, on pictures whose objects are known."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from projcomp.conditions.table import of_detections
from projcomp.data.images import write_samples
from projcomp.evaluation.detector import Detector, save_detector
from projcomp.evaluation.heatmaps import Detections
from projcomp.evaluation.make_table import make_table
from projcomp.evaluation.tables import attributes
from projcomp.evaluation.tables.attributes import NONE, found_value
from projcomp.folder import Folder
from projcomp.scenes.vocabulary import COLORS, SHAPES
from projcomp.settings.case import Case, Wanted
from projcomp.settings.report import TableSettings

SIDE = 16


def detected(*described: str) -> Detections:
    """Objects told as "red cube", the surest first, from left to right."""
    words = [one.split() for one in described]
    count = len(words)
    return Detections(
        np.linspace([0.1, 0.5], [0.9, 0.5], count).reshape(count, 2),
        np.linspace(0.9, 0.5, count),
        np.array([list(COLORS).index(color) for color, _ in words], int),
        np.array([SHAPES.index(shape) for _, shape in words], int),
        np.zeros(count, int),
        np.zeros(count, int),
    )


RED_CUBE = Wanted(told={"color": "red", "shape": "cube"})
NOT_METAL = Wanted(told={"color": "red"}, avoided={"shape": "sphere"})
PLACED = Wanted(told={"position": (0.1, 0.5), "color": "red"})


@pytest.mark.parametrize(
    ("wanted", "kind", "shown", "expected"),
    [
        (RED_CUBE, "color", ["red cube"], "red"),
        (RED_CUBE, "color", ["red sphere", "blue cube"], "blue"),
        (RED_CUBE, "shape", ["red sphere", "blue cube"], "sphere"),
        (RED_CUBE, "color", ["gray cube", "red cube"], "red"),  # not the surest
        (RED_CUBE, "color", ["gray cube", "blue cube"], "gray"),
        (RED_CUBE, "color", ["red sphere"], NONE),
        (RED_CUBE, "shape", [], NONE),
        (NOT_METAL, "color", ["red sphere", "blue cube"], "blue"),
        (PLACED, "color", ["blue cube", "red cube"], "blue"),
    ],
)
def test_what_stands_in_the_place_of_a_value(wanted, kind, shown, expected):
    assert found_value(of_detections(detected(*shown)), wanted, kind, 0.09) == expected


def test_the_confusion_of_an_experiment_and_of_the_truth(tmp_path: Path, monkeypatch) -> None:
    """The red channel of an image says which of the pictures it is."""
    known = [
        detected("red cube", "blue sphere"),
        detected("blue cube", "red sphere"),
        detected("red cube"),
    ]
    two = [RED_CUBE, Wanted(told={"color": "blue", "shape": "sphere"})]
    folder = Folder(str(tmp_path))
    for name, numbers in {"D": [0, 1, 2], "truth": [0, 0]}.items():
        images = np.zeros((len(numbers), SIDE, SIDE, 3), np.uint8)
        images[:, :, :, 0] = np.array(numbers)[:, None, None]
        attrs = {} if name == "truth" else {"experiment": name}
        write_samples(folder.samples(name, "two"), images, Case(name="two", asked=two), attrs)
    save_detector(tmp_path / "models" / "detector", Detector(channels=4, resolution=SIDE), {}, 4)

    def detect(_: object, images: np.ndarray, threshold: float) -> list[Detections]:
        assert threshold == 0.3
        return [known[number] for number in images[:, 0, 0, 0]]

    monkeypatch.setattr(attributes, "detect", detect)
    settings = TableSettings(
        format=1,
        name="attributes_D",
        kind="attributes",
        seed=0,
        confidence=0.95,
        bootstrap=10,
        cases={"D": ["two"], "truth": ["two"]},
        asked={"two": two},
        radius=0.09,
        threshold=0.3,
    )
    make_table("attributes_D", settings, tmp_path, tmp_path / "results" / "attributes_D.csv")
    table = pd.read_csv(tmp_path / "results" / "attributes_D.csv")
    assert list(table.columns) == attributes.COLUMNS
    seen = table[table["objects"] > 0].set_index(["experiment", "kind", "requested", "found"])
    assert seen["objects"].to_dict() == {
        ("D", "color", "red", "red"): 2,
        ("D", "color", "red", "blue"): 1,
        ("D", "color", "blue", "blue"): 1,
        ("D", "color", "blue", "red"): 1,
        ("D", "color", "blue", NONE): 1,
        ("D", "shape", "cube", "cube"): 2,
        ("D", "shape", "cube", "sphere"): 1,
        ("D", "shape", "sphere", "sphere"): 1,
        ("D", "shape", "sphere", "cube"): 1,
        ("D", "shape", "sphere", NONE): 1,
        ("truth", "color", "red", "red"): 2,
        ("truth", "color", "blue", "blue"): 2,
        ("truth", "shape", "cube", "cube"): 2,
        ("truth", "shape", "sphere", "sphere"): 2,
    }
    assert (table["num_requests"] == table["experiment"].map({"D": 3, "truth": 2})).all()
    assert seen.loc[("D", "color", "red", "red"), "share"] == pytest.approx(2 / 3, rel=1e-5)
