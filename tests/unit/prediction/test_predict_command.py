"""``projcomp predict`` from the flags to the files."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from toy_squares import labelled_squares, write_squares
from typer.testing import CliRunner

from projcomp.cli import app


def run(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["predict", *map(str, arguments), "--device", "cpu"])
    return result.exit_code, result.output


def test_the_table_the_heat_map_and_the_pictures_are_written(tmp_path: Path) -> None:
    out, heat, sheet = (tmp_path / name for name in ("pairs.csv", "heat.png", "sheet.png"))
    code, output = run(
        write_squares(tmp_path),
        "--by",
        "color",
        "--background",
        "none",
        "--out",
        out,
        "--samples",
        8,
        "--figure",
        heat,
        "--pictures",
        sheet,
    )
    assert code == 0, output
    table = pd.read_csv(out)
    assert list(table.columns[:5]) == ["first", "second", "cosine", "interaction", "absolute"]
    assert len(table) == 6
    success = table.set_index(["first", "second"])["success"]
    assert success["green", "red"] >= 0.375 >= success["red", "yellow"]
    assert "rank correlation of success over 6 pairs" in output
    for picture in (heat, sheet):
        with Image.open(picture) as opened:
            assert opened.width > 300
    # over its own table it may write, over another it may not
    again = (tmp_path / "squares.npz", "--by", "color", "--background", "none", "--out", out)
    few = ("--pairs", "red-green", "--samples", 1)
    assert run(*again, *few)[0] == 0
    out.write_text("a,b\n1,2\n")
    code, output = run(*again, *few)
    assert (code, out.read_text()) == (1, "a,b\n1,2\n")
    assert "a table (first, second, cosine, interaction, ...) to replace expected" in output


def test_the_order_in_a_pair_changes_nothing(tmp_path: Path) -> None:
    tables = []
    for number, pairs in enumerate(("green-red,blue-red", "red-green,blue-red,red-blue")):
        out = tmp_path / f"{number}.csv"
        asked = ("--by", "color", "--background", "none", "--samples", 8, "--pairs", pairs)
        code, output = run(write_squares(tmp_path), *asked, "--out", out)
        assert code == 0, output
        tables.append(out.read_text())
    assert tables[0] == tables[1]


@pytest.mark.filterwarnings("error")
def test_labels_of_a_page_each_are_shown_short_and_apart(tmp_path: Path) -> None:
    arrays = labelled_squares()
    longer = {"red": "r" * 5000, "blue": "r" * 5001, "green": "g" * 5000, "yellow": "y"}
    color = np.array([longer.get(name, name) for name in arrays["color"].tolist()])
    np.savez(tmp_path / "long.npz", images=arrays["images"], color=color)
    out, heat, sheet = (tmp_path / name for name in ("pairs.csv", "heat.png", "sheet.png"))
    asked = ("--by", "color", "--background", "none", "--samples", 4, "--out", out)
    code, output = run(tmp_path / "long.npz", *asked, "--figure", heat, "--pictures", sheet)
    assert code == 0, output
    assert max(map(len, output.split())) <= 30
    assert "r" * 27 + "... (2)" in output
    table = pd.read_csv(out)
    assert set(table["first"]) | set(table["second"]) == set(longer.values())
    for picture in (heat, sheet):
        with Image.open(picture) as opened:
            assert opened.width < 2000


def test_features_that_are_the_colours_themselves_change_nothing(tmp_path: Path) -> None:
    same = "{name: linear, matrix: [[1, 0, 0], [0, 1, 0], [0, 0, 1]]}"
    less = "{name: linear, matrix: [[1, 0, 0], [0, 0.2, 0], [0, 0, 1]]}"
    tables = []
    for number, flags in enumerate([[], ["--features", same], ["--features", less]]):
        out = tmp_path / f"{number}.csv"
        asked = ("--by", "color", "--background", "none", "--pairs", "red-yellow,green-blue")
        code, output = run(
            write_squares(tmp_path), *asked, "--out", out, "--samples", 8, "--seed", 1, *flags
        )
        assert code == 0, output
        tables.append(pd.read_csv(out).drop(columns="features"))
    pd.testing.assert_frame_equal(tables[0], tables[1], rtol=1e-4)
    # red and yellow share red; with less of green, which tells them apart, they are more alike
    shared = [table["cosine"].max() for table in tables]
    assert shared[2] > shared[0] + 0.1


def test_several_maps_stand_in_one_table_each_as_it_would_alone(tmp_path: Path) -> None:
    less = "{name: linear, matrix: [[1, 0, 0], [0, 0.2, 0], [0, 0, 1]]}"
    heat, sheet = tmp_path / "heat.png", tmp_path / "sheet.png"
    asked = ("--by", "color", "--background", "none", "--samples", 8, "--seed", 1)
    tables, said = [], []
    for number, maps in enumerate((["rgb"], [less], ["rgb", less])):
        out = tmp_path / f"{number}.csv"
        flags = [word for one in maps for word in ("--features", one)]
        drawn = ("--figure", heat, "--pictures", sheet)
        code, output = run(write_squares(tmp_path), *asked, "--out", out, *flags, *drawn)
        assert code == 0, output
        tables.append(pd.read_csv(out))
        said.append(output)
    assert tables[0]["features"].unique().tolist() == ["rgb"]
    both = tables[2]
    pd.testing.assert_frame_equal(both, pd.concat(tables[:2], ignore_index=True))
    means = both.groupby("features")["success"].mean()
    assert f"mean success over 6 pairs: rgb {means['rgb']:.2f}" in said[2]
    assert "rgb: rank correlation" in said[2]
    assert "mean success" not in said[0]
    with Image.open(heat) as opened:
        assert opened.width > 2 * opened.height


SINGULAR = "{name: linear, matrix: [[1, 0, 0], [0, 1, 0], [1, 1, 0]]}"


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (["--by", "shape", "--background", "none"], "a column among color expected, got 'shape'"),
        (["--by", "color", "--background", "nothing"], "--background: a label among blue, green"),
        (["--by", "color", "--background", "none", "--pairs", "red-pink"], "--pairs: pairs such"),
        (["--by", "color", "--background", "none", "--sigma-min", "90"], "--sigma-min: a window"),
        (["--by", "color", "--background", "none", "--samples", "0"], "'--samples'"),
        (["--by", "color", "--background", "none", "--places", "2"], "--places: points"),
        (["--by", "color", "--background", "none", "--figure", "a.svg"], "ends in .png expected"),
        (
            ["--by", "color", "--background", "none", "--features", "rgb", "--features", "rgb"],
            "--features: each map once expected, got 'rgb' twice",
        ),
        (
            ["--by", "color", "--background", "none", "--features", "x"],
            "--features.name: expected one of luminance",
        ),
        (
            ["--by", "color", "--background", "none", "--features", "{name: [}"],
            "--features: a feature map (",
        ),
        (
            ["--by", "color", "--background", "none", "--features", "{name: luminance, scale: 0}"],
            "scale: expected ",
        ),
        (
            ["--by", "color", "--background", "none", "--features", SINGULAR],
            "--features.matrix: expected three columns that are independent",
        ),
        (["--background", "none"], "Missing option '--by'"),
    ],
)
def test_what_does_not_fit_is_one_line(tmp_path: Path, flags: list[str], told: str) -> None:
    out = tmp_path / "pairs.csv"
    code, output = run(write_squares(tmp_path), *flags, "--out", out)
    assert code == 1
    assert told in output
    assert output.startswith("error: ")
    assert output.count("\n") == 1
    assert not out.exists()
