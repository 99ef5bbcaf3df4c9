"""What commands may write over, and what is said where they cannot write."""

import errno
import io
import json
import os
import random
import socket
import stat
import warnings
import zipfile

import h5py
import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from toy_dataset import write_toy, write_toy_shard
from typer.testing import CliRunner

from projcomp.cli import app
from projcomp.data.images import write_samples
from projcomp.data.preview import draw_preview
from projcomp.errors import DiskError, OutputError
from projcomp.evaluation import count, evaluate, summary
from projcomp.evaluation.tables import interaction, mixture, selected, sweep
from projcomp.files import kinds as output_kinds
from projcomp.files.atomic import atomic_path, check_place, write_text
from projcomp.files.outputs import check_apart, check_output, check_outputs
from projcomp.files.tensors import write_tensors
from projcomp.settings.case import Case
from projcomp.theory import table as theory_table
from projcomp.training.sheets import remove_sheets

NOTES = "my notes\nof many years\n"


def run(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.output


def refused(*arguments: object) -> str:
    code, output = run(*arguments)
    assert code == 1
    assert output.startswith("error: ")
    assert output.count("\n") == 1
    return output


def places(folder) -> dict:
    """Places where nothing can or must be written, and what is said of them."""
    (folder / "folder").mkdir()
    (folder / "notes.txt").write_text(NOTES)
    (folder / "target.h5").write_text("the link's target")
    (folder / "link.h5").symlink_to(folder / "target.h5")
    (folder / "dangling.h5").symlink_to(folder / "nowhere.h5")
    os.mkfifo(folder / "pipe.h5")
    bound = socket.socket(socket.AF_UNIX)
    bound.bind(str(folder / "socket.h5"))
    bound.close()
    return {
        folder / "folder": "got a folder",
        folder / "notes.txt" / "below.h5": "below a file",
        folder / "notes.txt" / "deep" / "below.h5": "below a file",
        folder / "link.h5": f"a link to {folder / 'target.h5'}",
        folder / "dangling.h5": f"a link to {folder / 'nowhere.h5'}",
        folder / "pipe.h5": "got a pipe",
        folder / "socket.h5": "got a socket",
        folder / ("x" * 256): "a name that is too long",
        folder / "new" / ("y" * 256) / "out.h5": "a name that is too long",
        "/dev/null": "got a device",
        "/proc/out.h5": "a place that fails",
        "": "got a folder",
    }


def snapshot(folder) -> dict:
    return {
        path: path.read_bytes() if path.is_file() else stat.S_IFMT(path.lstat().st_mode)
        for path in sorted(folder.rglob("*"))
    }


def test_what_cannot_be_written_is_one_line_before_any_work(tmp_path) -> None:
    wrong = places(tmp_path)
    before = snapshot(tmp_path)
    for path, message in wrong.items():
        for write in (check_place, lambda p: write_text(p, "text")):
            with pytest.raises(OutputError) as caught:
                write(path)
            assert message in str(caught.value)
            assert "\n" not in str(caught.value)
            assert snapshot(tmp_path) == before
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)


@pytest.mark.parametrize(
    ("number", "kind", "message"),
    [
        (errno.EACCES, OutputError, "without permission"),
        (errno.EROFS, OutputError, "can only be read"),
        (errno.ENOSPC, DiskError, "a full disk"),
        (errno.EIO, DiskError, "a disk that can be written"),
    ],
)
def test_a_folder_that_refuses_is_one_line(tmp_path, monkeypatch, number, kind, message) -> None:
    # root may write everywhere, so that no permission would do here
    def refuse(path, flags, mode=0o777):
        raise OSError(number, os.strerror(number), str(path))

    monkeypatch.setattr(os, "open", refuse)
    for write in (check_place, lambda p: write_text(p, "text")):
        with pytest.raises(kind, match=message):
            write(tmp_path / "out.csv")


