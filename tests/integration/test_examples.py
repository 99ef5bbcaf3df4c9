"""The examples: each runs, says what it is there to show, and is listed."""

import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest
from PIL import Image

EXAMPLES = Path(__file__).parents[2] / "examples"
NUMBER = re.compile(r"-?\d+(?:\.\d+)?")

pytestmark = pytest.mark.slow


def run(name: str, folder: Path) -> list[str]:
    """The lines that an example prints, run in ``folder``."""
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / f"{name}.py")],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def numbers(line: str) -> list[float]:
    """The numbers that stand in a line."""
    return [float(found) for found in NUMBER.findall(line)]


def test_two_models(tmp_path: Path) -> None:
    lines = run("two_models", tmp_path)
    (x1, y1), (x2, y2), (x_both, y_both) = (
        [int(share) for share in re.findall(r"(\d+)%", line)] for line in lines
    )
    assert min(x1, y2, x_both, y_both) >= 90
    assert max(x2, y1) <= 40  # 29 % of N(0, 1)


def test_interaction(tmp_path: Path) -> None:
    rows = [numbers(line) for line in run("interaction", tmp_path)[2:]]
    assert [row[0] for row in rows] == [90, 80, 70, 60]
    assert rows[0][1:3] == [0.0, 100.0]
    for better, worse in pairwise(rows):
        assert better[1] < worse[1]  # the cosine
        assert better[2] >= worse[2]  # the effective size
    *_, sampled, weighed, exact = rows[-1]
    assert abs(weighed - exact) < abs(sampled - exact) / 2


def test_lost_modes(tmp_path: Path) -> None:
    rows = [numbers(line) for line in run("lost_modes", tmp_path)[2:]]
    assert [row[0] for row in rows] == [0.05, 0.1, 0.2, 0.4]
    for _, exact, lemma, sampled in rows:
        assert exact == lemma
        assert sampled < 0.45  # of 0.5
    assert rows[0][3] < 0.1 < rows[-1][3]


def test_superposition(tmp_path: Path) -> None:
    rows = {line[:14].strip(): numbers(line[14:]) for line in run("superposition", tmp_path)[1:]}
    assert list(rows) == ["average", "OR", "OR, 1 to 3", "AND", "AND, corrected"]
    assert rows["OR"][2] == 0
    assert abs(rows["OR"][0] - 50) <= 10
    assert abs(rows["OR, 1 to 3"][0] - 25) <= 10
    width = {name: high - low for name, (_, _, _, low, high) in rows.items()}
    assert max(width["AND"], width["AND, corrected"]) < 1 < 5 < width["average"]


@pytest.mark.blender
def test_scene(tmp_path: Path) -> None:
    pytest.importorskip("bpy")
    title, *objects = run("scene", tmp_path)
    assert title == "scene.png: 320 x 240 pixels, 3 objects"
    assert [line.split()[:2] for line in objects] == [
        ["red", "cube"],
        ["blue", "sphere"],
        ["yellow", "cylinder"],
    ]
    assert min(numbers(line)[2] for line in objects) > 200
    with Image.open(tmp_path / "scene.png") as picture:
        assert picture.size == (320, 240)


def test_every_example_is_listed_and_tested() -> None:
    files = sorted(path.stem for path in EXAMPLES.glob("*.py"))
    listed = re.findall(r"\[(\w+)\.py\]\(\1\.py\)", (EXAMPLES / "README.md").read_text())
    assert sorted(listed) == files
    assert files == sorted(
        name.removeprefix("test_")
        for name in globals()
        if name.startswith("test_") and name != "test_every_example_is_listed_and_tested"
    )
    assert len(files) <= 6


def test_own_operator(tmp_path: Path) -> None:
    rows = {line[:16].strip(): numbers(line[16:]) for line in run("own_operator", tmp_path)[1:]}
    built_in, *own = rows.values()
    assert own[0] == built_in
    assert min(built_in[:2]) > 0.95
    assert own[0][0] > own[1][0] > own[2][0]  # the less noise levels it acts at, the less it adds
