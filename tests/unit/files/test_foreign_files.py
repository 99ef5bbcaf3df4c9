"""Files that users bring instead of ours, and files of ours that came to harm: one clear line."""

import errno
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from toy_dataset import COUNT, SETTINGS, open_dataset, write_toy, write_toy_shard
from typer.testing import CliRunner

from projcomp.cli import app
from projcomp.data.dataset import RenderedImages
from projcomp.data.describe import describe
from projcomp.data.hdf5 import dataset, is_broken, open_hdf5, reading, write_hdf5
from projcomp.data.images import read_samples, write_samples
from projcomp.data.index import open_index, shards_behind
from projcomp.data.pictures import open_pictures
from projcomp.data.preview import draw_preview
from projcomp.data.reader import ImageReader
from projcomp.data.validate import validate
from projcomp.errors import FileFormatError, UserError
from projcomp.evaluation.detector import Detector, save_detector
from projcomp.evaluation.forward import load_detector
from projcomp.evaluation.labelled import read_labelled
from projcomp.evaluation.read_table import check_rates, read_table
from projcomp.files.tensors import load_weights, write_tensors
from projcomp.networks.checkpoint import load_model, save_model
from projcomp.networks.denoiser import Denoiser
from projcomp.settings.case import Case

DELETE = "delete it and run the stage that makes it again"


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("whole")
    write_toy(folder)
    images = np.random.default_rng(0).integers(0, 256, (3, 8, 8, 3), dtype=np.uint8)
    measured = {"acceptance": np.arange(3.0), "interaction": np.zeros((3, 2, 2, 2))}
    write_samples(folder / "s.h5", images, Case(name="k0"), {"experiment": "A"}, measured)
    return folder


@pytest.fixture
def folder(whole, tmp_path) -> Path:
    shutil.copytree(whole, tmp_path, dirs_exist_ok=True)
    return tmp_path


def everything(path: Path) -> list[Callable[[], object]]:
    """All that reads a dataset."""
    return [
        lambda: describe(path),
        lambda: draw_preview(path, path.parent / "p.png"),
        lambda: RenderedImages(path, "position"),
        lambda: RenderedImages(path, "color", memory_bytes=0).read(torch.arange(11)),
        lambda: read_labelled(path, 8),
        lambda: open_dataset(path).close(),
    ]


def line(work: Callable[[], object]) -> str:
    with pytest.raises(FileFormatError) as caught:
        work()
    assert len(str(caught.value).splitlines()) == 1
    return str(caught.value)


def inspect(path: Path, *more: str) -> str:
    """What ``inspect`` says of a file that it refuses."""
    result = CliRunner().invoke(app, ["inspect", str(path), *more])
    assert isinstance(result.exception, SystemExit), result.exception
    assert result.exit_code == 1
    assert result.output.count("\n") == 1
    return result.output


SHARD = "toy/shard-00001.h5"


def _replace(name: str, change: Callable) -> Callable[[h5py.File], None]:
    def apply(file: h5py.File) -> None:
        content = file[name][:]  # pyright: ignore
        del file[name]
        file[name] = change(content)

    return apply


def _field(name: str, value: float) -> Callable[[h5py.File], None]:
    def apply(file: h5py.File) -> None:
        rows = dataset(file, "objects")[:]
        rows[name] = value
        dataset(file, "objects")[:] = rows

    return apply


def _instead(name: str, link: object) -> Callable[[h5py.File], None]:
    def apply(file: h5py.File) -> None:
        del file[name]
        if isinstance(link, str):
            file.create_group(name)
        else:
            file[name] = link

    return apply


def _attribute(name: str, value: object) -> Callable[[h5py.File], None]:
    return lambda file: file.attrs.__setitem__(name, value)


def _empty(file: h5py.File) -> None:
    for name in list(file):
        shape, dtype = dataset(file, name).shape, dataset(file, name).dtype
        del file[name]
        file.create_dataset(name, (0, *shape[1:]), dtype)


