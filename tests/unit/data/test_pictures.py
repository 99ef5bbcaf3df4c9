"""A user's own pictures: what is taken, in which order, and what is refused in one line."""

import os
import random
import shutil
import struct
import zlib
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from toy_dataset import open_dataset, write_toy

from projcomp.data import hdf5
from projcomp.data.column import texts_of
from projcomp.data.hdf5 import dataset
from projcomp.data.images import write_samples
from projcomp.data.pictures import natural_order, open_pictures
from projcomp.data.stored_images import open_stored
from projcomp.errors import FileFormatError
from projcomp.settings.case import Case


def some(count: int, side: int = 6) -> np.ndarray:
    rng = np.random.default_rng(count)
    return rng.integers(0, 256, (count, side, side + 2, 3), dtype=np.uint8)


def all_of(*paths: Path, most: int = 4) -> tuple[list[str], np.ndarray]:
    pictures = open_pictures(paths)
    batches = list(pictures.batches(most))
    names = [name for part, _ in batches for name in part]
    images = np.concatenate([part for _, part in batches])
    assert len(names) == len(images) == len(pictures)
    assert [len(part) for part, _ in batches[:-1]] == [most] * (len(batches) - 1)
    assert images.shape[1:] == (*pictures.size, 3)
    return names, images


def line(*paths: Path) -> str:
    with pytest.raises(FileFormatError) as caught:
        all_of(*paths)
    assert len(str(caught.value).splitlines()) == 1
    return str(caught.value)


def test_an_opaque_picture_with_alpha_is_rgb(tmp_path) -> None:
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (4, 6, 4), dtype=np.uint8)
    image[..., 3] = 255
    Image.fromarray(image, "RGBA").save(tmp_path / "opaque.png")
    ((_, read),) = open_pictures([tmp_path / "opaque.png"]).batches()
    np.testing.assert_array_equal(read[0], image[..., :3])
    image[1, 2, 3] = 254
    Image.fromarray(image, "RGBA").save(tmp_path / "clear.png")
    with pytest.raises(FileFormatError, match="one with transparency"):
        open_pictures([tmp_path / "clear.png"])


def test_a_gray_picture_is_rgb_of_three_equal_channels(tmp_path) -> None:
    image = some(1)[0, ..., 0]
    Image.fromarray(image).save(tmp_path / "gray.png")
    _, found = all_of(tmp_path / "gray.png")
    np.testing.assert_array_equal(found, image[None, ..., None].repeat(3, 3))


def test_a_folder_is_read_in_natural_order(tmp_path) -> None:
    images = some(11)
    for number, image in enumerate(images):
        Image.fromarray(image).save(tmp_path / f"img{number}.{'PNG' if number % 2 else 'png'}")
    (tmp_path / ".DS_Store").touch()
    names, found = all_of(tmp_path)
    assert [Path(name).stem for name in names] == [f"img{number}" for number in range(11)]
    np.testing.assert_array_equal(found, images)
    names, found = all_of(tmp_path / "img3.PNG", tmp_path, tmp_path / "img0.png")
    np.testing.assert_array_equal(found[[0, 12]], images[[3, 0]])


@given(st.lists(st.integers(0, 10**6), min_size=2, unique=True))
def test_numbers_in_names_are_in_the_order_of_their_values(numbers) -> None:
    names = [f"a{number}-b{number}.png" for number in numbers]
    ordered = sorted(names, key=natural_order)
    assert ordered == [f"a{number}-b{number}.png" for number in sorted(numbers)]


@pytest.mark.parametrize("suffix", ["bmp", "png", "webp", "jpg"])
def test_every_kind_of_picture_file_is_read(tmp_path, suffix: str) -> None:
    (image,) = some(1)
    options = {"lossless": True} if suffix == "webp" else {}
    Image.fromarray(image).save(tmp_path / f"a.{suffix}", **options)
    ((name,), (found,)) = all_of(tmp_path / f"a.{suffix}")
    assert name == str(tmp_path / f"a.{suffix}")
    if suffix != "jpg":
        np.testing.assert_array_equal(found, image)


def test_hdf5_of_every_kind_is_read_in_pieces(tmp_path) -> None:
    index = write_toy(tmp_path)
    with open_dataset(index) as file:
        rendered = dataset(file, "images")[:]
    for path, images in {index: rendered, tmp_path / "toy/shard-00001.h5": rendered[4:8]}.items():
        for most in (1, 3, 5, 64):
            names, found = all_of(path, most=most)
            assert names[-1] == f"{path}[{len(images) - 1}]"
            np.testing.assert_array_equal(found, images)
    images = some(7)
    write_samples(tmp_path / "samples.h5", images, Case(name="k0"), {})
    for storage in ({}, {"chunks": (2, 6, 8, 3), "compression": "lzf"}):
        with h5py.File(tmp_path / "foreign.h5", "w") as file:
            file.create_dataset("images", data=images, **storage)  # pyright: ignore
        for name in ("samples.h5", "foreign.h5"):
            np.testing.assert_array_equal(all_of(tmp_path / name)[1], images)
    Image.fromarray(images[0]).save(tmp_path / "one.png")
    found = all_of(tmp_path / "one.png", tmp_path / "samples.h5")[1]
    np.testing.assert_array_equal(found, images[[0, *range(7)]])


