"""From the flags to the page: what it carries, and the one line of what it cannot be made of."""

import base64
import json
import re
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from in_node import in_node, needs_node
from numpy.typing import NDArray
from toy_dataset import write_singles
from toy_page import toy_collection
from toy_squares import square_pictures, write_squares
from typer.testing import CliRunner

from projcomp.cli import app
from projcomp.config.demo import places
from projcomp.data.shard_format import VOCABULARY
from projcomp.errors import OutputError
from projcomp.playground import page as pages
from projcomp.playground.page import arranged, make_page, write_page


def run(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["playground", *map(str, arguments)])
    return result.exit_code, result.output


def carried(text: str) -> tuple[dict[str, Any], NDArray[np.uint8]]:
    """What the programs are told, and all pictures ``(N, H, W, 3)``, read from a page."""

    def inside(name: str) -> str:
        found = re.search(rf'<script type="[^"]*" id="{name}">(.*?)</script>', text, re.DOTALL)
        assert found is not None
        return found[1]

    meta = json.loads(inside("meta"))
    both = inside("first-pictures").splitlines() + inside("other-pictures").splitlines()
    bundles = {int(line.split(" ")[0]): base64.b64decode(line.split(" ")[1]) for line in both}
    assert sorted(bundles) == list(range(len(both)))
    unpacked = [zlib.decompress(bundles[number]) for number in sorted(bundles)]
    rows = np.concatenate([np.frombuffer(one, np.uint8) for one in unpacked])
    rows = rows.reshape(-1, meta["height"], meta["width"], 3)
    return meta, np.cumsum(rows, 1, dtype=np.uint8)


def test_a_page_carries_its_pictures_to_the_bit() -> None:
    toy = arranged(toy_collection(), "position")
    meta, images = carried(make_page(toy_collection(), "toy", "position"))
    assert np.array_equal(images, np.concatenate([toy.images, toy.backgrounds]))
    assert (meta["count"], meta["backgrounds"]) == (len(toy.images), len(toy.backgrounds))
    assert np.allclose(np.reshape(meta["points"], (-1, 2)), toy.points, atol=1e-4)
    for name, (names, values) in toy.labels.items():
        assert meta["labels"][name] == {"names": names, "values": values.tolist()}


def test_pictures_that_are_asked_for_together_lie_together() -> None:
    toy = toy_collection()
    found = arranged(toy, "position")
    assert found.points is not None
    first = np.linalg.norm(found.points - places()["apart"][0], axis=1)
    assert np.allclose(first[:32], 0)  # as many lie at each place
    assert first[32] > 0
    by_color = arranged(toy, "color").labels["color"][1]
    assert (np.diff(by_color.astype(int)) >= 0).all()
    numbers = np.arange(len(toy.images), dtype=np.uint16)
    found = arranged(replace(toy, labels={"color": ([], numbers)}), "position")
    order = found.labels["color"][1]  # labels and points go with their pictures
    assert np.array_equal(np.sort(order), numbers)
    assert np.array_equal(found.images, toy.images[order])
    assert np.array_equal(found.points, toy.points[order])


