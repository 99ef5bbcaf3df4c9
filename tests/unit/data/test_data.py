import json
import os
import shutil

import h5py
import numpy as np
import pytest
from PIL import Image
from toy_dataset import open_dataset
from typer.testing import CliRunner

from projcomp import seeds
from projcomp.cli import app
from projcomp.config.scenes import SceneConfig
from projcomp.data import reader
from projcomp.data.describe import describe
from projcomp.data.hdf5 import dataset
from projcomp.data.images import read_samples, write_samples
from projcomp.data.index import build_index, shards_behind
from projcomp.data.picture import Picture
from projcomp.data.preview import draw_preview
from projcomp.data.shard_format import DATASETS, scene_of
from projcomp.data.shards import check_shard, write_shard
from projcomp.data.validate import validate
from projcomp.errors import FileFormatError
from projcomp.scenes.placement import generate_scene
from projcomp.scenes.spec import SceneSpec
from projcomp.settings.case import Case

SCENE = SceneConfig(sizes=["large", "small"], camera_jitter=0.5, light_jitter=1.0)
SETTINGS = {"dataset": "toy", "seed": 0, "min_objects": 0, "max_objects": 3, "shard_size": 4}
SIZE = (8, 6)


def _pictures(shard: int, count: int = 4) -> list[tuple[SceneSpec, Picture]]:
    pictures = []
    for index in range(shard * count, (shard + 1) * count):
        rng = seeds.generator(0, "toy", index)
        image = rng.integers(0, 256, (SIZE[1], SIZE[0], 3), dtype=np.uint8)
        scene = generate_scene(rng, SCENE, 0, 3)
        mask = rng.integers(0, len(scene.objects) + 1, image.shape[:2], dtype=np.uint8)
        pictures.append((scene, Picture(image, mask)))
    return pictures


def _write(path, shard: int, settings=SETTINGS, max_objects: int = 3) -> None:
    write_shard(
        path,
        _pictures(shard),
        count=4,
        size=SIZE,
        max_objects=max_objects,
        settings=settings,
        attributes={"seed": 0, "shard": shard},
    )


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "toy").mkdir()
    paths = [tmp_path / "toy" / f"shard-{i:05d}.h5" for i in range(3)]
    for i, path in enumerate(paths):
        _write(path, i)
    build_index(paths, tmp_path / "toy.h5")
    return tmp_path


def _all(file: h5py.File) -> tuple[list[Picture], list[SceneSpec]]:
    images, masks, objects, number, camera, lights = (dataset(file, name)[:] for name in DATASETS)
    rows = zip(objects, number, camera, lights, strict=True)
    pictures = [Picture(*pair) for pair in zip(images, masks, strict=True)]
    return pictures, [scene_of(o, int(n), c, li) for o, n, c, li in rows]


def test_the_index_gives_back_images_and_scenes_exactly(folder) -> None:
    expected = [p for shard in range(3) for p in _pictures(shard)]
    with open_dataset(folder / "toy.h5") as file:
        pictures, scenes = _all(file)
    assert scenes == [scene for scene, _ in expected]
    for got, (_, wanted) in zip(pictures, expected, strict=True):
        np.testing.assert_array_equal(got.image, wanted.image)
        np.testing.assert_array_equal(got.mask, wanted.mask)


@pytest.mark.parametrize("most_open", [1, 2, 256])
def test_images_are_read_in_any_order_from_however_few_open_shards(
    folder, monkeypatch, most_open: int
) -> None:
    monkeypatch.setattr(reader, "MAX_OPEN", most_open)
    expected = np.stack([p[1].image for shard in range(3) for p in _pictures(shard)])
    with open_dataset(folder / "toy.h5") as file:
        images = reader.ImageReader(shards_behind(file))
    for index in ([11, 0, 5, 5, 3, 4], [7], [], list(range(12))):
        np.testing.assert_array_equal(images.read(index), expected[np.array(index, dtype=int)])
        assert len(images._open) <= most_open


def test_rows_say_where_the_mask_shows_each_object(folder) -> None:
    width, height = SIZE
    with open_dataset(folder / "toy.h5") as file:
        masks, rows = dataset(file, "masks")[:], dataset(file, "objects")[:]
        numbers = dataset(file, "num_objects")[:]
    for mask, objects, count in zip(masks, rows, numbers, strict=True):
        for i, row in enumerate(objects):
            y, x = np.nonzero(mask == i + 1) if i < count else ([], [])
            assert row["mask_pixels"] == len(y)
            box = (
                (min(x) / width, min(y) / height, (max(x) + 1) / width, (max(y) + 1) / height)
                if len(y)
                else (0, 0, 0, 0)
            )
            np.testing.assert_allclose(row["box"], box, rtol=1e-6)


