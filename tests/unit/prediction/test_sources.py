"""What can be predicted from, and the one line of what cannot."""

import os
from itertools import permutations
from pathlib import Path

import h5py
import numpy as np
import pytest
from PIL import Image
from toy_dataset import write_singles, write_toy
from toy_squares import labelled_squares, square_pictures, write_squares

from projcomp.errors import ConfigError, FileFormatError
from projcomp.prediction.places import Division, parse_places
from projcomp.prediction.sources import (
    Labelled,
    choose_pairs,
    read_labelled,
    read_pictures,
    split_background,
)

DIVISION = Division()


def read(path: Path, by: str = "color"):
    return read_labelled(path, by, DIVISION)


def same(found, wanted) -> bool:
    return set(found) == set(wanted) and all(np.array_equal(found[n], wanted[n]) for n in wanted)


def test_arrays_of_every_kind_give_the_same_pictures(tmp_path: Path) -> None:
    arrays, wanted = labelled_squares(), square_pictures()
    assert same(read(write_squares(tmp_path)).images, wanted)
    np.savez_compressed(tmp_path / "f.npz", images=arrays["images"] / 255, color=arrays["color"])
    assert same(read(tmp_path / "f.npz").images, wanted)
    with h5py.File(tmp_path / "s.h5", "w") as file:
        file["images"] = (arrays["images"] / 255).astype(np.float32)
        file["color"] = [name.encode() for name in arrays["color"].tolist()]
        kinds = {name: number for number, name in enumerate(wanted)}
        numbers = [kinds[name] for name in arrays["color"].tolist()]
        file.create_dataset("kind", data=numbers, dtype=h5py.enum_dtype(kinds, "u1"))
    assert same(read(tmp_path / "s.h5").images, wanted)
    assert same(read(tmp_path / "s.h5", "kind").images, wanted)
    for name, images in wanted.items():
        (tmp_path / "folder" / name).mkdir(parents=True)
        for number, image in enumerate(images):
            Image.fromarray(image).save(tmp_path / "folder" / name / f"{number}.png")
    assert same(read(tmp_path / "folder").images, wanted)


def test_gray_images_become_rgb_and_numbers_are_labels_in_their_order(tmp_path: Path) -> None:
    gray = np.arange(12 * 16, dtype=np.uint8).reshape(12, 4, 4)
    digit = np.repeat([10, 9, 2], 4)
    np.savez(tmp_path / "gray.npz", images=gray, digit=digit, half=digit / 4)
    found = read(tmp_path / "gray.npz", "digit").images
    assert list(found) == ["2", "9", "10"]
    assert np.array_equal(found["10"], gray[:4, :, :, None].repeat(3, 3))
    assert set(read(tmp_path / "gray.npz", "half").images) == {"0.5", "2.25", "2.5"}


def test_our_datasets_are_read_by_attribute_and_by_place(tmp_path: Path) -> None:
    path, scenes = write_singles(tmp_path)
    for by in ("color", "shape", "material", "size"):
        wanted: dict[str, list] = {}
        for scene, picture in scenes:
            wanted.setdefault(getattr(scene.objects[0], by), []).append(picture.image)
        assert same(read(path, by).images, wanted)
    points = np.array([scene.objects[0].pixel for scene, _ in scenes])
    cells = read_labelled(path, "position", Division(cells=2)).images
    assert sum(map(len, cells.values())) == len(scenes)
    left_top = ((points < 0.5).all(1)).sum()
    assert len(cells.get("r1c1", [])) == left_top
    near = Division(places=points[[3, 0]], bandwidth=1e-9)
    places = read_labelled(path, "position", near).images
    assert same(places, {"p1": [scenes[3][1].image], "p2": [scenes[0][1].image]})


def test_cells_are_named_by_row_and_column_and_hold_their_borders() -> None:
    points = np.array([[0, 0], [0.99, 0.1], [1, 1], [0.5, 0.4]])
    assert Division(3).labels(points).tolist() == ["r1c1", "r1c3", "r3c3", "r2c2"]