@pytest.mark.parametrize("name", ["n" * 242 + ".csv", "a." + "b" * 253, "é" * 125 + ".h5"])
def test_every_legal_name_can_be_written_and_its_leftovers_found(
    tmp_path, monkeypatch, name: str
) -> None:
    path = tmp_path / name
    check_place(path)
    write_text(path, "text")
    assert [entry.name for entry in tmp_path.iterdir()] == [name]

    def die(*arguments) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", die)
    with pytest.raises(KeyboardInterrupt):
        write_text(path, "new")
    assert path.read_text() == "text"
    assert len(list(tmp_path.iterdir())) == 1


def test_another_users_leftovers_stop_nobody(tmp_path, monkeypatch) -> None:
    """In a folder such as /tmp everybody may write, and remove what is their own."""
    other = tmp_path / f".other.{socket.gethostname()}-99999999.tmp.csv"
    other.write_text("half")
    unlink = type(other).unlink

    def refused(path, missing_ok=False) -> None:
        if path.name == other.name:
            raise PermissionError(errno.EPERM, os.strerror(errno.EPERM), str(path))
        unlink(path, missing_ok=missing_ok)

    monkeypatch.setattr(type(other), "unlink", refused)
    write_text(tmp_path / "mine.csv", "text")
    assert (tmp_path / "mine.csv").read_text() == "text"
    assert other.exists()


def test_a_folder_that_goes_away_meanwhile_is_one_line(tmp_path) -> None:
    path = tmp_path / "deep" / "out.csv"

    def write() -> None:
        with atomic_path(path) as temporary:
            temporary.unlink()
            path.parent.rmdir()
            temporary.write_text("text")

    with pytest.raises(OutputError, match="a place that fails"):
        write()


def test_a_link_made_meanwhile_is_not_replaced(tmp_path) -> None:
    (tmp_path / "target").write_text("kept")

    def write() -> None:
        with atomic_path(tmp_path / "out.csv") as temporary:
            temporary.write_text("new")
            (tmp_path / "out.csv").symlink_to("target")

    with pytest.raises(OutputError, match="a link to target"):
        write()
    assert (tmp_path / "target").read_text() == "kept"


def made_by_commands(folder) -> dict:
    """A file of every kind, by the kind's name."""
    write_toy(folder, shards=1)
    write_toy_shard(folder / "scenes.h5", 0)
    with h5py.File(folder / "scenes.h5", "r+") as file:
        del file.attrs["shard"]
    case = Case(name="k0")
    write_samples(folder / "samples.h5", np.zeros((1, 8, 8, 3), np.uint8), case, {})
    (folder / "weights.safetensors").write_bytes((2).to_bytes(8, "little") + b"{}")
    Image.new("RGB", (2, 2)).save(folder / "picture.png")
    Image.new("RGB", (2, 2)).save(folder / "picture.jpg")
    (folder / "figure.svg").write_text("<?xml version='1.0'?>\n<svg></svg>")
    model = {"network": {}, "resolution": 8, "condition": "none"}
    (folder / "model.json").write_text(json.dumps(model))
    (folder / "detector.json").write_text(json.dumps({"architecture": {}, "settings": {}}))
    tables = {
        "evaluate": evaluate.COLUMNS,
        "summarize": ("experiment", "case", "num_composed", "num_samples", *summary.MEASURES),
        "theory": theory_table.COLUMNS,
        "sweep": sweep.COLUMNS,
        "interaction": interaction.COLUMNS,
        "mixture": mixture.COLUMNS,
        "selected": selected.COLUMNS,
        "check-model": ("dataset", "part", "told", "sigma", "error"),
        "count": count.COLUMNS,
        "count --objects": count.OBJECT_COLUMNS,
    }
    for name, columns in tables.items():
        (folder / f"{name}.csv").write_text(",".join(columns) + "\n")
    kinds = output_kinds
    return {
        "toy/shard-00000.h5": kinds.SHARD,
        "scenes.h5": kinds.SCENES,
        "toy.h5": kinds.INDEX,
        "samples.h5": kinds.SAMPLES,
        "weights.safetensors": kinds.MODEL["weights.safetensors"],
        "picture.png": kinds.FIGURE_PNG,
        "picture.jpg": kinds.picture("a.JPG"),
        "figure.svg": kinds.FIGURE_SVG,
        "model.json": kinds.MODEL["model.json"],
        "detector.json": kinds.DETECTOR["detector.json"],
        **{
            f"{name}.csv": kinds.TABLES.get(name) or kinds.table_like(columns)
            for name, columns in tables.items()
        },
    }