def _png_of_16_bits(path: Path) -> None:
    def chunk(name: bytes, data: bytes) -> bytes:
        crc = struct.pack(">I", zlib.crc32(name + data))
        return struct.pack(">I", len(data)) + name + data + crc

    head = struct.pack(">IIBBBBB", 2, 2, 16, 2, 0, 0, 0)
    rows = b"".join(b"\0" + random.Random(0).randbytes(12) for _ in range(2))
    body = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + body)


def _turned(path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (4, 6)).save(path, exif=exif)


def _moving(path: Path) -> None:
    frames = [Image.new("RGB", (4, 4), color) for color in ("red", "blue")]
    frames[0].save(path, save_all=True, append_images=frames[1:])


def _truncated(path: Path) -> None:
    Image.fromarray(some(1, 40)[0]).save(path)
    path.write_bytes(path.read_bytes()[:-600])


def _damaged(path: Path) -> None:
    Image.fromarray(some(1, 40)[0]).save(path)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)


def _of(mode: str, **options: object):
    return lambda path: Image.new(mode, (4, 4)).save(path, **options)


WRONG = {
    "palette.png": (_of("P"), "a palette"),
    "bits.png": (_of("1"), "black and white"),
    "deep grey.png": (_of("I;16"), "16 bits or more"),
    "deep.png": (_png_of_16_bits, "16 bits a channel"),
    "clear.png": (_of("RGBA"), "transparency"),
    "grey and clear.png": (_of("LA"), "transparency"),
    "one colour clear.png": (_of("RGB", transparency=(0, 0, 0)), "transparency"),
    "print.jpg": (_of("CMYK"), "print colours"),
    "turned.jpg": (_turned, "to be turned"),
    "moving.webp": (_moving, "2 frames"),
    "moving.png": (_moving, "2 frames"),
    "truncated.png": (_truncated, "cannot be decoded"),
    "truncated.jpg": (_truncated, "cannot be decoded"),
    "damaged.png": (_damaged, "cannot be decoded"),
    "cut short.png": (lambda path: path.write_bytes(b"\x89PNG\r\n\x1a\n"), "PNG"),
    "empty.png": (Path.touch, "an empty file"),
    "text.png": (lambda path: path.write_text("hello"), "a text file"),
    "zip.png": (lambda path: path.write_bytes(b"PK\x03\x04" + bytes(50)), "a zip file"),
    "gif.png": (lambda path: Image.new("RGB", (4, 4)).save(path, format="GIF"), "a GIF"),
    "pipe.png": (os.mkfifo, "a pipe"),
    "link.png": (lambda path: path.symlink_to("nowhere"), "a link to nowhere"),
    "absent.png": (lambda path: None, "no file"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_no_8_bit_rgb_picture_is_one_line_that_names_it(tmp_path, name: str) -> None:
    make, message = WRONG[name]
    path = tmp_path / name
    make(path)
    told = line(path)
    assert told.startswith(f"{path}: ")
    assert message in told


def test_folders_of_anything_else_are_one_line(tmp_path) -> None:
    assert "an empty one" in line(tmp_path)
    (tmp_path / ".hidden").touch()
    assert "an empty one" in line(tmp_path)
    Image.fromarray(some(1)[0]).save(tmp_path / "a.png")
    all_of(tmp_path)
    (tmp_path / "b.txt").touch()
    assert "the file b.txt in it" in line(tmp_path)
    (tmp_path / "b.txt").unlink()
    (tmp_path / "b.png").mkdir()
    assert "the folder b.png in it" in line(tmp_path)
    with pytest.raises(FileFormatError, match="got none"):
        open_pictures([])


def test_images_of_two_sizes_are_one_line_that_names_both(tmp_path) -> None:
    Image.fromarray(some(1)[0]).save(tmp_path / "a.png")
    Image.fromarray(some(1, 9)[0]).save(tmp_path / "b.png")
    with pytest.raises(FileFormatError, match=r"b\.png: 8 x 6 pixels .*a\.png, got 11 x 9"):
        open_pictures([tmp_path])
    write_samples(tmp_path / "s.h5", some(2, 7), Case(name="k0"), {})
    with pytest.raises(FileFormatError, match=r"s\.h5: 8 x 6 pixels .*, got 9 x 7"):
        open_pictures([tmp_path / "a.png", tmp_path / "s.h5"])


def _partly_written(file: h5py.File) -> None:
    file.create_dataset("images", (3, 4, 4, 3), "u1", chunks=(1, 4, 4, 3))[:2] = 1


def _virtual(file: h5py.File) -> None:
    layout = h5py.VirtualLayout((1, 4, 4, 3), np.uint8)
    layout[:] = h5py.VirtualSource("absent.h5", "images", (1, 4, 4, 3))
    file.create_virtual_dataset("images", layout)


@pytest.mark.parametrize("gray", [some(3)[..., 0], some(3)[..., :1]], ids=["NHW", "NHW1"])
def test_foreign_gray_images_become_rgb(tmp_path, gray) -> None:
    path = tmp_path / "gray.h5"
    with h5py.File(path, "w") as file:
        file["images"] = gray
    pictures = open_pictures([path])
    assert (len(pictures), pictures.size) == (3, (6, 8))
    (_, images), *_ = pictures.batches()
    assert images.shape == (3, 6, 8, 3)
    assert (images == some(3)[..., :1]).all()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda file: None, "no dataset images"),
        (lambda file: file.create_group("images"), "no dataset images"),
        (lambda file: file.__setitem__("images", h5py.SoftLink("/no")), "no dataset images"),
        (lambda file: file.create_dataset("images", data=some(2) / 255), "float64"),
        (lambda file: file.create_dataset("images", data=some(2).astype("u2")), "uint16"),
        (
            lambda file: file.create_dataset("images", data=some(2)[0]),
            "(6, 8, 3), which is one picture without an axis N (images[None] has it)",
        ),
        (lambda file: file.create_dataset("images", data=some(2)[:0]), "which are none"),
        (
            lambda file: file.create_dataset("images", data=some(2)[0, ..., :1]),
            "(6, 8, 1), which is one picture without an axis N (images[None] has it)",
        ),
        (lambda file: file.create_dataset("images", data=some(2)[..., :2]), "(2, 6, 8, 2)"),
        (
            lambda file: file.create_dataset("images", data=some(2).transpose(0, 3, 1, 2)),
            "channels first",
        ),
        (lambda file: file.create_dataset("images", data="images"), "object"),
        (lambda file: file.create_dataset("images", data=h5py.Empty("u1")), "None"),
        (_partly_written, "never written"),
        (lambda file: file.create_dataset("images", (3, 4, 4, 3), "u1"), "never written"),
        (_virtual, "a virtual dataset"),
    ],
)
def test_foreign_hdf5_without_images_is_one_line(tmp_path, make, message: str) -> None:
    path = tmp_path / "foreign.h5"
    with h5py.File(path, "w") as file:
        make(file)
    told = line(path)
    assert str(path) in told
    assert message in told
    assert "delete" not in told


