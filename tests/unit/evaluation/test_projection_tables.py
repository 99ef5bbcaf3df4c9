"""Definition 4.1, distance and memorisation of made pictures, each wrong in a way that is known."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from toy_dataset import write_toy

from projcomp.data.images import write_samples
from projcomp.data.learned import read_learned
from projcomp.errors import FileFormatError
from projcomp.evaluation import detect
from projcomp.evaluation.crops import color_fields, of_colors
from projcomp.evaluation.detector import Detector, save_detector
from projcomp.evaluation.evaluate import COLUMNS
from projcomp.evaluation.heatmaps import Detections
from projcomp.evaluation.make_table import make_table
from projcomp.evaluation.tables import distance, memorised, projection
from projcomp.folder import Folder
from projcomp.scenes.shown_colors import shown_colors
from projcomp.scenes.vocabulary import COLORS, MATERIALS, SHAPES, SIZES
from projcomp.settings.case import Case
from projcomp.settings.report import TableSettings

SIDE = 16
PLACES = [(0.27, 0.27), (0.77, 0.52)]
ELSEWHERE = (0.27, 0.77)
NUMBER = 48
SMALL = list(SIZES).index("small")
PALETTE = np.array(list(COLORS.values()))
RADIUS = 0.12  # windows of 7 x 7, objects of 4 x 4


@dataclass
class Object:
    """A square at a place, of a colour, as visible as it says."""

    place: tuple[float, float]
    color: int
    visible: float = 1.0
    shift: int = 0


def picture(rng, objects):
    image = 128 + rng.normal(0, 2, (SIDE, SIDE, 3))
    for one in objects:
        column, row = (int(share * SIDE) for share in one.place)
        rows, columns = (
            slice(row - 1, row + 3),
            slice(column - 1 + one.shift, column + 3 + one.shift),
        )
        ground = image[rows, columns]
        image[rows, columns] = ground + one.visible * (PALETTE[one.color] - ground)
    return image.clip(0, 255).astype(np.uint8)


def pictures(rng, places, spoil=lambda objects, index: objects, number=NUMBER):
    """Objects of uniform colours at ``places``, then what ``spoil`` does with them."""
    found = []
    for index in range(number):
        objects = [Object(place, int(rng.integers(8))) for place in places]
        found.append(picture(rng, spoil(objects, index)))
    return np.stack(found)


def shifted(objects, _):
    objects[0].shift = 1
    return objects


def duplicated(objects, index):
    return [*objects, Object(ELSEWHERE, objects[0].color)] if index % 2 else objects


def dropped(objects, index):
    return objects[1:] if index % 4 else objects


def recoloured(objects, index):
    if index % 4:
        objects[0].color = 1
    return objects


def faded(objects, _):
    objects[0].visible = 0.5
    return objects


def right(objects, _):
    return objects


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """A run in which experiment ``X`` asks for both places, ``one`` for the first of them."""
    root, rng = tmp_path_factory.mktemp("run"), np.random.default_rng(0)
    folder = Folder(str(root))
    for name in ("X", "truth"):
        for case, places in {"k0": [], "k1": PLACES[:1], "k2": PLACES}.items():
            write(folder, name, case, places, pictures(rng, places))
    for spoil in (right, shifted, duplicated, dropped, recoloured, faded):
        write(folder, spoil.__name__, "k2", PLACES, pictures(rng, PLACES, spoil))
    save_detector(root / "models" / "detector", Detector(channels=4, resolution=SIDE), {}, 4)
    return root


def write(folder, experiment, case, places, images, unsure=0):
    write_counted(folder, experiment, case, [1] * len(images), unsure)
    asked = Case(name=case, locations=places)
    attrs = {} if experiment == "truth" else {"experiment": experiment}
    write_samples(folder.samples(experiment, case), images, asked, attrs)


def made(root, kind, cases, **changes):
    settings = TableSettings(
        format=1,
        name=kind,
        kind=kind,
        seed=1,
        confidence=0.95,
        bootstrap=200,
        cases=cases,
        radius=RADIUS,
        **changes,
    )
    out = root / "results" / f"{kind}.csv"
    make_table(kind, settings, root, out)
    return pd.read_csv(out, dtype={"projection": str})


def projected(root, experiment, cases=("k2",)):
    shown = {experiment: list(cases), "truth": list(dict.fromkeys([*cases, "k0"]))}
    return made(root, "projection", shown, drawn={"color": list(COLORS)}, threshold=0.5)


def p_values(table, subject="composed", against="truth", measure="energy"):
    rows = table[
        (table["subject"] == subject)
        & (table["against"] == against)
        & (table["measure"] == measure)
        & (table["num_composed"] == 2)
    ]
    return rows.set_index("projection")["p_value"].to_dict()


TOLD = {
    "right": set(),
    "shifted": {"1", "all"},
    "duplicated": {"rest"},
    "dropped": {"1", "all"},
    "recoloured": {"1", "all"},
    "faded": {"1", "all"},
}


@pytest.mark.parametrize("spoil", TOLD)
def test_what_is_spoilt_is_told_where_it_is(spoil, root):
    table = projected(root, spoil)
    p = p_values(table)
    assert set(p) == {"1", "2", "all", "rest"}
    assert {name for name, value in p.items() if value <= 0.01} == TOLD[spoil]
    # the truth is told from itself nowhere
    assert min(p_values(table, "truth").values()) > 0.01
    if TOLD[spoil]:
        mmd, classifier = (p_values(table, measure=name) for name in ("mmd", "classifier"))
        assert min(mmd[name] for name in TOLD[spoil]) <= 0.01
        # a line cannot tell colours that have faded on either side of the ground's
        assert spoil == "faded" or min(classifier[name] for name in TOLD[spoil]) <= 0.05


def test_projections_are_held_against_what_was_composed(root):
    table = projected(root, "X", ["k0", "k1", "k2"])
    assert set(p_values(table, against="conditional")) == {"1"}
    assert p_values(table, against="conditional")["1"] > 0.01
    assert p_values(table, "truth", "background")["rest"] > 0.01
    assert set(table["case"]) == {"k1", "k2"}
    ones = table[(table["projection"] == "1") & (table["measure"] == "energy")]
    lost = ones[ones["against"] == "truth"]["detects"]
    assert lost.between(0.2, 0.7).all()
    assert ones[ones["against"] == "conditional"]["detects"].isna().all()


def test_without_the_truth_the_composed_alone_are_compared(root):
    table = made(
        root, "projection", {"X": ["k0", "k1", "k2"]}, drawn={"color": ["red"]}, threshold=0.5
    )
    assert set(table["subject"]) == {"composed"}
    assert set(table["against"]) == {"conditional", "background", "uniform"}


def test_colours_at_the_places_are_held_against_uniform(root, monkeypatch):
    """A detector that finds a red object at the first place and every colour at the second."""

    def found(_, images, threshold):
        assert threshold == 0.5
        xy = np.array([PLACES[0], (0.75, 0.5), ELSEWHERE])
        return [
            Detections(xy, np.ones(3), np.array([1, i % 8, 2]), unsure=i % 4 == 0)
            for i in range(len(images))
        ]

    monkeypatch.setattr(projection, "detect", found)
    table = projected(root, "right")
    rows = table[(table["measure"] == "color") & (table["subject"] == "composed")]
    rows = rows.set_index("projection")
    assert rows["value"].to_dict() == pytest.approx({"1": 7 / 8, "2": 0, "all": 7 / 16})
    # of two places the least p-value counts twice
    assert rows["p_value"].to_dict() == pytest.approx({"1": 0.001, "2": 1, "all": 0.002})
    assert rows["floor"]["all"] == pytest.approx(rows["floor"][["1", "2"]].mean(), rel=1e-4)
    assert np.isnan(rows["critical"]["all"])
    assert rows["num_samples"].to_dict() == {"1": NUMBER, "2": NUMBER, "all": 2 * NUMBER}
    assert set(table["unsure"]) == {0.25}  # of every row of either subject


def test_places_that_make_up_for_each_other_are_none_the_nearer_to_uniform(root, monkeypatch):
    """Half of the colours at the one place, the others at the other, and all as often."""

    def found(_, images, threshold):
        del threshold
        colors = [np.array([i % 4, 4 + i % 4]) for i in range(len(images))]
        return [Detections(np.array(PLACES), np.ones(2), both) for both in colors]

    monkeypatch.setattr(projection, "detect", found)
    rows = projected(root, "right").query("measure == 'color' and subject == 'composed'")
    rows = rows.set_index("projection")
    assert rows["value"].to_dict() == pytest.approx({"1": 0.5, "2": 0.5, "all": 0.5})
    assert rows["p_value"]["all"] == pytest.approx(0.002)


def test_every_attribute_has_a_law_of_its_own(root, monkeypatch):
    """Of objects at the first place, all cubes, half of metal, and small where none should be."""

    def found(_, images, threshold):
        xy, one = np.array([PLACES[0], ELSEWHERE]), np.ones(2)
        return [
            Detections(xy, one, *(np.full(2, value) for value in (i % 8, 0, i % 2, SMALL)))
            for i in range(len(images))
        ]

    monkeypatch.setattr(projection, "detect", found)
    drawn = {"color": list(COLORS), "shape": list(SHAPES), "material": list(MATERIALS)}
    shown = {"right": ["k2"], "truth": ["k2", "k0"]}
    table = made(root, "projection", shown, drawn={**drawn, "size": ["large"]}, threshold=0.5)
    rows = table[(table["against"] == "uniform") & (table["projection"] == "1")]
    rows = rows[rows["subject"] == "composed"].set_index("measure")
    far = {"color": 0, "shape": 2 / 3, "material": 0, "size": 1}
    assert rows["value"].to_dict() == pytest.approx(far)
    assert {kind for kind, p in rows["p_value"].items() if p <= 0.01} == {"shape", "size"}
    assert rows.loc["size", "floor"] == 0


class Pixels:
    """Features that are known: the picture's mean colours in four quarters."""

    resolution = SIDE

    def features(self, images):
        half = SIDE // 2
        quarters = images.reshape(len(images), 2, half, 2, half, 3).mean((2, 4))
        return quarters.reshape(len(images), -1).astype(np.float32)


