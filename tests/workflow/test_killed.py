"""What a killed run leaves behind: a job's output is removed when it begins, and what was made of
it stays. Real dry runs of Snakemake on a finished workflow with one file missing."""

import shutil
from pathlib import Path

import pytest
from driver import Workflow, planned

MISSING = {
    "results/theory/backgrounds.csv": {("theory_experiment", "backgrounds")},
    "models/single/weights.safetensors": {("train_model", "single"), ("sample_case", "A/k2")},
    "models/detector/weights.safetensors": {("train_detector", ""), ("evaluate_case", "A/k2")},
    "models/single/check.csv": {("check_model", "single"), ("draw_figure", "denoising")},
    "samples/A/k2.h5": {("sample_case", "A/k2"), ("evaluate_case", "A/k2")},
    "samples/truth/k2.h5": {("render_reference", "k2"), ("evaluate_case", "truth/k2")},
    "results/A/k2.csv": {("evaluate_case", "A/k2"), ("summarize", "")},
    "data/single/shard-00001.h5": {("render_shard", "single/00001"), ("train_model", "single")},
    "data/single.h5": {("index_dataset", "single"), ("train_model", "single")},
}


@pytest.fixture(scope="module")
def finished(workflow: Workflow, tmp_path_factory: pytest.TempPathFactory) -> Workflow:
    """A copy, in which files may go missing."""
    folder = tmp_path_factory.mktemp("killed") / "workflow"
    shutil.copytree(workflow.folder, folder)
    return Workflow(folder)


@pytest.mark.parametrize("path", MISSING)
def test_what_is_missing_in_the_middle_is_made_again(finished: Workflow, path: str) -> None:
    missing, aside = finished.folder / path, finished.folder / "aside"
    missing.rename(aside)
    try:
        done = finished.snakemake("-n")
        assert MISSING[path] <= planned(done.stdout + done.stderr)
    finally:
        aside.rename(missing)


def test_a_dataset_that_was_deleted_to_save_space_is_not_rendered_again(
    finished: Workflow,
) -> None:
    folder: Path = finished.folder / "data/cluttered"
    shutil.rmtree(folder)
    done = finished.snakemake("-n")
    assert planned(done.stdout + done.stderr) == set()