CHANGES: dict[str, tuple[Callable[[h5py.File], None], str]] = {
    "kind an array": (_attribute("kind", np.array(["a", "b"], "S1")), "none of projcomp's"),
    "kind a number": (_attribute("kind", 3), "none of projcomp's"),
    "kind empty": (_attribute("kind", h5py.Empty("S1")), "none of projcomp's"),
    "kind no text": (_attribute("kind", np.bytes_(b"\xff\xfe")), "none of projcomp's"),
    "a format of old": (_attribute("format", 1), "format 1"),
    "format an array": (_attribute("format", np.array([2, 2])), "format None"),
    "format a text": (_attribute("format", "two"), "format two"),
    "vocabulary an array": (_attribute("vocabulary", np.arange(3)), "another vocabulary"),
    "settings a list": (_attribute("settings", "[1,2]"), "settings that are no settings"),
    "settings a number": (_attribute("settings", "3"), "settings that are no settings"),
    "settings null": (_attribute("settings", "null"), "settings that are no settings"),
    "settings deep": (_attribute("settings", "[" * 9999), "no settings"),
    "settings empty": (_attribute("settings", h5py.Empty("S1")), "no settings"),
    "settings an array": (_attribute("settings", np.zeros((2, 2))), "no settings"),
    "no settings": (lambda file: file.attrs.__delitem__("settings"), "no settings"),
    "a group": (_instead("masks", "group"), "no dataset 'masks'"),
    "a soft link": (_instead("masks", h5py.SoftLink("/nowhere")), "no dataset 'masks'"),
    "an external link": (_instead("masks", h5py.ExternalLink("/no.h5", "/x")), "'masks'"),
    "a loop of links": (_instead("masks", h5py.SoftLink("/masks")), "too many links"),
    "a scalar": (_replace("num_objects", lambda x: np.uint8(1)), "num_objects of shape ()"),
    "flat cameras": (_replace("camera", lambda x: x[:, :2]), "camera of shape (4, 2)"),
    "words for cameras": (_replace("camera", lambda x: x.astype("S8")), "another type"),
    "other lights": (_replace("lights", lambda x: x[:, :1]), "lights of shape"),
    "wide images": (_replace("images", lambda x: x.astype("i4")), "images of another type"),
    "grey images": (_replace("images", lambda x: x[..., 0]), "images of another type"),
    "other masks": (_replace("masks", lambda x: x[:, 1:]), "masks of shape"),
    "floating counts": (_replace("num_objects", lambda x: x + 0.5), "num_objects of another"),
    "other fields": (_replace("objects", lambda x: x[["xyz", "shape"]]), "other fields"),
    "less rows": (_replace("lights", lambda x: x[1:]), "datasets of different lengths"),
    "no images": (_empty, "no images"),
    "too many objects": (_replace("num_objects", lambda x: x * 0 + 200), "200 objects where"),
    "a colour too many": (_field("color", 77), "a color of number 77 among 8"),
    "no place": (_field("pixel", np.nan), "objects whose pixel is no number"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_what_a_shard_must_not_be_is_one_line_for_every_reader(folder, name: str) -> None:
    change, message = CHANGES[name]
    with h5py.File(folder / SHARD, "r+") as file:
        change(file)
    content = ("num_objects", "objects") if name in list(CHANGES)[-3:] else ()
    for number, work in enumerate(everything(folder / "toy.h5")):
        if content and number in (1, 5):
            continue  # a sheet shows images, and opening reads no tables
        told = line(work)
        assert SHARD in told
        assert message in told
    assert message in inspect(folder / SHARD)
    assert message in inspect(folder / SHARD, "--check")


def _chunked(name: str, **storage: object) -> Callable[[h5py.File], None]:
    def apply(file: h5py.File) -> None:
        content = dataset(file, name)[:]
        del file[name]
        file.create_dataset(name, data=content, **storage)  # pyright: ignore

    return apply


@pytest.mark.parametrize(
    "change",
    [
        _replace("camera", lambda x: x.astype(">f8")),
        _replace("num_objects", lambda x: x.astype("<i8")),
        _chunked("images", compression="lzf"),
        _chunked("images", chunks=(4, 8, 8, 3), shuffle=True),
        _attribute("kind", np.bytes_(b"projcomp shard")),
        _attribute("format", np.array([2])),
        _attribute("bpy_version", np.arange(5)),
        _attribute("more", h5py.Empty("f8")),
    ],
)
def test_what_is_whole_stays_readable(folder, change) -> None:
    with h5py.File(folder / SHARD, "r+") as file:
        change(file)
    for work in everything(folder / "toy.h5"):
        work()
    assert validate(folder / "toy.h5") == []


@pytest.mark.parametrize("frame", [lambda b: b + b"junk", lambda b: bytes(1024) + b])
def test_bytes_around_a_file_do_not_matter(folder, frame) -> None:
    path = folder / SHARD
    with h5py.File(path, "r+") as file:
        file.attrs["more"] = 1  # which cuts the seal off
    path.write_bytes(frame(path.read_bytes()))
    for work in everything(folder / "toy.h5"):
        work()


def test_no_reader_waits_for_what_is_no_file(folder) -> None:
    os.mkfifo(folder / "pipe.h5")
    (folder / "loop.h5").symlink_to("loop.h5")
    (folder / "zero.h5").symlink_to("/dev/zero")
    (folder / "gone.h5").symlink_to("nowhere.h5")
    wrong = {
        "pipe.h5": "got a pipe",
        "loop.h5": "Too many levels",
        "zero.h5": "got a device",
        "gone.h5": "a link to nowhere.h5, which is not there",
        "toy": "got a folder",
    }
    for name, message in wrong.items():
        readers = (*everything(folder / name), lambda p=folder / name: read_samples(p))
        assert all(message in line(work) for work in readers)
        assert message in line(lambda p=folder / name: read_table(p, ["a"], "evaluate"))
    (folder / SHARD).unlink()
    os.mkfifo(folder / SHARD)
    assert all("got a pipe" in line(work) for work in everything(folder / "toy.h5"))
    (folder / "model.json").touch()
    os.mkfifo(folder / "weights.safetensors")
    assert "got a pipe" in line(lambda: load_model(folder))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "an empty file"),
        (bytes(9000), "zeros"),
        (b"hello\n", "a text file"),
        (b'{"scenes": []}', "a JSON file"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "a PNG picture"),
        (b"PK\x03\x04" + bytes(100), "a zip file"),
        (random.Random(0).randbytes(64).replace(b"\x89", b"") + b"\0", "a file of unknown kind"),
        (b"\x89HDF\r\n\x1a\n" + bytes(100), "a damaged HDF5 file"),
    ],
)
def test_what_is_no_hdf5_is_called_by_its_name(folder, content: bytes, message: str) -> None:
    """And deleting it is advised only where a stage writes, and of nobody's other file."""
    mine = folder / "mine.h5"
    for path in (mine, folder / "toy.h5", folder / SHARD):
        path.write_bytes(content)
        told = inspect(path)
        assert message in told
        foreign = any(word in message for word in ("text", "JSON", "PNG", "zip"))
        assert (DELETE in told) == (path != mine and not foreign)