@pytest.mark.parametrize("spoil", ["right", "dropped", "recoloured", "duplicated"])
def test_the_distance_to_the_truth_grows_with_what_is_spoilt(spoil, root, monkeypatch):
    monkeypatch.setattr(distance, "load_detector", lambda _: Pixels())
    table = made(
        root, "distance", {spoil: ["k2"], "truth": ["k2"]}, places={"k2": PLACES}
    ).set_index(["subject", "measure"])
    value, p = table["value"], table["p_value"]
    truth = table.loc["truth"]
    assert truth.loc["frechet", "low"] < 0.3
    assert truth.loc["coverage", "value"] == pytest.approx(truth.loc["coverage", "floor"], abs=0.2)
    assert min(p["truth", "kernel"], p["truth", "frechet_raw"]) > 0.03
    told = p["composed", "frechet_raw"] <= 0.03 or p["composed", "kernel"] <= 0.03
    assert told == (spoil != "right")
    assert value["composed", "frechet"] < value["composed", "frechet_raw"]
    if spoil == "recoloured":
        assert table.loc[("composed", "diversity"), "high"] < 1.05


def test_requests_with_few_samples_are_taken_together(root, monkeypatch):
    """Of one case it is that case, by another name and without its number of places."""
    monkeypatch.setattr(distance, "load_detector", lambda _: Pixels())
    cases = {"dropped": ["k2"], "truth": ["k2"]}
    alone, together = (made(root, "distance", cases, places=p) for p in ({"k2": PLACES}, {}))
    assert set(together["case"]) == {"all"}
    assert together["num_composed"].isna().all()
    exact = alone["measure"].isin(["frechet_raw", "density", "coverage", "diversity"])
    chosen = exact & (alone["subject"] == "composed")
    assert together["value"][chosen].tolist() == pytest.approx(alone["value"][chosen].tolist())