def test_one_image_is_one_chunk_and_enums_carry_their_names(folder) -> None:
    with h5py.File(folder / "toy" / "shard-00000.h5") as file:
        assert dataset(file, "images").chunks == (1, SIZE[1], SIZE[0], 3)
        names = h5py.check_enum_dtype(dataset(file, "objects").dtype["color"])
    assert names is not None
    assert names["gray"] == 0
    assert names["yellow"] == 7


def test_the_folder_can_move_and_be_read_from_anywhere(
    folder, tmp_path_factory, monkeypatch
) -> None:
    target = tmp_path_factory.mktemp("moved") / "data"
    shutil.copytree(folder, target)
    shutil.rmtree(folder)
    monkeypatch.chdir(target.parent)
    with open_dataset(target / "toy.h5") as file:
        assert _all(file)[1][5] == _pictures(1)[1][0]
    with open_dataset("data/toy.h5") as file:
        assert _all(file)[1][5] == _pictures(1)[1][0]


def test_a_missing_shard_is_an_error_and_not_zeros(folder) -> None:
    os.unlink(folder / "toy" / "shard-00001.h5")
    with pytest.raises(FileFormatError, match=r"shard-00001\.h5"):
        open_dataset(folder / "toy.h5")


def test_a_shard_of_a_dataset_without_objects(tmp_path) -> None:
    empty = SceneConfig()
    scene = generate_scene(seeds.generator(0, "e"), empty, 0, 0)
    path = tmp_path / "shard-00000.h5"
    write_shard(
        path,
        [(scene, Picture(np.zeros((6, 8, 3), np.uint8), np.zeros((6, 8), np.uint8)))],
        count=1,
        size=SIZE,
        max_objects=0,
        settings={},
        attributes={"shard": 0},
    )
    build_index([path], tmp_path / "index.h5")
    with open_dataset(tmp_path / "index.h5") as file:
        assert _all(file)[1] == [scene]


@pytest.mark.parametrize("keep", [0, 100, 5000])
def test_truncated_shards_are_named(folder, keep: int) -> None:
    path = folder / "toy" / "shard-00002.h5"
    content = path.read_bytes()
    assert len(content) > keep
    path.write_bytes(content[:keep])
    with pytest.raises(FileFormatError, match=r"shard-00002\.h5"):
        check_shard(path)
    with pytest.raises(FileFormatError, match=r"shard-00002\.h5"):
        open_dataset(folder / "toy.h5")


def test_foreign_files_are_named(folder, tmp_path) -> None:
    text, foreign = tmp_path / "text.h5", tmp_path / "foreign.h5"
    text.write_text("not HDF5")
    with h5py.File(foreign, "w") as file:
        file["images"] = np.zeros((2, 8, 8, 3), np.uint8)
    for path in (text, foreign, tmp_path / "absent.h5", folder / "toy.h5"):
        with pytest.raises(FileFormatError, match=path.name):
            check_shard(path)
        with pytest.raises(FileFormatError, match=path.name):
            read_samples(path)
    with pytest.raises(FileFormatError, match="projcomp shard"):
        open_dataset(folder / "toy" / "shard-00000.h5")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: f.attrs.__setitem__("format", 99), "format 99"),
        (lambda f: f.attrs.__setitem__("vocabulary", "{}"), "vocabulary"),
        (lambda f: f.attrs.__delitem__("settings"), "no settings"),
        (lambda f: f.__delitem__("camera"), "camera"),
        (lambda f: f["camera"].resize((2, 3)), "lengths"),
    ],
)
def test_damaged_layouts_say_what_is_wrong(folder, change, message) -> None:
    path = folder / "toy" / "shard-00000.h5"
    with h5py.File(path, "r+") as file:
        if message == "lengths":
            del file["camera"]
            file.create_dataset("camera", data=np.zeros((4, 3)), maxshape=(None, 3))
        change(file)
    with pytest.raises(FileFormatError, match=rf"shard-00000\.h5.*{message}"):
        check_shard(path)