def test_a_file_is_replaced_by_one_of_its_own_kind_alone(tmp_path) -> None:
    made = made_by_commands(tmp_path)
    (tmp_path / "notes.txt").write_text(NOTES)
    (tmp_path / "empty").touch()
    with h5py.File(tmp_path / "foreign.h5", "w") as file:
        file.attrs["kind"] = np.array(["a", "b"], dtype="S1")
    (tmp_path / "broken.h5").write_bytes((tmp_path / "toy.h5").read_bytes()[:300])
    for kind in made.values():
        check_output(tmp_path / "empty", kind)
        check_output(tmp_path / "new" / "file", kind)
        for name in (*made, "notes.txt", "foreign.h5", "broken.h5"):
            if made.get(name) is kind:
                check_output(tmp_path / name, kind)
                continue
            with pytest.raises(OutputError) as caught:
                check_output(tmp_path / name, kind)
            assert f"{kind.name} to replace expected" in str(caught.value)
    assert not (tmp_path / "new").exists()


def test_an_input_is_never_an_output_by_whatever_name(tmp_path) -> None:
    shard = tmp_path / "scenes.h5"
    write_toy_shard(shard, 0)
    os.link(shard, tmp_path / "other name.h5")
    with h5py.File(shard, "r+") as file:
        del file.attrs["shard"]
    for name in (shard, tmp_path / "." / "scenes.h5", tmp_path / "other name.h5"):
        with pytest.raises(OutputError, match="the command's own input"):
            check_output(name, output_kinds.SCENES, [shard])
    check_output(shard, output_kinds.SCENES, [tmp_path / "absent.json"])


def test_nothing_is_written_into_a_folder_that_is_read(tmp_path) -> None:
    pictures = tmp_path / "pictures"
    (pictures / "class").mkdir(parents=True)
    Image.new("RGB", (8, 8)).save(pictures / "class" / "0.png")
    (tmp_path / "link").symlink_to(pictures)
    kind = output_kinds.picture(tmp_path / "any.png")
    there = pictures / "class" / "0.png"
    new = pictures / "new.png"
    through = tmp_path / "link" / "class" / "0.png"
    for path in (there, new, through):
        with pytest.raises(OutputError, match="among the command's own inputs"):
            check_output(path, kind, [pictures])
    check_output(tmp_path / "pictures.png", kind, [pictures])


def test_a_file_that_may_only_be_read_is_replaced_as_any_other(tmp_path) -> None:
    """A rename asks the folder and not the file, and a table may have been kept from editors."""
    path = tmp_path / "table.csv"
    path.write_text("dataset,part,told,sigma\n")
    path.chmod(0o444)
    check_output(path, output_kinds.TABLES["check-model"])
    write_text(path, "new")
    assert path.read_text() == "new"


def test_an_output_in_use_is_called_so(tmp_path, monkeypatch) -> None:
    path = tmp_path / "samples.h5"
    write_samples(path, np.zeros((1, 8, 8, 3), np.uint8), Case(name="k0"), {})

    def refuse(*arguments: object, **options: object) -> None:
        raise BlockingIOError(errno.EAGAIN, "unable to lock file, errno = 11, error message = 'x'")

    monkeypatch.setattr(h5py, "File", refuse)
    with pytest.raises(OutputError, match=r"got one in use, .*: wait until it ends") as caught:
        check_output(path, output_kinds.SAMPLES)
    assert "move this one away" not in str(caught.value)


