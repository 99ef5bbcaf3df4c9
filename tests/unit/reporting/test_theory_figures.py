"""Every exact experiment from the command line to its figure, at the smallest size."""

from typing import get_args

import numpy as np
import pandas as pd
import pytest
from known_config import known
from made_up_results import copied
from PIL import Image
from theory_settings import settings_of
from typer.testing import CliRunner

from projcomp.cli import app
from projcomp.config.theory import TheoryExperiment
from projcomp.errors import FileFormatError
from projcomp.folder import Folder
from projcomp.plan.load import load
from projcomp.plan.plan import Plan
from projcomp.reporting.draw import draw, drawer
from projcomp.reporting.exact.read import read_theory, select
from projcomp.reporting.style import plain_style
from projcomp.settings.report import FigureSettings
from projcomp.settings.stages import to_json
from projcomp.theory.table import COLUMNS

EXPERIMENTS = get_args(TheoryExperiment)
PLAN = Plan(load(known({"theory": {"experiments": list(EXPERIMENTS)}})))


def theory(name, out, text=None):
    settings = text or to_json(settings_of(name))
    result = CliRunner().invoke(app, ["theory", name, "--settings", settings, "--out", str(out)])
    return result.exit_code, result.output


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """A folder with the table of every experiment."""
    root = tmp_path_factory.mktemp("theory")
    for name in EXPERIMENTS:
        code, output = theory(name, root / f"results/theory/{name}.csv")
        assert code == 0, output
        assert "agrees: " in output or "DISAGREES: " in output
    return root


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_a_table_is_tidy(name, root):
    table = pd.read_csv(root / f"results/theory/{name}.csv")
    assert tuple(table.columns) == COLUMNS
    assert set(table["experiment"]) == {name}
    assert np.isfinite(table["value"]).all()
    spread = table.dropna(subset=["low"])
    assert (spread["low"] <= spread["value"]).all()
    assert (spread["value"] <= spread["high"]).all()
    claims = table[table["quantity"] == "agrees"]
    assert len(claims) > 0
    assert set(claims["value"]) <= {0, 1}
    assert claims["setting"].str.contains("(", regex=False).all()  # its criterion


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_a_figure_is_drawn_from_what_its_row_says_alone(name, root, tmp_path):
    made, figure = Folder(str(root)), PLAN.figures[f"theory_{name}"]
    folder = copied(figure.reads(made), made, tmp_path)
    with plain_style():
        drawer(figure.row.kind)(figure.settings, folder).savefig(tmp_path / "a.png", dpi=40)
    with Image.open(tmp_path / "a.png") as image:
        pixels = np.asarray(image.convert("L"))
    assert 0.01 < (pixels < 250).mean() < 0.9


def test_a_figure_says_of_every_claim_whether_it_agrees(root, tmp_path):
    path = tmp_path / "results/theory/backgrounds.csv"
    path.parent.mkdir(parents=True)
    table = pd.read_csv(root / "results/theory/backgrounds.csv")
    claims = table["quantity"] == "agrees"
    for verdict, text in ((1, "agrees: "), (0, "does not agree: ")):
        table.loc[claims, "value"] = verdict
        table.to_csv(path, index=False)
        settings = FigureSettings(format=1, name="theory_backgrounds", kind="theory")
        figure = drawer("theory")(settings, Folder(str(tmp_path)))
        said = [text for text in figure.texts if "agree" in text.get_text()]
        assert len(said) == claims.sum()
        assert all(line.get_text()[2:].startswith(text) for line in said)


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_a_figure_without_what_its_row_says_is_one_line(name, tmp_path):
    figure = PLAN.figures[f"theory_{name}"]
    (read,) = figure.reads(Folder(str(tmp_path)))
    with pytest.raises(FileFormatError) as caught:
        draw(f"theory_{name}", figure.settings, tmp_path, tmp_path / "a.png", tmp_path / "a.svg")
    assert str(caught.value) == f"{read}: expected a table, got no such file; run theory {name}"


def test_a_line_that_the_table_has_not_is_missed(root):
    """Labels stand in the drawings too: one that is written in another way must not vanish."""
    table = read_theory(Folder(str(root)), "lost_modes")
    panel = table["panel"].iloc[0]
    assert not select(table, panel, "point", "DDIM").empty
    for asked in (("DIIM", "point"), ("DDIM", "points")):
        with pytest.raises(FileFormatError, match="theory lost_modes: expected rows of"):
            select(table, panel, asked[1], asked[0])


def test_the_settings_of_another_experiment_are_one_line(tmp_path):
    text = to_json(settings_of("rotations"))
    code, output = theory("backgrounds", tmp_path / "x.csv", text)
    assert code == 1
    assert output == "error: theory backgrounds: expected its settings, got those of rotations\n"
    assert not (tmp_path / "x.csv").exists()


def test_an_unknown_experiment_is_one_line(tmp_path):
    text = to_json(settings_of("rotations")).replace("rotations", "roses")
    code, output = theory("roses", tmp_path / "x.csv", text)
    assert code == 1
    assert output.startswith("error: --settings: experiment: expected one of backgrounds")
    assert output.count("\n") == 1