def test_other_settings_and_misplaced_shards_are_refused(folder, tmp_path) -> None:
    path = folder / "toy" / "shard-00001.h5"
    check_shard(path, SETTINGS)
    with pytest.raises(FileFormatError, match=r"shard-00001\.h5.* seed,? ?.*delete"):
        check_shard(path, {**SETTINGS, "seed": 1})
    shards = [folder / "toy" / f"shard-0000{i}.h5" for i in (0, 2)]
    with pytest.raises(FileFormatError, match=r"shard-00002\.h5: shard 1 expected"):
        build_index(shards, tmp_path / "index.h5")
    _write(path, 1, {**SETTINGS, "seed": 5})
    with pytest.raises(FileFormatError, match=r"shard-00001\.h5"):
        build_index([shards[0], path], tmp_path / "index.h5")
    assert not (tmp_path / "index.h5").exists()


def test_a_shard_that_fails_leaves_nothing_behind(tmp_path) -> None:
    def failing():
        yield _pictures(0)[0]
        raise KeyboardInterrupt

    target = {"size": SIZE, "max_objects": 3, "settings": {}, "attributes": {}}
    with pytest.raises(KeyboardInterrupt):
        write_shard(tmp_path / "a.h5", failing(), count=4, **target)
    with pytest.raises(ValueError, match="4 pictures expected, got 1"):
        write_shard(tmp_path / "a.h5", _pictures(0)[:1], count=4, **target)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "case",
    [
        Case(name="k2", locations=[(0.25, 0.5), (0.75, 0.5)]),
        Case(name="red-blue", colors=["red", "blue"]),
        Case(name="k0"),
    ],
)
def test_samples_round_trip(tmp_path, case: Case) -> None:
    images = np.random.default_rng(0).integers(0, 256, (3, 8, 8, 3), dtype=np.uint8)
    attrs = {"seed": 3, "settings": json.dumps({"a": 1}), "weights": np.arange(3.0)}
    write_samples(tmp_path / "s.h5", images, case, attrs)
    taken = read_samples(tmp_path / "s.h5")
    np.testing.assert_array_equal(taken.images, images)
    np.testing.assert_array_equal(taken.locations, np.array(case.locations).reshape(-1, 2))
    assert taken.colors == case.colors
    assert taken.attrs["case"] == case.name
    assert taken.attrs["seed"] == 3
    np.testing.assert_array_equal(taken.attrs["weights"], attrs["weights"])


def test_damaged_sample_pixels_are_named(tmp_path) -> None:
    path = tmp_path / "s.h5"
    images = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3), dtype=np.uint8)
    write_samples(path, images, Case(name="k0"), {})
    with h5py.File(path) as file:
        place = dataset(file, "images").id.get_chunk_info(1)
    content = bytearray(path.read_bytes())
    content[place.byte_offset + 20 : place.byte_offset + 200] = bytes(180)
    path.write_bytes(bytes(content))
    with pytest.raises(FileFormatError, match=r"s\.h5"):
        read_samples(path)


def test_samples_must_be_pictures(tmp_path) -> None:
    with pytest.raises(ValueError, match="uint8"):
        write_samples(tmp_path / "s.h5", np.zeros((2, 8, 8, 3)), Case(name="k0"), {})  # pyright: ignore


def test_preview_shows_the_first_images_of_index_or_shard(folder) -> None:
    for source, columns in (("toy.h5", 12), ("toy/shard-00000.h5", 4)):
        draw_preview(folder / source, folder / "p.png")
        with Image.open(folder / "p.png") as sheet:
            pixels = np.asarray(sheet.convert("RGB"))
        factor = 12  # 8 pixels wide, magnified to 96
        assert pixels.shape[1] == 2 + columns * (8 * factor + 2)
        first = pixels[22 : 22 + 6 * factor : factor, 2 : 2 + 8 * factor : factor]
        # the number of objects is written over the upper left corner
        np.testing.assert_array_equal(first[3:], _pictures(0)[0][1].image[3:])
    with pytest.raises(FileFormatError, match=r"absent\.h5"):
        draw_preview(folder / "absent.h5", folder / "p.png")


def test_describe_counts_what_there_is(folder) -> None:
    scenes = [scene for shard in range(3) for scene, _ in _pictures(shard)]
    objects = [item for scene in scenes for item in scene.objects]
    cubes = sum(item.shape == "cube" for item in objects)
    lines = describe(folder / "toy.h5").splitlines()
    assert f"{folder / 'toy.h5'}: 12 images of 8 x 6 in 3 shards" in lines[0]
    assert 'setting dataset: "toy"' in lines
    assert f"objects: {len(objects)}" in lines
    share = f"cube {cubes} ({100 * cubes / len(objects):.1f} %)"
    assert any(line.startswith("shape: ") and share in line for line in lines)
    seen = sorted(item.visible_pixels for item in objects)
    assert any(f"visible pixels at 320 x 240: {seen[0]} to {seen[-1]}" in line for line in lines)
    assert "12 images" not in describe(folder / "toy" / "shard-00001.h5")
    assert "4 images" in describe(folder / "toy" / "shard-00001.h5")