@pytest.mark.parametrize("kind", [np.array(["a", "b"], dtype=object), h5py.Empty("S1"), 3])
def test_an_odd_kind_of_an_output_is_looked_at_with_care(tmp_path, monkeypatch, kind) -> None:
    """Reading a text that damage has made many of takes the process along."""
    path = tmp_path / "odd.h5"
    with h5py.File(path, "w") as file:
        file.attrs["kind"] = kind
    read = h5py.AttributeManager.__getitem__

    def guarded(attributes, name):
        found = attributes.get_id(name)
        assert found.shape != (2,), "many texts are not read"
        return read(attributes, name)

    monkeypatch.setattr(h5py.AttributeManager, "__getitem__", guarded)
    with pytest.raises(OutputError, match="got an HDF5 file of another kind"):
        check_output(path, output_kinds.SAMPLES)


def test_folders_of_models_are_looked_through(tmp_path) -> None:
    out = tmp_path / "model"
    check_outputs(out, output_kinds.MODEL)
    assert not out.exists()
    out.mkdir()
    (out / "model.json").write_text('{"mine": 1}')
    with pytest.raises(OutputError, match=r"model\.json: a model's description to replace"):
        check_outputs(out, output_kinds.MODEL)


def test_a_training_removes_its_own_sheets_alone(tmp_path) -> None:
    samples = tmp_path / "samples"
    remove_sheets(samples)
    (samples / "A").mkdir(parents=True)
    for name in ("0000020480.png", "00000204800.png", "movie.gif", "mine.png", ".DS_Store"):
        (samples / name).touch()
    (samples / "0000000001.png").mkdir()
    remove_sheets(samples)
    left = {path.name for path in samples.iterdir()}
    assert left == {"A", "movie.gif", "mine.png", ".DS_Store", "0000000001.png"}


def test_a_folder_that_is_a_dangling_link_is_named(tmp_path) -> None:
    (tmp_path / "data").symlink_to(tmp_path / "gone")
    with pytest.raises(OutputError, match=r"data: a folder .* got a link to .*gone, which is not"):
        check_place(tmp_path / "data" / "x.h5")


def test_a_damaged_state_is_passed_over_and_notes_are_not(tmp_path) -> None:
    for content in (b"", bytes(100), random.Random(0).randbytes(50).replace(b"{", b"") + b"\0\xff"):
        (tmp_path / "state.safetensors").write_bytes(content)
        check_outputs(tmp_path, output_kinds.MODEL_STATE)
    (tmp_path / "state.safetensors").write_text(NOTES)
    with pytest.raises(OutputError, match="a training's state to replace expected, got a text"):
        check_outputs(tmp_path, output_kinds.MODEL_STATE)


@pytest.mark.parametrize(
    ("content", "ours"),
    [
        (b"images_seen,loss,heat\n1,2,3\n", True),
        (b"\xef\xbb\xbfimages_seen,loss\n", True),
        (b",images_seen,loss\n0,1,2\n", True),
        (b"images_se", True),
        (b"im\n", True),
        (b"images_se\n1,2\n", True),
        (bytes(500), True),
        (b"images_seen,lo" + bytes(500), True),
        (b"\x93\xff\x00\x01", True),
        (b"", True),
        (b"images\na.png\n", False),
        (b"epoch,loss\n1,0.5\n", False),
        (b"\nmy notes\n", False),
        (b"PK\x03\x04" + bytes(50), False),
    ],
)
def test_a_damaged_table_of_a_state_is_passed_over_and_a_foreign_one_is_not(
    tmp_path, content: bytes, ours: bool
) -> None:
    (tmp_path / "metrics.csv").write_bytes(content)
    if ours:
        check_outputs(tmp_path, output_kinds.MODEL_STATE)
        return
    with pytest.raises(OutputError, match=r"a training's table \(images_seen, loss, ...\) to"):
        check_outputs(tmp_path, output_kinds.MODEL_STATE)