def test_members_of_a_sweep_have_what_each_has_alone(root, monkeypatch):
    monkeypatch.setattr(distance, "load_detector", lambda _: Pixels())
    names, places = ("dropped", "recoloured"), {"k2": PLACES}
    cases = {name: ["k2"] for name in (*names, "truth")}
    together = made(root, "distance", cases, places=places)
    assert set(together["experiment"]) == set(cases)
    assert (together["subject"] == "truth").equals(together["experiment"] == "truth")
    for name in names:
        alone = made(root, "distance", {name: ["k2"], "truth": ["k2"]}, places=places)
        chosen = together[together["experiment"].isin([name, "truth"])]
        pd.testing.assert_frame_equal(chosen.reset_index(drop=True), alone)


def test_what_the_detector_doubts_of_either_subject_stands_beside_its_distance(
    root, tmp_path, monkeypatch
):
    monkeypatch.setattr(distance, "load_detector", lambda _: Pixels())
    folder = Folder(str(tmp_path))
    for experiment, doubted in {"X": (6, 3), "truth": (2, 0)}.items():
        for case, number in zip(("k1", "k2"), doubted, strict=True):
            images = pictures(np.random.default_rng(5), PLACES, number=12)
            write(folder, experiment, case, PLACES, images, np.arange(12) < number)
    cases = {"X": ["k1", "k2"], "truth": ["k1", "k2"]}
    for places, expected in (
        (dict.fromkeys(("k1", "k2"), PLACES), {"k1": (0.5, 2 / 12), "k2": (0.25, 0)}),
        ({}, {"all": (9 / 24, 2 / 24)}),
    ):
        table = made(tmp_path, "distance", cases, places=places)
        for (case, subject), rows in table.groupby(["case", "subject"]):
            share = expected[case][subject == "truth"]
            assert rows["unsure"].tolist() == pytest.approx([share] * len(rows), rel=1e-4)
        assert set(table["case"]) == set(expected)


