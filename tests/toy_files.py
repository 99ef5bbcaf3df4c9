"""Pictures that nobody rendered, in every kind of file: crosses, bars and dots on black."""

import gzip
import io
import struct
import tarfile
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray
from PIL import Image

SHAPES = ("cross", "bar", "dot")
SIDE = 8


def pictures(count: int = 60, side: int = SIDE) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Gray pictures ``(count, side, side)`` and the number of each one's shape ``(count,)``."""
    rng = np.random.default_rng(0)
    labels = (np.arange(count) % len(SHAPES)).astype(np.uint8)
    images = np.zeros((count, side, side), np.uint8)
    for image, label in zip(images, labels, strict=True):
        y, x = rng.integers(2, side - 2, 2)
        light = rng.integers(150, 256)
        if SHAPES[label] != "dot":
            image[y - 1 : y + 2, x] = light
        if SHAPES[label] == "cross":
            image[y, x - 1 : x + 2] = light
        image[y, x] = light
    return images, labels


def write_idx(path: Path, values: NDArray) -> Path:
    """An IDX file of bytes, compressed where its name ends in .gz."""
    head = bytes([0, 0, 8, values.ndim]) + struct.pack(f">{values.ndim}I", *values.shape)
    content = head + values.astype(np.uint8).tobytes()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


def write_idx_pair(folder: Path, suffix: str = ".gz", **how: int) -> Path:
    """Images and their labels beside them, by MNIST's names; the file of images."""
    images, labels = pictures(**how)
    write_idx(folder / f"train-labels-idx1-ubyte{suffix}", labels)
    return write_idx(folder / f"train-images-idx3-ubyte{suffix}", images)


def write_all_kinds(folder: Path) -> dict[str, Path]:
    """The same pictures in every kind of file, by its name; their label is in column ``label``."""
    images, labels = pictures()
    names = np.array(SHAPES)[labels]
    np.savez(folder / "a.npz", images=images, label=names)
    with h5py.File(folder / "a.h5", "w") as file:
        file["images"] = images[..., None] / np.float32(255)
        file["label"] = labels
    for number, (image, name) in enumerate(zip(images, names.tolist(), strict=True)):
        (folder / "classes" / name).mkdir(parents=True, exist_ok=True)
        gray = Image.fromarray(image)
        picture = gray if number % 2 else gray.convert("RGB")
        picture.save(folder / "classes" / name / f"{number}.png")
    return {
        "npz": folder / "a.npz",
        "HDF5": folder / "a.h5",
        "IDX, gzip": write_idx_pair(folder),
        "IDX": write_idx_pair(folder, ""),
        "folders": folder / "classes",
    }


def pickled_batch(images: NDArray[np.uint8], labels: list[int]) -> bytes:
    """A batch of CIFAR-10 as Python 2 pickled it, instruction by instruction."""
    data = images.transpose(0, 3, 1, 2).reshape(len(images), -1)

    def text(value: str) -> bytes:
        return b"U" + bytes([len(value)]) + value.encode()

    def number(value: int) -> bytes:
        return b"J" + struct.pack("<i", value)

    kind = b"cnumpy\ndtype\n" + text("u1") + b"K\0K\1\x87R(K\3" + text("|") + b"NNN"
    kind += number(-1) + number(-1) + b"K\0tb"
    array = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\0\x85" + text("b") + b"\x87R"
    shape = number(data.shape[0]) + number(data.shape[1]) + b"\x86"
    raw = b"T" + struct.pack("<i", data.size) + data.tobytes()
    array += b"(K\1" + shape + kind + b"\x89" + raw + b"tb"
    numbers = b"](" + b"".join(b"K" + bytes([label]) for label in labels) + b"e"
    told = text("batch_label") + b"q\1" + text("training batch") + text("labels") + numbers
    return b"\x80\2}q\0(" + told + text("data") + array + b"u."


def write_cifar(path: Path, batches: list[bytes]) -> Path:
    """An archive of five batches and one of the test, as ``cifar-10-python.tar.gz`` has them."""
    names = [*(f"data_batch_{number}" for number in range(1, 6)), "test_batch"]
    with tarfile.open(path, "w:gz") as archive:
        for name, content in zip(names, batches, strict=True):
            member = tarfile.TarInfo(f"cifar-10-batches-py/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path
