"""The whole chain for real, at the smallest scale: renders, trainings, samples, counts, report."""

import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image

from projcomp.plan.load import load_files
from projcomp.plan.plan import Plan
from projcomp.plan.run import Run

REPOSITORY = Path(__file__).parents[2]
PRESET = REPOSITORY / "presets/smoke.yaml"

pytestmark = pytest.mark.smoke


def snakemake(folder: Path, *arguments: str) -> str:
    """Run Snakemake on the smoke preset in ``folder`` and return what it said."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "snakemake",
            "--cores",
            "all",
            "--directory",
            str(folder),
            "--snakefile",
            str(REPOSITORY / "Snakefile"),
            "--configfile",
            str(REPOSITORY / "config.yaml"),
            str(PRESET),
            *arguments,
        ],
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-6000:]
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("smoke")
    snakemake(made)
    return made


@pytest.fixture(scope="module")
def root(folder: Path, run: Run) -> Path:
    return folder / run.config.root


@pytest.fixture(scope="module")
def run() -> Run:
    return load_files([REPOSITORY / "config.yaml", PRESET])


def test_the_summary_has_every_case(root: Path, run: Run) -> None:
    table = pd.read_csv(root / "results/summary.csv")
    tables = Plan(run).counted()
    found = {
        f"{run.config.root}/results/{row.experiment}/{row.case}.csv" for row in table.itertuples()
    }
    assert found == set(tables)
    assert (table["num_samples"] > 0).all()
    for measure in ("mean_count", "exact_count"):
        assert (table[f"{measure}_low"] <= table[measure]).all()
        assert (table[measure] <= table[f"{measure}_high"]).all()


def test_every_figure_is_drawn(root: Path, run: Run) -> None:
    for name in Plan(run).figures:
        with Image.open(root / f"results/figures/{name}.png") as image:
            assert min(image.size) > 100
        assert "<svg" in (root / f"results/figures/{name}.svg").read_text()[:1000]


def test_no_temporary_file_is_left(root: Path) -> None:
    assert [path for path in root.rglob("*") if ".tmp" in path.name] == []


def test_nothing_is_left_to_do(folder: Path) -> None:
    assert "Nothing to be done" in snakemake(folder, "-n")


def test_the_report_shows_figures_and_datasets(folder: Path) -> None:
    report = folder / "report.html"
    snakemake(folder, "--report", str(report))
    text = report.read_text()
    for word in ("counts.png", "grid_A.png", "summary.csv", "single.png", "Wilson"):
        assert word in text, word
