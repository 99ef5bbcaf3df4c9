import numpy as np
import pytest

from projcomp.evaluation.check import check_detections
from projcomp.evaluation.heatmaps import Detections
from projcomp.evaluation.intervals import wilson
from projcomp.evaluation.labelled import LabelledImages


def truth(numbers, pixel, color):
    number = np.array(numbers)
    images = np.zeros((len(number), 16, 16, 3), np.uint8)
    return LabelledImages(images, number, np.array(pixel, np.float32), np.array(color))


def found(points, colors):
    xy = np.array(points, dtype=float).reshape(-1, 2)
    return Detections(xy, np.ones(len(xy)), np.array(colors, dtype=int))


def test_rows_by_hand():
    places = [[[0.2, 0.2], [0.8, 0.8]]] * 4
    table = check_detections(
        [
            found([], []),  # right
            found([[0.23, 0.24], [0.8, 0.8]], [1, 3]),  # right; one colour wrong; .05 off
            found([[0.2, 0.2], [0.5, 0.5]], [1, 1]),  # right number, one object elsewhere
            found([[0.2, 0.2], [0.5, 0.5]], [1, 1]),  # one too many
        ],
        truth([0, 2, 2, 1], places, [[1, 2]] * 4),
    ).set_index("num_objects")
    assert list(table.index) == ["0", "1", "2", "1-5", "all"]
    assert table["images"].to_list() == [1, 1, 2, 3, 4]
    assert table["exact_count"].to_list() == pytest.approx([1, 0, 1, 2 / 3, 3 / 4])
    assert table.loc["all", ["exact_count_low", "exact_count_high"]].to_list() == pytest.approx(
        list(wilson(3, 4, 0.95))
    )
    assert table["count_error"].to_list() == pytest.approx([0, 1, 0, 1 / 3, 1 / 4])
    two = table.loc["2"]
    assert two["recall"] == pytest.approx(3 / 4)
    assert two["precision"] == pytest.approx(3 / 4)
    assert two["localization_error"] == pytest.approx(0.05 / 3, rel=1e-5)
    assert two["color_accuracy"] == pytest.approx(2 / 3)
    assert table.loc["1-5", "recall"] == pytest.approx(4 / 5)
    assert table.loc["1-5", "precision"] == pytest.approx(4 / 6)
    assert np.isnan(table.loc["0", "recall"])
    assert np.isnan(table.loc["0", "precision"])


def test_unused_rows_do_not_count():
    table = check_detections(
        [found([[0.8, 0.8]], [2])], truth([1], [[[0.2, 0.2], [0.8, 0.8]]], [[1, 2]])
    )
    assert table["recall"].to_list() == [0, 0, 0]


def test_ranges_without_images_are_empty_not_wrong():
    table = check_detections([found([], [])], truth([0], [[[0, 0]]], [[0]])).set_index(
        "num_objects"
    )
    assert table.loc["1-5", "images"] == 0
    assert np.isnan(table.loc["1-5", "exact_count"])
    assert (table.loc["1-5", "exact_count_low"], table.loc["1-5", "exact_count_high"]) == (0, 1)