def test_nobody_is_told_to_remove_what_is_not_ours(folder) -> None:
    with h5py.File(folder / "photos.h5", "w") as file:
        file["images"] = np.zeros((3, 8, 8, 3), np.uint8)
    shutil.copy(folder / "photos.h5", folder / SHARD)
    shutil.copy(folder / "s.h5", folder / "toy.h5")
    for name in ("photos.h5", SHARD, "s.h5", "toy.h5"):
        assert "delete it" not in inspect(folder / name)
    (folder / "samples" / "A").mkdir(parents=True)
    path = shutil.copy(folder / "s.h5", folder / "samples" / "A" / "k0.h5")
    with h5py.File(path, "r+") as file:
        del file["colors"]
    assert "delete it" not in line(lambda: read_samples(path))
    (folder / "models").mkdir()  # now it is a run
    assert DELETE in line(lambda: read_samples(path))


def test_a_file_of_ours_at_its_place_is_not_to_be_moved(folder) -> None:
    (folder / "samples" / "A").mkdir(parents=True)
    (folder / "models").mkdir()
    samples = Path(shutil.copy(folder / "s.h5", folder / "samples" / "A" / "k0.h5"))
    told = [*map(line, everything(samples)), inspect(samples)]
    told += [line(lambda p=folder / name: read_samples(p)) for name in ("toy.h5", SHARD)]
    for message in told:
        assert message.strip().endswith(": name another file")
        assert "got a projcomp " in message


