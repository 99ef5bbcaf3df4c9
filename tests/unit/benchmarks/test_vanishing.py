"""Pictures that vanish, for the benchmark of the detector on fresh renders."""

import numpy as np
import pytest
from benchmark_file import benchmark


@pytest.fixture
def held_out():
    pytest.importorskip("bpy")
    return benchmark("detector_held_out")


def test_a_fading_picture_keeps_a_share_of_its_difference_to_the_ground(held_out) -> None:
    images = np.array([[[[0, 100, 200]]], [[[100, 100, 50]]]], np.uint8)
    ground = np.full((1, 1, 3), 100.0)
    assert held_out.faded(images, ground, 0.1).tolist() == [[[[90, 100, 110]]], [[[100, 100, 95]]]]
    assert (held_out.faded(images, ground, 1) == images).all()


def test_a_blur_is_of_the_picture_and_not_of_its_colours_or_of_others(held_out) -> None:
    images = np.zeros((2, 64, 64, 3), np.uint8)
    images[0, :, 32:, 0] = 200
    found = held_out.blurred(images, 2)
    assert (found[1] == 0).all()
    assert (found[0, ..., 1:] == 0).all()
    # 4 of 64 pixels: a normal distribution across the edge, which lies between two pixels
    red = found[0, 10, :, 0].astype(float)
    assert red[31] + red[32] == pytest.approx(200, abs=1)
    assert red[36] == pytest.approx(200 * 0.8697, abs=1.5)
    assert red[63] == 200