def test_places_are_points_or_the_projects_nine() -> None:
    assert parse_places(None) is None
    assert np.array_equal(parse_places("0.2,0.3;0.5,1"), [[0.2, 0.3], [0.5, 1]])
    assert np.shape(parse_places("default")) == (9, 2)
    for text in ("", "1", "0.1,2", "a,b", "0.1,0.2,0.3", "nan,0"):
        with pytest.raises(ConfigError, match=r"^--places: points in \[0, 1\]"):
            parse_places(text)


def test_a_background_is_a_label_or_a_file(tmp_path: Path) -> None:
    source, none = read(write_squares(tmp_path)), square_pictures()["none"]
    rest, background = split_background(source, "none")
    assert np.array_equal(background, none)
    assert list(rest.images) == ["blue", "green", "red", "yellow"]
    np.savez(tmp_path / "b.npz", images=none)
    with h5py.File(tmp_path / "b.h5", "w") as file:
        file["images"] = none
    Image.fromarray(none[0]).save(tmp_path / "b.png")
    write_toy(tmp_path)  # a dataset of ours, of the same size
    for name in ("b.npz", "b.h5", "b.png", "toy.h5"):
        rest, background = split_background(source, str(tmp_path / name))
        assert len(rest.images) == 5
        assert background.shape[1:] == (8, 8, 3)


@pytest.mark.parametrize(
    ("background", "told"),
    [
        (
            "nosuch",
            "--background: a label among blue, green, none, red, yellow or a file of images",
        ),
        ("{}/small.npz", "8 x 8 pixels expected, as in .*squares.npz, got 4 x 4"),
        ("{}/text.csv", "got a text file"),
    ],
)
def test_what_is_no_background_is_one_line(tmp_path: Path, background: str, told: str) -> None:
    source = read(write_squares(tmp_path))
    np.savez(tmp_path / "small.npz", images=np.zeros((2, 4, 4), np.uint8))
    (tmp_path / "text.csv").write_text("a,b\n")
    with pytest.raises(FileFormatError, match=told):
        split_background(source, background.format(tmp_path))


def test_one_condition_beside_the_background_is_too_few(tmp_path: Path) -> None:
    arrays = labelled_squares()
    keep = np.isin(arrays["color"], ["red", "none"])
    np.savez(tmp_path / "two.npz", **{name: values[keep] for name, values in arrays.items()})
    with pytest.raises(FileFormatError, match=r"at least two conditions .* expected, got red:"):
        split_background(read(tmp_path / "two.npz"), "none")


IMAGES = labelled_squares()["images"]
LABELS = labelled_squares()["color"]