@pytest.mark.parametrize("content", ["cut", "random", "foreign"])
def test_a_shard_by_name_alone_is_the_users(folder, content: str) -> None:
    def put(path: Path) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        if content == "foreign":
            with h5py.File(path, "w") as file:
                file["images"] = np.zeros((3, 8, 8, 3), np.uint8)
        else:
            cut = (folder / SHARD).read_bytes()[:3000]
            path.write_bytes(cut if content == "cut" else b"\0" + random.Random(0).randbytes(99))
        return path

    mends = "move it away and run" if content == "foreign" else DELETE
    name = "shard-00000.h5"
    mine = [folder / name, folder / "data" / name, folder / "data" / "single" / name]
    for path in map(put, mine):
        assert mends not in inspect(path)
        if content == "cut":
            assert mends not in line(lambda p=path: open_pictures([p]))
    (folder / "logs").mkdir()  # now it is a run
    assert mends in inspect(mine[2])
    if content == "cut":
        assert mends in line(lambda: open_pictures([mine[2]]))
    assert mends not in inspect(mine[1])
    assert mends in inspect(put(folder / "toy" / name))  # whose index lies beside it


def test_a_file_that_another_process_holds_open_is_not_damaged(folder) -> None:
    code = "import h5py, sys; f = h5py.File(sys.argv[1], 'r+'); print(1, flush=True); input()"
    command = [sys.executable, "-c", code, str(folder / SHARD)]
    environment = {**os.environ, "HDF5_USE_FILE_LOCKING": "TRUE"}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, **pipes, env=environment, text=True) as holder:  # pyright: ignore
        assert holder.stdout
        holder.stdout.readline()
        told = [line(work) for work in everything(folder / "toy.h5")]
        told.append(inspect(folder / SHARD))
        holder.communicate("\n")
    for message in told:
        assert "another process holds open" in message
        assert SHARD in message
        assert "delete" not in message
    open_dataset(folder / "toy.h5").close()


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (PermissionError(13, "Permission denied"), "permission to read"),
        (OSError(5, "Input/output error"), "the disk or the network"),
        (OSError(24, "Too many open files"), "ulimit -n"),
        (OSError("unable to lock file, errno = 38, message"), "HDF5_USE_FILE_LOCKING=FALSE"),
        (OSError(524, "unable to lock file, errno = 524"), "a file system without locks"),
        (OSError(524, "unable to lock file, errno = 524"), "HDF5_USE_FILE_LOCKING=FALSE"),
        (OSError(9, "unable to lock file, errno = 9"), "HDF5_USE_FILE_LOCKING=FALSE"),
        (BlockingIOError(11, "unable to lock file, errno = 11"), "a notebook, a viewer or a job"),
        (BlockingIOError(11, "unable to lock file, errno = 11"), "HDF5_USE_FILE_LOCKING=FALSE"),
        (OSError("unable to lock file, errno = 13, message"), "in use"),
        (OSError("Can't open (memory allocation failed)"), "or too large for this machine"),
        (OSError("unable to open file, errno = 13, message"), "permission to read"),
    ],
)
def test_what_the_system_refuses_is_not_damaged(folder, monkeypatch, error, message) -> None:
    def refuse(*arguments: object, **options: object) -> None:
        raise error

    monkeypatch.setattr(h5py, "File", refuse)
    told = line(lambda: open_hdf5(folder / SHARD, "a file"))
    assert message in told
    assert "delete" not in told


LACKS = [
    MemoryError(),
    OSError(errno.ENOMEM, "Cannot allocate memory"),
    OSError("unable to open file, errno = 12, error message = 'Cannot allocate memory'"),
]