def test_stored_images_that_are_damaged_are_named(tmp_path) -> None:
    index = write_toy(tmp_path)
    write_samples(tmp_path / "s.h5", some(3, 30), Case(name="k0"), {})
    for path in (tmp_path / "s.h5", tmp_path / "toy" / "shard-00001.h5"):
        with h5py.File(path) as file:
            place = dataset(file, "images").id.get_chunk_info(1).byte_offset
        content = bytearray(path.read_bytes())
        content[place + 30] ^= 1
        path.write_bytes(content)
        assert str(path) in line(path)
    assert "shard-00001.h5" in line(index)
    shutil.copy(tmp_path / "toy" / "shard-00002.h5", tmp_path / "toy" / "shard-00001.h5")
    with pytest.raises(FileFormatError, match=r"shard-00001\.h5: shard 1 expected"):
        open_pictures([index])


def test_a_file_is_summed_as_often_however_many_pieces_are_read(tmp_path, monkeypatch) -> None:
    """Summing it anew for every piece would cost the square of its length."""
    sums, original = [], hdf5.is_broken
    monkeypatch.setattr(hdf5, "is_broken", lambda path: sums.append(path) or original(path))
    path, images = tmp_path / "many.h5", np.zeros((40, 16, 16, 3), np.uint8)
    write_samples(path, images, Case(name="k0"), {"experiment": "A"})
    source = open_stored(path)
    opening = len(sums)
    for row in range(40):
        assert source.read(slice(row, row + 1)).shape == (1, 16, 16, 3)
    assert len(sums) == opening


@pytest.mark.parametrize(
    ("numbers", "names"),
    [
        (np.array([1234567.0, 1234568.0]), ["1234567.0", "1234568.0"]),
        (np.array([0.12345678, 0.12345679]), ["0.12345678", "0.12345679"]),
        (np.array([0.1, 2.0, 2.25], np.float32), ["0.1", "2", "2.25"]),
    ],
)
def test_numbers_that_differ_are_labels_that_differ(numbers, names) -> None:
    assert texts_of(Path("some.npz"), "size", numbers, len(numbers)).tolist() == names