@needs_node
def test_what_a_page_shows_first_stands_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "BUNDLE", 16)
    monkeypatch.setattr(pages, "MOST", 24)
    meta, _ = carried(make_page(toy_collection(), "toy", "position"))
    asked = [{"at": place, "labels": {"size": "large"}} for place in places()["apart"][:5]]
    answers = "given.asked.flatMap((one) => Pool.answering(given.meta, one).ids)"
    first = pages.shown_first(arranged(toy_collection(), "position"), "position")
    assert {number // 16 for number in in_node(answers, meta=meta, asked=asked)} <= first
    assert len(first) < (meta["count"] + meta["backgrounds"]) / 16


@needs_node
def test_pictures_are_waited_for_until_no_more_come(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "BUNDLE", 16)
    meta, images = carried(make_page(toy_collection(), "toy", "position"))
    lines = pages.pack(arranged(toy_collection(), "position"))
    late = """(async () => {
      const pictures = Pool.makePictures(given.meta), order = [];
      const wanted = pictures.need([0, 40]).then(() => order.push("there"));
      pictures.add(given.lines.slice(0, 1));
      await new Promise((resolve) => setTimeout(resolve, 50));
      order.push("waited");
      pictures.add(given.lines.slice(1, 3));
      await wanted;
      pictures.end();
      const why = await pictures.need([100]).then(() => "none", (error) => error.message);
      return { order, why, picture: pictures.get(40) };
    })()"""
    found = in_node(late, meta=meta, lines=lines)
    assert found["order"] == ["waited", "there"]
    assert found["why"] == "the page's pictures are damaged"
    channels = np.reshape(found["picture"], (3, *images.shape[1:3]))
    assert np.allclose(channels, images[40].transpose(2, 0, 1) / 127.5 - 1, atol=1e-6)


def test_our_datasets_come_with_all_that_is_known_of_their_objects(tmp_path: Path) -> None:
    index, scenes = write_singles(tmp_path)
    out = tmp_path / "page.html"
    code, output = run(index, "--by", "color", "--background", index, "--out", out)
    assert code == 0, output
    assert "8 pictures and 8 of the background" in output
    meta, images = carried(out.read_text(encoding="utf-8"))
    scenes.sort(key=lambda one: VOCABULARY["color"].index(one[0].objects[0].color))
    assert np.array_equal(images[:8], [picture.image for _, picture in scenes])
    objects = [scene.objects[0] for scene, _ in scenes]
    several = [name for name in VOCABULARY if len({getattr(one, name) for one in objects}) > 1]
    assert list(meta["labels"]) == several
    for name in several:
        assert set(meta["labels"][name]["names"]) == {getattr(one, name) for one in objects}
        told = [meta["labels"][name]["names"][k] for k in meta["labels"][name]["values"]]
        assert told == [getattr(one, name) for one in objects]
    assert meta["by"] == "color"
    # twice the dataset is twice the pictures, of which so many are drawn
    both = (index, index, "--by", "position", "--out", out, "--most", 3)
    code, output = run(*both)
    assert code == 0, output
    meta, images = carried(out.read_text(encoding="utf-8"))
    assert (meta["count"], meta["backgrounds"], len(images)) == (6, 0, 6)


def test_foreign_pictures_have_the_labels_of_their_column(tmp_path: Path) -> None:
    out = tmp_path / "page.html"
    squares = write_squares(tmp_path)
    code, output = run(squares, "--by", "color", "--background", "none", "--out", out)
    assert code == 0, output
    meta, images = carried(out.read_text(encoding="utf-8"))
    wanted = square_pictures()
    ground = wanted.pop("none")
    assert meta["points"] is None
    assert meta["run"] is None
    assert list(meta["labels"]) == ["color"]
    assert sorted(meta["labels"]["color"]["names"]) == sorted(wanted)
    for number, name in enumerate(meta["labels"]["color"]["names"]):
        rows = np.array(meta["labels"]["color"]["values"]) == number
        assert np.array_equal(images[: meta["count"]][rows], wanted[name])
    assert np.array_equal(images[meta["count"] :], ground)


def test_labels_cannot_end_the_script_they_stand_in(tmp_path: Path) -> None:
    name = "</script><b>"
    pictures = np.zeros((4, 8, 8, 3), np.uint8)
    pictures[:, 2:4] = 200
    np.savez(tmp_path / "odd.npz", images=pictures, kind=[name, name, "x", "x"])
    out = tmp_path / "page.html"
    code, output = run(tmp_path / "odd.npz", "--by", "kind", "--out", out)
    assert code == 0, output
    meta, _ = carried(out.read_text(encoding="utf-8"))
    assert name in meta["labels"]["kind"]["names"]


def test_what_cannot_be_packed_is_told_in_one_line(tmp_path: Path) -> None:
    index, _ = write_singles(tmp_path)
    squares = write_squares(tmp_path)
    out = tmp_path / "page.html"
    cases = {
        ("--by", "taste", index): "--by: one of position, shape, color, material, size expected",
        ("--by", "taste", squares): "color",
        ("--by", "color", index, squares): "projcomp datasets, or one dataset of another kind",
        ("--by", "color", squares, "--background", "nosuch"): "--background: a label among",
        ("--by", "color", index, "--background", "nosuch"): "--background: a file of images",
        ("--by", "color", tmp_path / "none.h5"): "none.h5",
    }
    for arguments, told in cases.items():
        code, output = run(*arguments, "--out", out)
        assert code == 1
        assert output.startswith("error: ")
        assert output.count("\n") == 1
        assert told in output
        assert not out.exists()
    out.write_text("<p>somebody's own page</p>", encoding="utf-8")
    code, output = run(index, "--by", "color", "--out", out)
    assert code == 1
    assert "a playground's page to replace expected" in output


def test_a_page_has_a_greatest_size(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(pages, "MOST_BYTES", 1000)
    with pytest.raises(OutputError, match="lower --most"):
        write_page(tmp_path / "page.html", make_page(toy_collection(), "toy", "position"))
    assert not list(tmp_path.iterdir())