def raising(error: Exception) -> Callable:
    def fail(*arguments: object, **options: object) -> None:
        raise error

    return fail


@pytest.mark.parametrize("error", LACKS, ids=str)
def test_a_lack_of_memory_is_no_damage_of_a_file(folder, monkeypatch, error) -> None:
    def read() -> None:
        with reading(folder / SHARD, "a file"):
            raise error

    monkeypatch.setattr(h5py, "File", raising(error))
    for work in (*everything(folder / "toy.h5"), read):
        with pytest.raises(type(error)) as caught:
            work()
        assert caught.value is error
    told = inspect(folder / SHARD)
    assert "memory: expected enough" in told


@pytest.mark.parametrize(
    "error", [*LACKS, RuntimeError("unable to mmap 8 bytes: Cannot allocate memory (12)")], ids=str
)
def test_a_lack_of_memory_is_no_damage_of_a_model(tmp_path, monkeypatch, error) -> None:
    save_model(tmp_path, *small_model())
    save_detector(tmp_path, Detector(8, 16), {}, 8)
    for load, names in {
        load_model: ("projcomp.networks.checkpoint.Denoiser", "projcomp.files.tensors.load_file"),
        load_detector: (
            "projcomp.evaluation.forward.Forward",
            "projcomp.evaluation.forward.load_file",
        ),
    }.items():
        for name in names:
            with monkeypatch.context() as patched:
                patched.setattr(name, raising(error))
                with pytest.raises(type(error)) as caught:
                    load(tmp_path)
            assert caught.value is error


@pytest.mark.parametrize(
    ("swap", "message"),
    [
        ({**SETTINGS, "dataset": "other"}, "differs in dataset"),
        ({**SETTINGS, "seed": 1}, "differs in seed"),
        ({**SETTINGS, "more": 1}, "differs in more"),
    ],
)
def test_another_datasets_shard_is_read_by_nobody(folder, swap, message: str) -> None:
    write_toy_shard(folder / SHARD, 1, swap)
    for work in everything(folder / "toy.h5"):
        told = line(work)
        assert SHARD in told
        assert message in told


def test_another_shard_of_the_dataset_is_read_by_nobody(folder) -> None:
    shutil.copy(folder / "toy/shard-00002.h5", folder / SHARD)
    for work in everything(folder / "toy.h5"):
        assert f"{SHARD}: shard 1 expected, got shard 2" in line(work)


def test_a_shard_of_another_length_is_read_by_nobody(folder) -> None:
    with h5py.File(folder / SHARD, "r+") as file:
        for name in list(file):
            _replace(name, lambda x: x[1:])(file)
    for work in everything(folder / "toy.h5"):
        assert f"{COUNT} images" in line(work)


def test_a_shard_swapped_after_the_check_is_found_when_it_is_opened(folder) -> None:
    for swap in (
        lambda path: write_toy_shard(path, 1, {**SETTINGS, "seed": 1}),
        lambda path: write_toy_shard(path, 2),
        lambda path: path.unlink(),
        lambda path: path.write_bytes(path.read_bytes()[:3000]),
    ):
        with open_dataset(folder / "toy.h5") as file:
            reader = ImageReader(shards_behind(file))
        swap(folder / SHARD)
        assert SHARD in line(lambda r=reader: r.read(range(12)))
        write_toy_shard(folder / SHARD, 1)


def test_an_index_that_does_not_say_where_all_its_images_are_is_refused(folder) -> None:
    path = folder / "toy.h5"
    with h5py.File(path, "r+") as file:
        del file["images"]
        file["images"] = np.zeros((12, 8, 8, 3), np.uint8)
    assert all("images of its own" in line(work) for work in everything(path))
    layout = h5py.VirtualLayout((12, 8, 8, 3), np.uint8)
    layout[0:4] = h5py.VirtualSource("toy/shard-00000.h5", "images", (4, 8, 8, 3), np.uint8)
    with h5py.File(path, "r+") as file:
        del file["images"]
        file.create_virtual_dataset("images", layout)
    assert all("do not make up its 12 images" in line(work) for work in everything(path))


