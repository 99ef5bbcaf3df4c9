"""Pictures that were not rendered, from files of every kind, and the line of what does not fit."""

import hashlib
import os
import pickle
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import torch
from PIL import Image
from toy_files import (
    SHAPES,
    SIDE,
    pickled_batch,
    pictures,
    write_all_kinds,
    write_cifar,
    write_idx,
    write_idx_pair,
)

from projcomp.data import cifar
from projcomp.data.dataset import RenderedImages
from projcomp.data.describe import describe
from projcomp.data.picture_sets import read_picture_set
from projcomp.data.plain_pickle import read_plain
from projcomp.data.preview import draw_preview
from projcomp.data.read_dataset import look, pictures_of, read_dataset
from projcomp.data.validate import validate
from projcomp.errors import FileFormatError
from projcomp.files.listing import listing
from projcomp.networks.conditioning import GIVEN, row_of
from projcomp.prediction.places import Division
from projcomp.prediction.sources import read_labelled
from projcomp.settings.stages import ReadSettings

SHAPE = {"column": "label", "values": list(SHAPES)}
KIND = "form:cross|bar|dot"


def settings(file: Path, **change: Any) -> ReadSettings:
    given = {"labels": {"form": SHAPE}, "only": {}, "resolution": SIDE, **change}
    return ReadSettings(dataset="mine", file=str(file), **given)


def counted(file: Path, **change: Any) -> dict[str, int]:
    values, numbers = pictures_of(settings(file, **change)).labels["form"]
    return {value: int((numbers == n).sum()) for n, value in enumerate(values)}


def test_every_kind_of_file_gives_the_same_pictures_and_labels(tmp_path: Path) -> None:
    images, labels = pictures()
    wanted = {image.tobytes(): label for image, label in zip(images, labels, strict=True)}
    for kind, path in write_all_kinds(tmp_path).items():
        found = pictures_of(settings(path))
        values, numbers = found.labels["form"]
        assert values == list(SHAPES), kind
        assert found.images.shape == (60, SIDE, SIDE, 3)
        gray = {
            image[..., 0].tobytes(): int(number)
            for image, number in zip(found.images, numbers, strict=True)
        }
        assert gray == wanted, kind
        assert (found.images == found.images[..., :1]).all()


def test_predict_reads_the_same_files(tmp_path: Path) -> None:
    for kind, path in write_all_kinds(tmp_path).items():
        found = read_labelled(path, "label", Division()).images
        assert sorted(map(len, found.values())) == [20, 20, 20], kind


def test_a_dataset_that_was_read_is_a_file_of_anybodys_too(tmp_path: Path) -> None:
    read_dataset(settings(write_idx_pair(tmp_path)), tmp_path / "mine.h5")
    found = read_labelled(tmp_path / "mine.h5", "form", Division()).images
    assert {name: len(some) for name, some in found.items()} == dict.fromkeys(SHAPES, 20)


def test_values_are_chosen_and_whole_numbers_are_places_in_the_list(tmp_path: Path) -> None:
    path = write_idx_pair(tmp_path)
    assert counted(path) == {"cross": 20, "bar": 20, "dot": 20}
    assert counted(path, only={"form": ["dot", "bar"]}) == {"cross": 0, "bar": 20, "dot": 20}
    numbers = {"form": {"column": "label", "values": ["2", "1", "0"]}}
    assert counted(path, labels=numbers) == {"2": 20, "1": 20, "0": 20}
    first = pictures_of(settings(path, labels=numbers)).labels["form"][1][0]
    assert first == 2  # a cross is 0 in the file, which is the last name


def test_cifar_is_held_to_its_sum_and_read_without_running_it(tmp_path, monkeypatch) -> None:
    rng = np.random.default_rng(1)
    batches, images, labels = [], [], []
    for _ in range(6):
        images.append(rng.integers(0, 256, (4, 32, 32, 3), dtype=np.uint8))
        labels.append(rng.integers(0, 10, 4).tolist())
        batches.append(pickled_batch(images[-1], labels[-1]))
    path = write_cifar(tmp_path / "cifar-10-python.tar.gz", batches)
    asked = settings(path, labels={}, resolution=32)
    with pytest.raises(FileFormatError, match=r"of sha256 6d958be07457\.\.\. expected, got"):
        pictures_of(asked)
    monkeypatch.setattr(cifar, "SHA256", hashlib.sha256(path.read_bytes()).hexdigest())
    assert np.array_equal(pictures_of(asked).images, np.concatenate(images))
    names = {name for some in labels for name in np.array(cifar.CLASSES)[some].tolist()}
    assert set(read_labelled(path, "label", Division()).images) == names
    split = {"split": {"column": "batch", "values": ["train", "test"]}}
    for which, expected in (("train", images[:5]), ("test", images[5:])):
        only = pictures_of(settings(path, labels=split, resolution=32, only={"split": [which]}))
        assert np.array_equal(only.images, np.concatenate(expected))


