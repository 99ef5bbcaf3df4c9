import numpy as np
import pytest

from projcomp.evaluation.check import check_detections, reliability
from projcomp.evaluation.heatmaps import Detections
from projcomp.evaluation.intervals import wilson
from projcomp.evaluation.labelled import LabelledImages


def truth(numbers, pixel, color):
    number, pixel = np.array(numbers), np.array(pixel, np.float32)
    images = np.zeros((len(number), 16, 16, 3), np.uint8)
    attributes = np.zeros((*pixel.shape[:2], 4), int)
    attributes[..., 0] = color
    return LabelledImages(images, images[..., 0], number, pixel, attributes)


def found(points, colors, shapes=None, score=1.0, unsure=False):
    xy = np.array(points, dtype=float).reshape(-1, 2)
    none = np.zeros(len(xy), int)
    shape = none if shapes is None else np.array(shapes)
    color = np.array(colors, dtype=int)
    return Detections(xy, np.full(len(xy), score), color, shape, none, none, unsure=unsure)


def test_rows_by_hand():
    places = [[[0.2, 0.2], [0.8, 0.8]]] * 4
    table = check_detections(
        [
            found([], []),  # right
            found([[0.23, 0.24], [0.8, 0.8]], [1, 3]),  # right; one colour wrong; .05 off
            found([[0.2, 0.2], [0.5, 0.5]], [1, 1], [2, 0]),  # right number, one object elsewhere
            found([[0.2, 0.2], [0.5, 0.5]], [1, 1], score=0.8, unsure=True),  # one too many
        ],
        truth([0, 2, 2, 1], places, [[1, 2]] * 4),
    ).set_index("num_objects")
    assert list(table.index) == ["0", "1", "2", "1-5", "1-9", "6-10", "11-12", "all"]
    assert table["images"].to_list() == [1, 1, 2, 3, 3, 0, 0, 4]
    table = table.drop(["1-9", "6-10", "11-12"])
    assert table["exact_count"].to_list() == pytest.approx([1, 0, 1, 2 / 3, 3 / 4])
    assert table["one_more"].to_list() == pytest.approx([0, 1, 0, 1 / 3, 1 / 4])
    assert table["one_less"].to_list() == [0] * 5
    assert table["all_found"].to_list() == pytest.approx([1, 1, 1 / 2, 2 / 3, 3 / 4])
    assert table["some_false"].to_list() == pytest.approx([0, 1, 1 / 2, 2 / 3, 1 / 2])
    assert table["false_objects"].to_list() == pytest.approx([0, 1, 1 / 2, 2 / 3, 1 / 2])
    assert table["unsure"].to_list() == pytest.approx([0, 1, 0, 1 / 3, 1 / 4])
    assert table["score"].to_list()[1:] == pytest.approx([0.8, 1, 5.6 / 6, 5.6 / 6])
    assert table.loc["all", ["exact_count_low", "exact_count_high"]].to_list() == pytest.approx(
        list(wilson(3, 4, 0.95))
    )
    assert table["count_error"].to_list() == pytest.approx([0, 1, 0, 1 / 3, 1 / 4])
    two = table.loc["2"]
    assert two["recall"] == pytest.approx(3 / 4)
    assert two["precision"] == pytest.approx(3 / 4)
    assert two["localization_error"] == pytest.approx(0.05 / 3, rel=1e-5)
    assert two["pixel_error"] == pytest.approx(16 * 0.05 / 3, rel=1e-5)
    assert two["color_accuracy"] == pytest.approx(2 / 3)
    assert two["shape_accuracy"] == pytest.approx(2 / 3)
    assert (two["material_accuracy"], two["size_accuracy"]) == (1, 1)
    assert table.loc["1-5", "recall"] == pytest.approx(4 / 5)
    assert table.loc["1-5", "precision"] == pytest.approx(4 / 6)
    assert np.isnan(table.loc["0", "recall"])
    assert np.isnan(table.loc["0", "precision"])


def test_unused_rows_do_not_count():
    table = check_detections(
        [found([[0.8, 0.8]], [2])], truth([1], [[[0.2, 0.2], [0.8, 0.8]]], [[1, 2]])
    )
    assert table["recall"].to_list()[:2] == [0, 0]


def test_ranges_without_images_are_empty_not_wrong():
    table = check_detections([found([], [])], truth([0], [[[0, 0]]], [[0]])).set_index(
        "num_objects"
    )
    assert table.loc["1-5", "images"] == 0
    assert np.isnan(table.loc["1-5", "exact_count"])
    assert (table.loc["1-5", "exact_count_low"], table.loc["1-5", "exact_count_high"]) == (0, 1)


def test_disturbed_renders_have_a_row_each():
    known = truth([1, 0], [[[0.2, 0.2]]] * 2, [[1]] * 2)
    sure, unsure = found([[0.2, 0.2]], [1]), found([], [], unsure=True)
    ghosts = {"ghost": ([unsure], known[:1]), "none": ([], known[:0])}
    table = check_detections([sure, found([], [])], known, ghosts).set_index("num_objects")
    assert list(table.index) == ["0", "1", "1-5", "1-9", "6-10", "11-12", "all", "ghost", "none"]
    assert table.loc[["all", "ghost"], "unsure"].to_list() == [0, 1]
    assert table.loc[["all", "ghost"], "exact_count"].to_list() == [1, 0]
    assert table.loc["none", "images"] == 0


def test_reliability_by_hand():
    known = truth([1, 1], [[[0.2, 0.2]]] * 2, [[1]] * 2)
    peaks = found([[0.2, 0.2], [0.8, 0.8], [0.5, 0.9]], [1, 1, 1])
    table = reliability(
        [
            peaks._replace(score=np.array([0.95, 0.92, 0.31])),
            found([[0.2, 0.2]], [1], score=1.0),
        ],
        known,
    )
    assert table["peaks"].to_list() == [0, 0, 0, 1, 0, 0, 0, 0, 0, 3, 4]
    assert table["precision"].iloc[[3, 9, 10]].to_list() == pytest.approx([0, 2 / 3, 1 / 2])
    assert table["height"].iloc[9] == pytest.approx((0.95 + 0.92 + 1) / 3)
    gap = 0.31 + abs(0.95 + 0.92 + 1 - 2)
    assert table["calibration_error"].iloc[-1] == pytest.approx(gap / 4)
    assert table["calibration_error"].iloc[:-1].isna().all()


def test_no_peaks_have_no_reliability():
    table = reliability([found([], [])], truth([0], [[[0, 0]]], [[0]]))
    assert table["peaks"].sum() == 0
    assert table["precision"].isna().all()