def test_a_link_to_an_index_finds_the_shards_beside_it_or_beside_the_file(folder) -> None:
    (folder / "elsewhere").mkdir()
    link = folder / "elsewhere" / "linked.h5"
    link.symlink_to("../toy.h5")
    for work in everything(link):
        work()
    assert validate(link) == []
    shutil.move(folder / "toy", folder / "elsewhere" / "toy")
    for work in everything(link):
        work()


FEW_FILES = """
import resource, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (24, 24))
from pathlib import Path
from projcomp.data.dataset import RenderedImages
print(int(RenderedImages(Path(sys.argv[1]), "none")._images.sum()))
"""


def test_more_shards_than_open_files_are_no_zeros(tmp_path) -> None:
    index = write_toy(tmp_path, shards=30)
    with h5py.File(index) as file:
        total = int(dataset(file, "images")[:].astype(np.int64).sum())
    command = [sys.executable, "-c", FEW_FILES, str(index)]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert int(told) == total


def test_what_was_never_written_is_found_by_a_check(folder) -> None:
    with h5py.File(folder / SHARD, "r+") as file:
        del file["images"]
        images = file.create_dataset("images", (4, 8, 8, 3), "u1", chunks=(1, 8, 8, 3))
        images[:3] = 1
    (problem,) = validate(folder / "toy.h5")
    assert "images that were never written" in problem


# damage: any byte of any file


def flipped(path: Path, where: float, mask: int, out: Path | None = None) -> Path:
    content = bytearray(path.read_bytes())
    content[int(where * len(content))] ^= mask
    (out or path).write_bytes(content)
    return out or path


ANY_BYTE = given(where=st.floats(0, 1, exclude_max=True), mask=st.integers(1, 255))
ANY_FILE = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=True,
)


def only_user_errors(work: Callable[[], object], name: str) -> None:
    try:
        work()
    except UserError as error:
        assert name in str(error)  # noqa: PT017
        assert len(str(error).splitlines()) == 1  # noqa: PT017


@pytest.mark.parametrize("name", [SHARD, "toy.h5"])
@ANY_FILE
@ANY_BYTE
def test_a_damaged_byte_of_a_dataset_is_one_line_that_names_the_file(
    whole, tmp_path, name, where, mask
) -> None:
    shutil.copytree(whole, tmp_path, dirs_exist_ok=True)
    flipped(tmp_path / name, where, mask)
    for work in (*everything(tmp_path / "toy.h5"), lambda: validate(tmp_path / "toy.h5")):
        only_user_errors(work, "toy.h5" if name == "toy.h5" else name)


def test_every_byte_of_an_index_is_under_its_seal(whole, tmp_path) -> None:
    """HDF5 itself dies by a signal over many bytes of an index, so it must not see one."""
    index, content = tmp_path / "toy.h5", (whole / "toy.h5").read_bytes()
    for place in range(len(content)):
        index.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        if is_broken(index):
            continue
        with open_index(index) as file:  # the seal is not one any more, and all else is whole
            assert place > len(content) - 100
            assert len(shards_behind(file).parts) == 3
    assert "check sum" in line(lambda: open_index(flipped(whole / "toy.h5", 0.5, 1, index)))


@pytest.mark.parametrize("libver", ["earliest", "latest"])
def test_who_changes_a_sealed_file_breaks_no_seal(tmp_path, libver) -> None:
    path = tmp_path / "a.h5"
    with write_hdf5(path, libver=libver) as file:
        file["x"] = np.arange(5)
    sealed = path.read_bytes()
    for change in (lambda file: file.attrs.__setitem__("more", 3), lambda file: None):
        path.write_bytes(sealed)
        with h5py.File(path, "r+") as file:
            change(file)
        with open_hdf5(path, "a file") as file:
            assert list(dataset(file, "x")) == list(range(5))


@pytest.mark.parametrize("name", [SHARD, "toy.h5", "s.h5"])
def test_what_we_write_is_sealed(whole, tmp_path, name) -> None:
    assert not is_broken(whole / name)
    assert is_broken(flipped(whole / name, 0.5, 1, tmp_path / "a.h5"))