class Evil:
    def __reduce__(self):
        return os.mkdir, ("owned",)


def test_a_pickle_is_never_run(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    held = read_plain(pickle.dumps({"data": Evil()}, 2))["data"]
    assert held.of.endswith("mkdir")  # what would have been called, by its name
    with pytest.raises(ValueError, match="the instruction STACK_GLOBAL"):
        read_plain(pickle.dumps({"data": Evil()}, 4))
    assert not Path("owned").exists()
    batch = pickled_batch(np.zeros((1, 32, 32, 3), np.uint8), [0])
    evil = batch.replace(b"cnumpy\ndtype\n", b"cposix\nsystem\n")
    path = write_cifar(tmp_path / "evil.tar.gz", [evil] * 6)
    monkeypatch.setattr(cifar, "SHA256", hashlib.sha256(path.read_bytes()).hexdigest())
    with pytest.raises(FileFormatError, match=r"got damaged data .an array of something else"):
        pictures_of(settings(path, labels={}, resolution=32))
    for bad in (b"", b"\x80\2", b"(.", b"}u.", b"K\1b.", b"h\7.", b"\x80\2cos\nsystem\ni"):
        with pytest.raises(ValueError, match=r"."):
            read_plain(bad)


def test_other_sizes_are_padded_or_shrunk_where_that_is_asked_for(tmp_path: Path) -> None:
    path = write_idx_pair(tmp_path)
    padded = pictures_of(settings(path, resolution=11, fit="pad")).images
    assert padded.shape[1:] == (11, 11, 3)
    assert np.array_equal(padded[:, 1:9, 1:9], pictures_of(settings(path)).images)
    assert (padded[:, 0, 1:9] == padded[:, 1, 1:9]).all()
    np.savez(tmp_path / "flat.npz", images=np.full((3, 6, 12), 77, np.uint8))
    for how, side in (("resize", 4), ("resize", 16), ("pad", 12)):
        found = pictures_of(settings(tmp_path / "flat.npz", labels={}, resolution=side, fit=how))
        assert found.images.shape == (3, side, side, 3)
        assert (found.images == 77).all()


IMAGES, LABELS = pictures()
NAMES = np.array(SHAPES)[LABELS]


@pytest.mark.parametrize(
    ("arrays", "change", "told"),
    [
        ({"images": IMAGES, "label": NAMES[1:]}, {}, "a label for each of 60 images .* got 59"),
        ({"images": IMAGES}, {}, "a column label expected for datasets.mine.labels.form, got none"),
        ({"images": IMAGES / 100.0, "label": NAMES}, {}, "numbers from 0 to 2.55: scale or clip"),
        ({"images": IMAGES - 1.0, "label": NAMES}, {}, "numbers from -1 to .* scale or clip them"),
        ({"images": IMAGES // 255, "label": NAMES}, {}, "none above 1: multiply them by 255"),
        ({"images": IMAGES * 0, "label": NAMES}, {}, "got none that is not all black: see how"),
        (
            {"images": np.array([*IMAGES[:9], IMAGES[0][:2]], object), "label": NAMES[:10]},
            {},
            "got Python objects",
        ),
        ({"images": IMAGES[:, :6], "label": NAMES}, {}, "8 x 8 pixels .*, got 8 x 6: set .*fit to"),
        (
            {"images": IMAGES, "label": NAMES},
            {"resolution": 4, "fit": "pad"},
            "4 x 4 pixels expected, .* got 8 x 8: set datasets.mine.fit to resize",
        ),
        (
            {"images": IMAGES, "label": np.where(NAMES == "dot", "spot", NAMES)},
            {},
            "values among cross, bar, dot expected in label, got spot in 20 pictures: correct",
        ),
        (
            {"images": IMAGES, "label": np.where(NAMES == "dot", "polka dot", NAMES)},
            {},
            "got polka dot in 20 pictures: map that value to a name of letters a to z or A to Z, "
            "digits, _ and -, and write this under labels.form",
        ),
        (
            {"images": IMAGES, "label": np.where(NAMES == "dot", "", NAMES)},
            {"only": {"form": ["bar"]}},
            "values among cross, bar, dot expected in label, got none in 20: correct",
        ),
        ({"images": IMAGES, "label": LABELS + 1}, {}, "values among 0, 1, 2 expected .* got 3 in"),
        (
            {"images": IMAGES[::3], "label": NAMES[::3]},
            {},
            "pictures of every value of form expected, got none of bar: leave it out",
        ),
        (
            {"images": IMAGES[:3], "label": NAMES[:3]},
            {"only": {"form": ["bar"]}},
            "at least 2 pictures expected, of which one is held out, got 1",
        ),
        (
            {"images": IMAGES, "label": np.full((60, 2), 1.5)},
            {"labels": {"position": {"column": "label"}}},
            r"points in \[0, 1\] expected in label, got numbers from 1.5",
        ),
    ],
)
def test_what_does_not_fit_is_one_line(tmp_path, arrays, change, told) -> None:
    np.savez(tmp_path / "a.npz", **arrays)
    with pytest.raises(FileFormatError, match=told) as error:
        read_dataset(settings(tmp_path / "a.npz", **change), tmp_path / "out.h5")
    assert str(error.value).startswith(f"{tmp_path / 'a.npz'}: ")
    assert "\n" not in str(error.value)
    assert not (tmp_path / "out.h5").exists()


def test_a_folder_that_no_label_can_name_is_to_be_renamed(tmp_path: Path) -> None:
    folder = write_all_kinds(tmp_path)["folders"]
    (folder / "dot").rename(folder / "polka dot")
    told = "got polka dot in 20 pictures: rename the folder to a name of letters a to z or A to Z,"
    with pytest.raises(FileFormatError, match=told):
        read_dataset(settings(folder), tmp_path / "out.h5")
    assert not (tmp_path / "out.h5").exists()


BINARY = h5py.enum_dtype({"bar": 0, "dot": 1}, "u1")


@pytest.mark.parametrize(
    ("name", "stored", "told"),
    [
        ("label", {"data": 3}, r"one label an image, \(60,\) expected in label, got shape \(\):"),
        ("label", {"data": "bar"}, r"one label an image, .* in label, got shape \(\): correct"),
        ("label", {"data": 1, "dtype": BINARY}, r"in label, got shape \(\): correct"),
        (
            "label",
            {"data": LABELS[:, None] > 0, "dtype": BINARY},
            r"in label, got shape \(60, 1\):",
        ),
        ("label", {"data": h5py.Empty("f4")}, "an array label expected, got .* empty .*: store"),
        (
            "label",
            {"data": h5py.Empty(h5py.string_dtype())},
            "an array label expected, got .* empty .*: store",
        ),
        ("images", {"data": h5py.Empty("u1")}, "an array images expected, got .* empty .*: store"),
        ("images", {"data": np.uint8(3)}, r"images as uint8, .* got shape \(\): reshape them"),
        (
            "label",
            {"data": ["caf\xe9".encode("latin-1")] * 60, "dtype": h5py.string_dtype()},
            r"texts in UTF-8 expected in label, got others \(in Latin-1, perhaps\): decode them",
        ),
        (
            "label",
            {"data": np.array(["caf\xe9".encode("latin-1")] * 60)},
            r"texts in UTF-8 expected in label, got others \(in Latin-1, perhaps\): decode them",
        ),
    ],
)
def test_whole_hdf5_of_another_kind_is_not_called_damaged(tmp_path, name, stored, told) -> None:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        for other, values in {"images": IMAGES, "label": LABELS}.items():
            file.create_dataset(other, **(stored if other == name else {"data": values}))
    with pytest.raises(FileFormatError, match=told) as error:
        read_dataset(settings(path), tmp_path / "out.h5")
    assert str(error.value).startswith(f"{path}: ")
    assert "damaged" not in str(error.value)
    assert "\n" not in str(error.value)


def test_a_look_sees_what_is_missing_and_reads_no_picture(tmp_path: Path) -> None:
    path = write_idx_pair(tmp_path)
    look(settings(path))
    with pytest.raises(FileFormatError, match="got no file: apt-get install it"):
        look(settings(tmp_path / "nothing.gz"), "apt-get install it")
    (tmp_path / "train-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(FileFormatError, match=r"got no file .*train-labels-idx1-ubyte.gz: put it"):
        look(settings(path))
    look(settings(path, labels={}))
    (tmp_path / "text.csv").write_text("images")
    with pytest.raises(FileFormatError, match=r"an IDX file of images, .* got a text file"):
        look(settings(tmp_path / "text.csv"))


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (lambda data: data[:-1], "bytes where 3,856 belong: take a whole copy"),
        (lambda data: data[:9], "an IDX file of images expected, got 9 bytes where"),
        (lambda data: data[:3] + b"\1" + data[4:], "got values with 1 sizes"),
    ],
)
def test_damaged_idx_files_are_one_line(tmp_path, damage, told) -> None:
    path = tmp_path / "a-images-idx3"
    path.write_bytes(damage(write_idx(tmp_path / "whole", IMAGES).read_bytes()))
    with pytest.raises(FileFormatError, match=told):
        pictures_of(settings(path, labels={}))


def test_models_learn_from_them_as_from_renders(tmp_path: Path) -> None:
    path = tmp_path / "mine.h5"
    read_dataset(settings(write_idx_pair(tmp_path)), path)
    learned, held = RenderedImages(path, KIND), RenderedImages(path, KIND, held_out=True)
    assert (len(learned), len(held)) == (59, 1)
    assert learned.num_objects.tolist() == [1] * 59
    assert learned.in_memory
    index = torch.arange(59)
    rows = learned.draw_conditions(index, torch.Generator().manual_seed(0))
    numbers = np.delete(LABELS, 49)
    assert torch.equal(rows, torch.tensor([[GIVEN, float(n)] for n in numbers]))
    assert torch.equal(row_of({"form": "bar"}, KIND), torch.tensor([GIVEN, 1.0]))
    assert np.array_equal(learned.read(index)[..., 1].numpy(), np.delete(IMAGES, 49, axis=0))
    assert RenderedImages(path, "none").draw_conditions(index[:2], torch.Generator()).shape == (
        2,
        1,
    )
    with pytest.raises(FileFormatError, match="a label form of cross, bar expected, got cross"):
        RenderedImages(path, "form:cross|bar")
    with pytest.raises(FileFormatError, match="a place for every picture expected, got none"):
        RenderedImages(path, "position")


def test_another_content_is_another_dataset_to_a_training(tmp_path: Path) -> None:
    identities = set()
    for change in ({}, {"only": {"form": ["bar"]}}):
        read_dataset(settings(write_idx_pair(tmp_path), **change), tmp_path / "a.h5")
        identities.add(RenderedImages(tmp_path / "a.h5", "none").identity)
    write_idx(tmp_path / "train-images-idx3-ubyte.gz", IMAGES[::-1])
    read_dataset(settings(tmp_path / "train-images-idx3-ubyte.gz"), tmp_path / "a.h5")
    identities.add(RenderedImages(tmp_path / "a.h5", "none").identity)
    assert len(identities) == 3


def test_places_and_several_labels_are_told_together(tmp_path: Path) -> None:
    points = np.random.default_rng(0).random((60, 2))
    np.savez(tmp_path / "a.npz", images=IMAGES, at=points, label=NAMES)
    labels = {"form": SHAPE, "position": {"column": "at"}}
    read_dataset(settings(tmp_path / "a.npz", labels=labels), tmp_path / "a.h5")
    images = RenderedImages(tmp_path / "a.h5", f"position+{KIND}")
    wanted = np.column_stack([points, LABELS]).astype(np.float32)[images._rows]
    assert np.array_equal(images.labels[:, 0].numpy(), wanted)


def test_damage_is_found_by_the_sum_of_what_was_read(tmp_path: Path) -> None:
    path = tmp_path / "mine.h5"
    read_dataset(settings(write_idx_pair(tmp_path)), path)
    assert validate(path) == []
    told = describe(path)
    assert "60 pictures of 8 x 8, not rendered" in told
    assert "form: cross 20 (33.3 %), bar 20 (33.3 %), dot 20 (33.3 %)" in told
    draw_preview(path, tmp_path / "sheet.png")
    assert Image.open(tmp_path / "sheet.png").size[0] > 500
    with h5py.File(path, "r+") as file:
        file["form"][0] = 1  # pyright: ignore[reportIndexIssue]
    (problem,) = validate(path)
    assert "another one than was written" in problem
    with pytest.raises(FileFormatError, match="another one than was written"):
        read_picture_set(path)


def test_a_folder_is_another_when_a_file_in_it_is_edited(tmp_path: Path) -> None:
    folder = write_all_kinds(tmp_path)["folders"]
    before = listing(folder)
    assert listing(folder) == before
    assert listing(tmp_path / "a.npz") is None
    changed = next((folder / "dot").iterdir())
    os.utime(changed, ns=(1, 1))
    assert listing(folder) != before