def test_a_whole_dataset_has_no_problems(folder) -> None:
    assert validate(folder / "toy.h5") == []
    assert validate(folder / "toy" / "shard-00001.h5") == []


def _flip_a_byte_of_an_image(path) -> None:
    _flip_a_byte(path, "images", 2)


def _flip_a_byte_of_a_table(path) -> None:
    _flip_a_byte(path, "camera", 0)


def _unsealed(damage):
    """The same damage to a file without a check sum of all its bytes, as those of old are."""

    def apply(path) -> None:
        with h5py.File(path, "r+") as file:
            file.attrs["more"] = 1
        damage(path)

    return apply


def _flip_a_byte(path, name: str, chunk: int) -> None:
    with h5py.File(path, "r") as file:
        place = dataset(file, name).id.get_chunk_info(chunk).byte_offset
    with path.open("r+b") as file:
        file.seek(place + 20)
        byte = file.read(1)[0]
        file.seek(place + 20)
        file.write(bytes([byte ^ 0xFF]))


def _lie_about_a_mask(path) -> None:
    with h5py.File(path, "r+") as file:
        rows = dataset(file, "objects")[:]
        rows["mask_pixels"] += 1
        dataset(file, "objects")[:] = rows


def _break_a_label(path) -> None:
    with h5py.File(path, "r+") as file:
        rows = dataset(file, "objects")[:]
        rows["color"][0] = 200
        dataset(file, "objects")[:] = rows


def test_truncated_files_are_named_by_whoever_opens_them(folder) -> None:
    for name in ("toy.h5", "toy/shard-00000.h5"):
        path = folder / name
        path.write_bytes(path.read_bytes()[:3000])
        for work in (describe, lambda p: draw_preview(p, folder / "p.png")):
            with pytest.raises(FileFormatError, match="cannot open"):
                work(path)
        (problem,) = validate(path)
        assert problem.startswith(f"{path}: ")
        assert "cannot open" in problem


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (_flip_a_byte_of_an_image, "its check sum differs"),
        (_flip_a_byte_of_a_table, "its check sum differs"),
        (_unsealed(_flip_a_byte_of_an_image), "damaged data"),
        (_unsealed(_flip_a_byte_of_a_table), "damaged data"),
        (_lie_about_a_mask, "whose mask does not show what its table tells"),
        (_break_a_label, "a color of number 200 among 8"),
        (lambda path: path.write_bytes(path.read_bytes()[:4000]), "cannot open"),
        (lambda path: path.unlink(), "got no file"),
        (lambda path: _write(path, 2), "shard 1 expected, got shard 2"),
        (lambda path: _write(path, 1, {**SETTINGS, "seed": 1}), "differs in seed"),
    ],
)
def test_validate_names_every_bad_shard(folder, damage, message: str) -> None:
    paths = [folder / "toy" / f"shard-0000{number}.h5" for number in (1, 0)]
    damage(paths[0])
    paths[1].write_bytes(b"nothing")
    first, second = validate(folder / "toy.h5")
    assert str(paths[1]) in first
    assert str(paths[0]) in second
    assert message in second


def test_a_shard_damaged_since_is_named_by_who_reads_it(folder) -> None:
    with open_dataset(folder / "toy.h5") as file:
        images = reader.ImageReader(shards_behind(file))
    _flip_a_byte_of_an_image(folder / "toy" / "shard-00001.h5")
    with pytest.raises(FileFormatError, match=r"shard-00001\.h5: a whole shard expected"):
        images.read(range(12))


def test_inspect_says_all_that_it_can(folder) -> None:
    line = ["inspect", str(folder / "toy.h5"), "--check", "--sheet", str(folder / "sheet.png")]
    result = CliRunner().invoke(app, line)
    assert result.exit_code == 0
    assert "12 images of 8 x 6" in result.output
    assert "every image can be read" in result.output
    assert (folder / "sheet.png").stat().st_size > 100
    _flip_a_byte_of_an_image(folder / "toy" / "shard-00001.h5")
    result = CliRunner().invoke(app, line)
    assert result.exit_code == 1
    assert "shard-00001.h5" in result.output


def test_a_shard_alone_is_validated_too(folder) -> None:
    path = folder / "toy" / "shard-00001.h5"
    _flip_a_byte_of_an_image(path)
    (problem,) = validate(path)
    assert "delete it" in problem