def test_a_list_of_stops_is_ours_by_what_it_says(tmp_path) -> None:
    for content in (b"", bytes(9), b"20/48 images: stopped by SIGTERM; the state is saved\n"):
        (tmp_path / "stopped.txt").write_bytes(content)
        check_outputs(tmp_path, output_kinds.MODEL_STATE)
    (tmp_path / "stopped.txt").write_text("my bus stopped here\n")
    with pytest.raises(OutputError, match="a training's list of what stopped it to replace"):
        check_outputs(tmp_path, output_kinds.MODEL_STATE)


WEIGHTS = "weights.safetensors"
TENSORS = {"x": torch.zeros(3)}


@pytest.mark.parametrize(
    ("kinds", "description", "other"),
    [
        (output_kinds.MODEL, "model.json", "detector.json"),
        (output_kinds.DETECTOR, "detector.json", "model.json"),
    ],
)
def test_weights_are_ours_by_their_sum_or_by_what_describes_them(
    tmp_path, kinds, description: str, other: str
) -> None:
    path = tmp_path / WEIGHTS
    for metadata in (None, {"format": "pt"}):
        save_file(TENSORS, path, metadata)
        with pytest.raises(OutputError, match=r"weights to replace expected, got a safetensors"):
            check_outputs(tmp_path, kinds)
        (tmp_path / description).touch()
        check_outputs(tmp_path, kinds)
        (tmp_path / description).unlink()
    write_tensors(path, TENSORS, summed=True)
    for content in (path.read_bytes(), path.read_bytes()[:-4]):  # training mends a damaged one
        path.write_bytes(content)
        check_output(path, kinds[WEIGHTS])
    (tmp_path / other).touch()
    with pytest.raises(OutputError, match="weights to replace expected"):
        check_output(path, kinds[WEIGHTS])


def test_a_state_is_replaced_by_what_a_training_left(tmp_path) -> None:
    path = tmp_path / "state.safetensors"
    write_tensors(path, TENSORS, {"updates_made": "3", "average_count": "1", "settings": "{}"})
    whole = path.read_bytes()
    for content in (whole, whole[:-4], whole.replace(b'":"3"', b'":\0\0"')):
        path.write_bytes(content)
        check_outputs(tmp_path, output_kinds.MODEL_STATE)
    for make in (
        lambda: save_file(TENSORS, path),
        lambda: torch.save(TENSORS, path),
        lambda: h5py.File(path, "w").close(),
    ):
        make()
        with pytest.raises(OutputError, match="a training's state to replace expected"):
            check_outputs(tmp_path, output_kinds.MODEL_STATE)


def test_a_checkpoint_is_replaced_by_what_a_training_left(tmp_path) -> None:
    path = tmp_path / "detector.ckpt"
    saved = {"state_dict": {f"{n}": torch.zeros(2**16) for n in range(99)}, "loops": {"a": 1}}
    torch.save({**saved, "projcomp_settings": "{}"}, path)
    whole = path.read_bytes()
    for content in (whole, whole[:-1000], whole[:200], bytes(99), b""):
        path.write_bytes(content)
        check_outputs(tmp_path, output_kinds.DETECTOR_STATE)
    for make in (
        lambda: torch.save(saved, path),
        lambda: zipfile.ZipFile(path, "w").writestr("notes.txt", NOTES),
        lambda: save_file(TENSORS, path),
        lambda: path.write_text(NOTES),
    ):
        make()
        with pytest.raises(OutputError, match="a training's state to replace expected"):
            check_outputs(tmp_path, output_kinds.DETECTOR_STATE)


