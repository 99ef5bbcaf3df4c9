"""Two labels of one object, composed exactly over all pictures of a grid of colours and shapes."""

import numpy as np
import pytest
import torch

from projcomp.diffusion.pixels import encode
from projcomp.errors import ConfigError, FileFormatError
from projcomp.prediction.one_object import OneObject, conditions_of
from projcomp.prediction.places import Division
from projcomp.prediction.predict import Recipe, predict
from projcomp.prediction.run import Asked, run

COLORS = {"red": (255, 0, 0), "green": (0, 255, 0), "blue": (0, 0, 255)}
SHAPES = {"wide": (slice(3, 5), slice(0, 8)), "tall": (slice(0, 8), slice(3, 5))}


def pictures() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Two of every colour and shape, on two grounds."""
    images, colors, shapes = [], [], []
    for ground in (0, 20):
        for color, value in COLORS.items():
            for shape, where in SHAPES.items():
                image = np.full((8, 8, 3), ground, np.uint8)
                image[where] = value
                images.append(image)
                colors.append(color)
                shapes.append(shape)
    return np.stack(images), np.array(colors), np.array(shapes)


IMAGES, FIRST, SECOND = pictures()


def test_independent_labels_of_one_object_compose() -> None:
    conditions, pairs = conditions_of(IMAGES, {"color": FIRST, "shape": SECOND})
    assert len(pairs) == 6
    found = predict(
        conditions, IMAGES, pairs, Recipe(num_samples=16), OneObject(IMAGES, FIRST, SECOND)
    )
    assert (found.table["success"] == 1).all()
    assert (found.table["ceiling"] == 1).all()


def test_a_combination_that_no_picture_shows_does_not_come_out() -> None:
    there = ~((FIRST == "red") & (SECOND == "wide"))
    images, first, second = IMAGES[there], FIRST[there], SECOND[there]
    conditions, _ = conditions_of(images, {"color": first, "shape": second})
    judge = OneObject(images, first, second)
    found = predict(conditions, images, [("red", "wide")], Recipe(num_samples=16), judge)
    row = found.table.iloc[0]
    assert (row.success, row.ceiling) == (0, 0)


def test_a_sample_is_read_by_its_nearest_picture() -> None:
    judge = OneObject(IMAGES, FIRST, SECOND)
    x = encode(torch.from_numpy(IMAGES))
    red = judge.outcomes(x, ("red", "wide"))
    expected = [
        0 if (a, b) == ("red", "wide") else 3 if a == "red" else 4 if b == "wide" else 5
        for a, b in zip(FIRST, SECOND, strict=True)
    ]
    assert red.tolist() == expected
    noise = torch.from_numpy(np.random.default_rng(0).uniform(-1, 1, (2, 3, 8, 8))).float()
    assert judge.outcomes(noise, ("red", "wide")).tolist() == [5, 5]


@pytest.fixture
def stored(tmp_path):
    path = tmp_path / "grid.npz"
    np.savez(path, images=IMAGES, color=FIRST, shape=SECOND, twice=FIRST)
    return path


def test_it_is_written_as_pairs_are(stored, tmp_path) -> None:
    asked = Asked(stored, "color", "all", "red-wide,blue-tall", Division(3, None, 0.1), "shape")
    told = run(asked, Recipe(num_samples=4), tmp_path / "out.csv")
    lines = (tmp_path / "out.csv").read_text().splitlines()
    assert [line.split(",")[:2] for line in lines[1:]] == [["red", "wide"], ["blue", "tall"]]
    assert "both on one object, which pictures show for 100% of pairs" in told[0]


@pytest.mark.parametrize(
    ("background", "pairs", "also", "error", "line"),
    [
        ("red", None, "shape", ConfigError, "--background: all expected beside --with"),
        ("all", "red-flat", "shape", ConfigError, "--pairs: pairs such as red-wide expected"),
        ("all", None, "size", FileFormatError, "a column among"),
        ("all", None, "color", ConfigError, "--with: another column than --by expected"),
        ("all", None, "twice", FileFormatError, "--with: no label in both columns expected"),
    ],
)
def test_what_does_not_fit_is_one_line(
    stored, tmp_path, background, pairs, also, error, line
) -> None:
    asked = Asked(stored, "color", background, pairs, Division(3, None, 0.1), also)
    with pytest.raises(error, match=line):
        run(asked, Recipe(num_samples=4), tmp_path / "out.csv")


def test_a_column_without_a_label_is_one_line() -> None:
    none = np.full(len(IMAGES), "")
    with pytest.raises(FileFormatError, match=r"^--with: .* got none in shape"):
        conditions_of(IMAGES, {"color": FIRST, "shape": none})
