"""The label sets that are shipped: what they are drawn by, and the original's layout."""

from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from projcomp.cli import app
from projcomp.data.label_sets import read_label_sets, shipped_label_sets, write_label_sets
from projcomp.scenes.camera import Camera
from projcomp.scenes.label_sets import RULES, SETS, draw_label_sets
from projcomp.scenes.vocabulary import SIZES


@pytest.mark.parametrize("objects", SETS)
def test_what_is_shipped_is_what_the_streams_draw(objects) -> None:
    for number, count in SETS[objects].items():
        found = shipped_label_sets(objects, number)
        assert found.shape == (count, number, 2)
        assert found.dtype == np.float16
        assert ((found > 0) & (found < 1)).all()
        if number < 7:  # the others take longer
            assert (found[:3] == draw_label_sets(0, objects, number, 3)).all()


def test_sets_for_large_objects_keep_their_distances() -> None:
    rules, radius = RULES["large"], SIZES["large"]
    for places in shipped_label_sets("large", 5)[:100].astype(float):
        ground = Camera().point_on_plane(places, radius)[:, :2]
        assert np.abs(ground).max() <= rules.extent + 0.02  # of half precision
        for first, second in combinations(ground, 2):
            assert np.linalg.norm(first - second) >= 2 * radius + rules.min_distance - 0.02


def test_no_set_is_drawn_twice() -> None:
    found = shipped_label_sets("any", 2)
    assert len(np.unique(found, axis=0)) == len(found)


def test_the_command_writes_the_original_s_layout(tmp_path: Path) -> None:
    path = tmp_path / "labels.npz"
    result = CliRunner().invoke(app, ["labels", "3", "--out", str(path), "--sets", "7"])
    assert result.exit_code == 0, result.output
    shipped = shipped_label_sets("any", 3)[:7].astype(float)
    with np.load(path, allow_pickle=False) as file:
        assert file.files == ["coords_labels"]
        assert file["coords_labels"].shape == (7, 3, 2)
        assert file["coords_labels"].dtype == np.float32
        # x to the right as ours, y up
        assert np.allclose(file["coords_labels"], shipped * [1, -1] + [0, 1])
    assert np.allclose(read_label_sets(path), shipped)
    write_label_sets(path, np.full((2, 1, 2), 0.25))
    assert read_label_sets(path).tolist() == [[[0.25, 0.25]]] * 2


def test_sets_that_are_not_shipped_are_one_line(tmp_path: Path) -> None:
    for arguments, told in {
        ("11",): "expected 1 to 10 places, which are shipped, got 11",
        ("3", "--sets", "5001"): "expected at most 5000, which are shipped, got 5001",
        ("3", "--objects", "large", "--sets", "501"): "expected at most 500",
    }.items():
        result = CliRunner().invoke(app, ["labels", *arguments, "--out", str(tmp_path / "x.npz")])
        assert (result.exit_code, result.output.count("\n")) == (1, 1)
        assert told in result.output
    assert list(tmp_path.iterdir()) == []