def test_two_outputs_need_two_places(tmp_path) -> None:
    check_apart(tmp_path / "a", tmp_path / "b", "--svg")
    (tmp_path / "link").symlink_to(tmp_path)
    for other in (tmp_path / "a", tmp_path / "c" / ".." / "a", tmp_path / "link" / "a"):
        with pytest.raises(OutputError, match="--svg: another place"):
            check_apart(other, tmp_path / "a", "--svg")


def test_commands_leave_what_is_not_theirs(tmp_path) -> None:
    index = write_toy(tmp_path)
    scenes = tmp_path / "scenes.json"
    scenes.write_text('{"scenes": []}')
    notes = tmp_path / "notes.txt"
    notes.write_text(NOTES)
    (tmp_path / "link.png").symlink_to(index)
    os.link(index, tmp_path / "index.png")
    shard = tmp_path / "toy" / "shard-00001.h5"
    before = snapshot(tmp_path)
    assert "the command's own input" in refused("render-scenes", scenes, scenes)
    assert "got a text file" in refused("render-scenes", scenes, notes)
    assert "got a projcomp dataset file" in refused("render-scenes", scenes, index)
    assert "scenes to replace expected" in refused("render-scenes", scenes, shard)
    for command in (("inspect", index, "--sheet"), ("preview", index, "--out")):
        for out in (notes, index, tmp_path / "sheet", tmp_path / "a.h5", tmp_path / "a.PNG.txt"):
            assert ".png, .jpg" in refused(*command, out)
        assert "a link to" in refused(*command, tmp_path / "link.png")
        assert "the command's own input" in refused(*command, tmp_path / "index.png")
        assert "below a file" in refused(*command, notes / "a.png")
    assert snapshot(tmp_path) == before


def suffixes() -> list[str]:
    """One suffix of every format in which Pillow writes colours, and some more."""
    found = {}
    for suffix, format_ in Image.registered_extensions().items():
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)
                Image.new("RGB", (9, 9)).save(io.BytesIO(), format_)
        except Exception:
            continue
        found[format_] = suffix
    more = (".png", ".PNG", ".Jpg", ".jfif", ".jp2", ".avif", ".ppm", ".tga", ".tif", ".bw")
    return sorted({*found.values(), *more})


@pytest.mark.filterwarnings("ignore:IM image format is deprecated")
@pytest.mark.parametrize("suffix", suffixes())
def test_every_suffix_that_is_offered_is_written_and_written_again(tmp_path, suffix) -> None:
    index, out = write_toy(tmp_path, shards=1), tmp_path / f"sheet{suffix}"
    for _ in range(2):
        code, output = run("inspect", index, "--sheet", out)
        assert (code, output.splitlines()[-1]) == (0, f"contact sheet: {out}")
    assert output_kinds.picture(out).is_one(out)
    out.write_text(NOTES)
    assert "to replace expected, got a text file" in refused("inspect", index, "--sheet", out)


@pytest.mark.parametrize("name", ["a.xbm", "a.h5", "a.grib", "a.palm", "a.xyz", "a", ".png"])
def test_a_suffix_that_no_sheet_can_have_is_refused_briefly(name: str) -> None:
    with pytest.raises(OutputError, match=r"suffix expected \(\.png, \.jpg, .*\.\.\.\), got"):
        output_kinds.picture(name)


def test_a_format_that_cannot_hold_the_sheet_is_one_line(tmp_path, monkeypatch) -> None:
    index = write_toy(tmp_path, shards=1)
    wide = Image.new("RGB", (20_000, 1))
    monkeypatch.setattr("projcomp.data.preview.contact_sheet", lambda *arguments: wide)
    with pytest.raises(OutputError, match=r"a format that can hold 20000 x 1 pixels"):
        draw_preview(index, tmp_path / "sheet.webp")
    draw_preview(index, tmp_path / "sheet.png")