@ANY_FILE
@ANY_BYTE
def test_a_damaged_byte_of_samples_is_one_line(whole, tmp_path, where, mask) -> None:
    path = Path(shutil.copy(whole / "s.h5", tmp_path))
    flipped(path, where, mask)
    only_user_errors(lambda: read_samples(path), "s.h5")


@pytest.mark.parametrize("name", ["model.json", "weights.safetensors"])
@ANY_FILE
@ANY_BYTE
def test_a_damaged_byte_of_a_model_is_one_line(tmp_path, name, where, mask) -> None:
    model, description = small_model()
    save_model(tmp_path, model, description)
    flipped(tmp_path / name, where, mask)
    if name == "model.json":  # a digit of a size may have become another
        only_user_errors(lambda: load_model(tmp_path), str(tmp_path))
    else:
        assert name in line(lambda: load_model(tmp_path))


def small_model() -> tuple[Denoiser, dict]:
    from projcomp.config.learning import NetworkConfig

    network = NetworkConfig.model_validate(
        {"channels": 8, "multipliers": [1], "blocks": 1, "attention_resolutions": []}
    )
    torch.manual_seed(0)
    description = {"network": network.model_dump(), "resolution": 8, "condition": "none"}
    return Denoiser(network, 8, "none"), description


def test_pixels_that_are_damaged_name_their_shard_to_every_reader(folder) -> None:
    with h5py.File(folder / SHARD) as file:
        place = dataset(file, "images").id.get_chunk_info(2)
    content = bytearray((folder / SHARD).read_bytes())
    content[place.byte_offset + 30] ^= 1
    (folder / SHARD).write_bytes(content)
    readers = everything(folder / "toy.h5")
    for number in (1, 2, 3, 4):
        told = line(readers[number])
        assert SHARD in told
        assert DELETE in told
    (problem,) = validate(folder / "toy.h5")
    assert SHARD in problem


@pytest.mark.parametrize("table", ["num_objects", "objects"])
def test_tables_that_are_damaged_name_their_shard(folder, table: str) -> None:
    with h5py.File(folder / SHARD) as file:
        place = dataset(file, table).id.get_chunk_info(0)
    content = bytearray((folder / SHARD).read_bytes())
    content[place.byte_offset + 1] ^= 1
    (folder / SHARD).write_bytes(content)
    readers = everything(folder / "toy.h5")
    assert all(SHARD in line(readers[number]) for number in (0, 2, 3, 4))


@pytest.mark.parametrize(
    ("tensors", "message"),
    [
        ({"weight": torch.zeros(3, 2)}, "no tensor bias"),
        ({"weight": torch.zeros(2, 3), "bias": torch.zeros(3)}, "weight of shape (2, 3)"),
        ({"weight": torch.zeros(3, 2), "bias": torch.zeros(3, dtype=torch.int32)}, "bias of type"),
        ({"weight": torch.full((3, 2), torch.nan), "bias": torch.zeros(3)}, "what is no number"),
        (
            {"weight": torch.zeros(3, 2), "bias": torch.zeros(3), "more": torch.zeros(1)},
            "a tensor more too many",
        ),
    ],
)
def test_weights_that_do_not_fit_are_named(tmp_path, tensors, message: str) -> None:
    path = tmp_path / "weights.safetensors"
    for summed in (True, False):
        write_tensors(path, tensors, summed=summed)
        work = lambda: load_weights(path, torch.nn.Linear(2, 3), "weights", "train")  # noqa: E731
        assert message in line(work)


def test_weights_without_a_check_sum_are_read_as_before(tmp_path) -> None:
    layer = torch.nn.Linear(2, 3)
    write_tensors(tmp_path / "w", {"weight": torch.ones(3, 2), "bias": torch.zeros(3)})
    load_weights(tmp_path / "w", layer, "weights", "train")
    assert torch.equal(layer.weight, torch.ones(3, 2))


# tables and samples of other cases