def test_the_detectors_own_features_are_taken(root):
    table = made(root, "distance", {"X": ["k2"], "truth": ["k2"]}, places={"k2": PLACES})
    assert set(table["subject"]) == {"composed", "truth"}
    assert table["value"].notna().sum() > 8
    images = np.zeros((3, SIDE, SIDE, 3), np.uint8)
    with pytest.raises(FileFormatError, match="as the detector was trained on"):
        detect.features(Pixels(), images[:, :8])


def write_counted(folder, experiment, case, success, unsure=0):
    path = Path(folder.counted(experiment, case))
    path.parent.mkdir(parents=True, exist_ok=True)
    table = pd.DataFrame({"experiment": experiment, "case": case, "success": success})
    table = table.assign(unsure=np.multiply(unsure, 1))
    table.reindex(columns=pd.Index(COLUMNS)).to_csv(path, index=False)


@pytest.fixture
def copied(tmp_path, monkeypatch):
    """A run whose experiment ``copies`` shows training images, in which nothing is held out."""
    monkeypatch.setattr(memorised, "read_learned", read_seen)
    folder, rng = Folder(str(tmp_path)), np.random.default_rng(1)
    learned = pictures(rng, PLACES, number=150)
    np.save(tmp_path / "toy.npy", learned)
    copies = learned[40:60] ^ 1  # a grey level off
    # place by place from other images: no picture is a copy, and its places are
    parts = learned[60:80].copy()
    parts[:, :, SIDE // 2 :] = learned[80:100, :, SIDE // 2 :]
    for name, images in {
        "copies": copies,
        "parts": parts,
        "new": pictures(rng, PLACES, number=40),
        "truth": pictures(rng, PLACES, number=40),
    }.items():
        write(folder, name, "k2", PLACES, images)
        write_counted(folder, name, "k2", np.ones(len(images), int))
    return tmp_path


def read_seen(paths, shape, most):
    (path,) = paths
    learned = np.load(path.parents[1] / "toy.npy")
    assert learned.shape[1:] == shape
    yield learned[:70]
    yield learned[70:most]


def nearest(root, experiment, datasets=("toy",)):
    shown = {experiment: ["k2"], "truth": ["k2"]}
    table = made(
        root,
        "memorised",
        shown,
        places={"k2": PLACES},
        datasets=dict.fromkeys(datasets, 1.0),
    )
    return table.set_index("part")


def test_copies_of_training_images_are_nearer_than_new_renders(copied):
    table = nearest(copied, "copies")
    assert table["value"].tolist() == [1, 1]
    assert table["p_value"].tolist() == pytest.approx([0.001, 0.001])
    assert (table["nearest"] < 0.01).all()
    assert (table["nearest_of_truth"] > table["nearest"]).all()


def test_copies_of_objects_are_seen_in_the_windows(copied):
    table = nearest(copied, "parts")
    assert table.loc["places", "value"] == 1
    assert table.loc["places", "nearest"] == pytest.approx(0, abs=1e-3)
    assert table.loc["whole", "nearest"] > 0.01


def test_new_pictures_are_as_near_as_new_renders(copied):
    table = nearest(copied, "new")
    assert (table["low"] < 0.5).all()
    assert (table["high"] > 0.5).all()


def test_pictures_that_are_not_right_are_left_out(copied):
    doubted = [1, 0, 0, 0, 1] + [1] * 15
    write_counted(Folder(str(copied)), "copies", "k2", [1] * 5 + [0] * 15, doubted)
    write_counted(Folder(str(copied)), "truth", "k2", [1] * 40, [1] + [0] * 39)
    table = nearest(copied, "copies")
    assert table["num_samples"].tolist() == [5, 5]
    assert table["unsure"].tolist() == [0.4, 0.4]  # of those that are taken
    assert table["unsure_of_truth"].tolist() == [1 / 40, 1 / 40]
    write_counted(Folder(str(copied)), "copies", "k2", [0] * 20)
    table = nearest(copied, "copies")
    assert table["num_samples"].tolist() == [0, 0]
    assert table[["value", "unsure"]].isna().all(axis=None)
    write_counted(Folder(str(copied)), "copies", "k2", [1] * 3)
    with pytest.raises(
        FileFormatError, match=r"k2\.csv: expected a row for each of 20 images, got 3"
    ):
        nearest(copied, "copies")


def test_training_images_are_those_that_are_not_held_out(tmp_path):
    index = write_toy(tmp_path, shards=3)  # 12 images of 8 x 8, the last of them held out
    seen = list(read_learned([index], (8, 8, 3), most=11))
    assert [len(part) for part in seen] == [4, 4, 3]
    assert [len(part) for part in read_learned([index, index], (8, 8, 3), most=5)] == [4, 1] * 2
    assert sum(len(part) for part in read_learned([index], (8, 8, 3), most=99)) == 11
    with pytest.raises(
        FileFormatError, match=r"toy\.h5: images \(9, 9, 3\) expected, got \(8, 8, 3\)"
    ):
        list(read_learned([index], (9, 9, 3), most=5))


def test_one_image_has_rows_without_numbers(tmp_path):
    folder, rng = Folder(str(tmp_path)), np.random.default_rng(2)
    for name, number in {"X": 2, "truth": 1}.items():
        write(folder, name, "k0", [], pictures(rng, [], number=number))
        write(folder, name, "k2", PLACES, pictures(rng, PLACES, number=number))
    write_toy(tmp_path / "data", side=SIDE)
    save_detector(tmp_path / "models" / "detector", Detector(channels=4, resolution=SIDE), {}, 4)
    shown = {"X": ["k2"], "truth": ["k2"]}
    tables = [
        projected(tmp_path, "X"),
        made(tmp_path, "distance", shown, places={"k2": PLACES}),
        nearest(tmp_path, "X"),
    ]
    for table in tables:
        some = table[table["measure"] != "color"] if "measure" in table else table
        assert len(some)
        assert some["value"].isna().all()


def test_what_is_like_a_colour_is_told_where_it_is():
    shown = ((shown_colors() + 1) * 127.5).round()
    image = np.full((1, 8, 8, 3), 128.0)
    image[0, :4, 2:4] = shown[list(COLORS).index("blue")]  # two fields of 2 x 2 pixels
    fields = color_fields(image)
    blue, others = of_colors(fields, ["blue"]), of_colors(fields, ["red", "cyan"])
    expected = np.zeros((4, 4))
    expected[:2, 1] = 1
    assert blue.reshape(4, 4) == pytest.approx(expected, abs=0.02)
    assert others.shape == (1, 32)
    assert others == pytest.approx(0, abs=0.02)


def test_pairs_of_colours_are_held_against_single_ones(tmp_path):
    folder, rng = Folder(str(tmp_path)), np.random.default_rng(3)
    names, shown = list(COLORS), ((shown_colors() + 1) * 127.5).round()

    def squares(*colors, size=3):
        images = 128 + rng.normal(0, 2, (20, SIDE, SIDE, 3))
        for image in images:
            for color in colors:
                row, column = rng.integers(0, SIDE - size, 2)
                image[row : row + size, column : column + size] = shown[names.index(color)]
        return images.clip(0, 255).astype(np.uint8)

    def put(experiment, images, *colors):
        asked = Case(name="-".join(colors), colors=list(colors))
        attrs = {} if experiment == "truth" else {"experiment": experiment}
        write_samples(folder.samples(experiment, asked.name), images, asked, attrs)

    for experiment in ("X", "truth"):
        put(experiment, squares("red"), "red")
        put(experiment, squares("blue"), "blue")
    put("truth", squares("red", "blue"), "red", "blue")
    put("X", squares("red", "green"), "red", "blue")  # the blue one is green
    cases = ["red", "blue", "red-blue"]
    table = made(tmp_path, "projection", {"X": cases, "truth": cases})
    p = p_values(table)
    assert p["red"] > 0.01
    assert max(p["blue"], p["all"], p["rest"]) <= 0.01
    own = p_values(table, against="conditional")
    assert set(own) == {"red", "blue"}
    assert own["red"] > 0.01 >= own["blue"]
    assert min(p_values(table, "truth", "conditional").values()) > 0.01
    assert "color" not in set(table["measure"])