@pytest.mark.parametrize(
    ("arrays", "told"),
    [
        ({"color": LABELS}, "an array images expected, got color"),
        ({"images": IMAGES}, "a column of labels beside images expected, got 'color'"),
        ({"images": IMAGES, "shade": LABELS}, "a column among shade expected, got 'color'"),
        ({"images": IMAGES, "color": LABELS[1:]}, "a label for each of 18 images .* got 17"),
        ({"images": IMAGES, "color": LABELS[:, None]}, r"one label an image, \(18,\) expected"),
        ({"images": IMAGES, "color": LABELS.astype(object)}, "got Python objects"),
        ({"images": IMAGES, "color": np.full(18, np.nan)}, "numbers that are not finite"),
        ({"images": IMAGES, "color": np.zeros(18, complex)}, "numbers or texts expected in color"),
        ({"images": IMAGES / 1.0, "color": LABELS}, "numbers from 0 to 255: divide them by 255"),
        ({"images": IMAGES / 200, "color": LABELS}, "from 0 to 1.275: scale or clip them into"),
        (
            {"images": IMAGES / 255 * np.float32(1.0000001), "color": LABELS},
            r"numbers from 0 to 1\.000000\d+: scale or clip them into",
        ),
        (
            {"images": IMAGES / 255 - 1e-9, "color": LABELS},
            "numbers from -1e-09 to 1: scale or clip",
        ),
        ({"images": np.where(IMAGES > 0, np.inf, 0), "color": LABELS}, "got some infinite: mend"),
        ({"images": IMAGES[0], "color": LABELS}, r"one picture has: store it as images\[None\]"),
        ({"images": IMAGES, "color": np.array([b"caf\xe9"] * 18)}, "texts in UTF-8 expected in c"),
        ({"images": IMAGES - 1.0, "color": LABELS}, "numbers from -1 to 254: scale or clip them"),
        ({"images": IMAGES * np.nan, "color": LABELS}, r"no numbers \(NaN\)"),
        ({"images": IMAGES.astype(int), "color": LABELS}, r"got int64 \(18, 8, 8, 3\)"),
        ({"images": IMAGES // 255, "color": LABELS}, "none above 1: multiply them by 255"),
        ({"images": IMAGES.transpose(0, 3, 1, 2), "color": LABELS}, "move the channels last"),
        ({"images": IMAGES[:, 0, 0], "color": LABELS}, r"shape \(18, 3\): reshape them"),
        ({"images": IMAGES[:0], "color": LABELS[:0]}, "got none"),
    ],
)
def test_arrays_that_do_not_fit_are_one_line(tmp_path: Path, arrays, told: str) -> None:
    np.savez(tmp_path / "a.npz", **arrays)
    with pytest.raises(FileFormatError, match=told) as error:
        read(tmp_path / "a.npz")
    assert str(error.value).startswith(f"{tmp_path / 'a.npz'}: ")
    assert "\n" not in str(error.value)


def test_files_that_are_damaged_or_of_another_kind_are_named(tmp_path: Path) -> None:
    whole = write_squares(tmp_path).read_bytes()
    for name, data, told in (
        ("cut.npz", whole[: len(whole) // 2], "a whole .npz file expected, got a damaged zip file"),
        (
            "bad.npz",
            whole[:300] + b"\xff" * 60 + whole[360:],
            "a whole .npz file expected, got a damaged",
        ),
        ("text.npz", b"images,color\n", "got a text file"),
        ("empty.npz", b"", "got an empty file"),
    ):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(FileFormatError, match=told):
            read(tmp_path / name)
    np.save(tmp_path / "one.npy", IMAGES)
    with pytest.raises(FileFormatError, match="got a numpy file: store it with its labels"):
        read(tmp_path / "one.npy")
    with pytest.raises(FileFormatError, match="got no file: check its name"):
        read(tmp_path / "nosuch.npz")
    with pytest.raises(FileFormatError, match="one object an image expected, got one with"):
        read(write_toy(tmp_path))
    with pytest.raises(FileFormatError, match="a column among position, shape, color, material"):
        read(write_singles(tmp_path)[0], "colour")


def test_texts_that_differ_in_bytes_are_never_one_label(tmp_path: Path) -> None:
    words = ["caf\u00e9", "caf\u00e8", "th\u00e9"] * 6
    for encoding, told in (("utf-8", None), ("latin-1", "got others (in Latin-1, perhaps)")):
        column = np.array([word.encode(encoding) for word in words])
        np.savez(tmp_path / "a.npz", images=IMAGES, color=column)
        with h5py.File(tmp_path / "a.h5", "w") as file:
            file["images"], file["color"] = IMAGES, column
        for path in (tmp_path / "a.npz", tmp_path / "a.h5"):
            if told is None:
                assert set(read(path).images) == set(words)
                continue
            with pytest.raises(FileFormatError) as error:
                read(path)
            assert f"texts in UTF-8 expected in color, {told}: decode them" in str(error.value)


def test_a_folder_whose_name_is_no_utf_8_is_to_be_renamed(tmp_path: Path) -> None:
    for name in (b"caf\xe9", b"the"):
        folder = tmp_path / os.fsdecode(name)
        folder.mkdir()
        Image.fromarray(IMAGES[0]).save(folder / "1.png")
    with pytest.raises(FileFormatError, match=r"texts in UTF-8 expected in label.*: rename them"):
        read(tmp_path)


@pytest.mark.parametrize(
    ("points", "told"),
    [
        (
            np.ones((18, 2), int),
            r"points as floats \(18, 2\) .* got int64 .*: store them as floats",
        ),
        (np.linspace(-1, 1, 36).reshape(18, 2), r"got numbers from -1 to 1: .* \(c \+ 1\) / 2"),
        (np.full((18, 2), 1 + 1e-9), r"got numbers from 1\.000000001 to 1\.000000001: "),
    ],
)
def test_positions_that_are_no_shares_of_the_side_say_how_to_mend_them(
    tmp_path: Path, points, told: str
) -> None:
    np.savez(tmp_path / "a.npz", images=IMAGES, position=points)
    with pytest.raises(FileFormatError, match=told):
        read(tmp_path / "a.npz", "position")


def test_gray_pictures_are_a_background_as_they_are_conditions(tmp_path: Path) -> None:
    Image.fromarray(IMAGES[0, ..., 0]).save(tmp_path / "gray.png")
    found = read_pictures(tmp_path / "gray.png")
    np.testing.assert_array_equal(found[0], IMAGES[0, ..., :1].repeat(3, 2))


def test_folders_that_are_no_classes_are_named(tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match="got an empty folder"):
        read(tmp_path)
    for name, side in (("a", 8), ("b", 9)):
        (tmp_path / name).mkdir()
        Image.new("RGB", (side, side)).save(tmp_path / name / "1.png")
    with pytest.raises(FileFormatError, match=r"8 x 8 pixels expected, as in .*a, got 9 x 9"):
        read(tmp_path)
    (tmp_path / "readme.txt").write_text("x")
    with pytest.raises(FileFormatError, match=r"got the file readme.txt in it"):
        read(tmp_path)


def test_pairs_are_all_or_those_asked_for() -> None:
    names = ["a", "a-b", "b", "b-c", "c"]
    assert len(choose_pairs(names, None)) == 10
    assert choose_pairs(names, "c-a, a-b-b,c-a") == [("a", "c"), ("a-b", "b")]
    for text in ("a", "a-a", "a-x", ""):
        with pytest.raises(ConfigError, match=r"^--pairs: pairs such as a-a-b of a.*: correct it$"):
            choose_pairs(names, text)
    with pytest.raises(ConfigError, match=r"'a-b-c', which is a with b-c, or a-b with c: rename"):
        choose_pairs(names, "a-b-c")


@pytest.mark.parametrize("order", list(permutations(["a", "b", "c-d"])))
def test_a_pair_is_the_same_whichever_of_its_names_is_first(order) -> None:
    names = ["c-d", "b", "a"]
    asked = ",".join(f"{one}-{other}" for one, other in permutations(order, 2))
    assert sorted(choose_pairs(names, asked)) == sorted(choose_pairs(names, None))


def test_a_column_that_numbers_the_images_is_no_column_of_conditions() -> None:
    names = [str(number) for number in range(101)]
    assert len(choose_pairs(names[:100], None)) == 4950
    with pytest.raises(ConfigError, match=r"^--by: a column of at most 100 labels .* got 101"):
        choose_pairs(names, None)
    assert choose_pairs(names, "7-8") == [("7", "8")]


def test_a_file_none_of_whose_pictures_has_a_condition_is_refused(tmp_path: Path) -> None:
    empty = Labelled(tmp_path / "some.npz", {})
    with pytest.raises(FileFormatError, match="pictures with a condition expected, got none"):
        split_background(empty, "none")