HEADER = "experiment,case,success,seconds\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (HEADER + "A,k2,1,0.5\nA,k2,1,0.5,7\n", "5 fields in line 3, not 4"),
        (HEADER + "A,k2,1,0.5,7\n", "5 fields in line 2, not 4"),
        (HEADER + "A,k2,1,0.5\nA,k", "2 fields in line 3, not 4"),
        (HEADER + "A,k2,1,half\n", "'half' for a number in seconds"),
        (HEADER + 'A,k2,1,"0.5\n', "unexpected end of data"),
        (HEADER + "A,k2,\0,1\n", "bytes that are no text"),
        ("experiment,case\nA,k2\n", "no column success, seconds"),
        ("\n\n", "No columns"),
    ],
)
def test_tables_that_came_to_harm_are_one_line(tmp_path, text: str, message: str) -> None:
    path = tmp_path / "k2.csv"
    path.write_text(text)
    columns = ("experiment", "case", "success", "seconds")
    assert message in line(lambda: read_table(path, columns, "evaluate"))


def test_tables_with_missing_numbers_and_blank_lines_stay_readable(tmp_path) -> None:
    path = tmp_path / "k2.csv"
    path.write_text(HEADER + "A,k2,,inf\n\nA,k2,1,\n")
    table = read_table(path, ("experiment", "case", "success", "seconds"), "evaluate")
    assert len(table) == 2
    check_rates(table, ("success",), path, "evaluate")
    path.write_text(HEADER + "A,k2,7,1\n")
    table = read_table(path, ("experiment", "case", "success", "seconds"), "evaluate")
    told = line(lambda: check_rates(table, ("success",), path, "evaluate"))
    assert "7 for 0 or 1 in success" in told


@pytest.mark.parametrize("name", ["NA", "None", "null", "nan", "N/A"])
def test_an_experiment_may_have_a_name_that_others_take_for_nothing(tmp_path, name: str) -> None:
    path = tmp_path / "k2.csv"
    path.write_text(HEADER + f"{name},k2,1,2\n{name},k2,,1\n")
    table = read_table(path, ("experiment", "case", "success", "seconds"), "evaluate")
    assert table["experiment"].tolist() == [name, name]
    assert table["success"].isna().tolist() == [False, True]


@pytest.mark.parametrize("odd", ["1_000", "NA", "nan of it"])
def test_what_is_no_number_is_named(tmp_path, odd: str) -> None:
    path = tmp_path / "k2.csv"
    path.write_text(HEADER + f"A,k2,1,2\nA,k2,1,{odd}\n")
    columns = ("experiment", "case", "success", "seconds")
    told = line(lambda: read_table(path, columns, "evaluate"))
    assert f"one with {odd!r} for a number in seconds" in told


def test_samples_of_another_case_or_experiment_are_refused(whole) -> None:
    path = whole / "s.h5"
    read_samples(path, "k0", "A")
    assert "samples of the case k1 expected, got those of k0" in line(
        lambda: read_samples(path, "k1", "A")
    )
    assert "samples of the experiment B expected" in line(lambda: read_samples(path, "k0", "B"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_replace("images", lambda x: x.astype("f4")), "images of another type"),
        (_replace("images", lambda x: x[:0]), "no images"),
        (_replace("locations", lambda x: np.zeros((2, 3))), "places of another type"),
        (_replace("colors", lambda x: np.arange(3)), "colours of another type"),
        (_replace("measured/acceptance", lambda x: x[1:]), "measured of each of 3 images"),
        (_replace("measured/acceptance", lambda x: x.astype("S3")), "measured of each of 3"),
        (_replace("measured/acceptance", lambda x: x * np.nan), "no number in acceptance"),
        (_attribute("case", np.arange(3)), "no case"),
        (_instead("locations", "group"), "no dataset 'locations'"),
    ],
)
def test_what_samples_must_not_be_is_one_line(folder, change, message: str) -> None:
    with h5py.File(folder / "s.h5", "r+") as file:
        change(file)
    assert message in line(lambda: read_samples(folder / "s.h5"))
