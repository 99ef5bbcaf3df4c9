"""Pictures from files in the real Snakemake: an edited file has made again what is made of it."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from driver import Job, Workflow, planned, prepared

FORMS = ["cross", "bar"]
LABELS = {"form": "form"}
CONFIG: dict[str, Any] = {
    "resolution": 8,
    "network": {"multipliers": [1, 2], "attention_resolutions": [4]},
    "labels": {"form": FORMS},
    "datasets": {
        "mine": {"file": "mine.npz", "labels": LABELS},
        "other": {"file": "other.npz", "labels": LABELS},
        "folder": {"file": "folder", "labels": {"form": "label"}},
    },
    "models": {
        "net": {"datasets": {"mine": 1}, "condition": "form", "images_seen": 640},
        "others": {"exact": "other", "condition": "none"},
        "folders": {"exact": "folder", "condition": "none"},
    },
    "experiments": {
        "told": {
            "composed": [{"model": "net", "told": "case"}],
            "background": {"model": "net", "condition": "unconditional"},
            "cases": [{"for": {"form": "all"}}],
            "num_samples": 4,
        },
        "either": {"models": ["others"], "operator": "average", "num_samples": 4},
        "whole": {"models": ["folders"], "operator": "average", "num_samples": 4},
    },
    "sweeps": {},
    "theory": {"experiments": []},
    "evaluation": {"classifier": {"dataset": "other", "label": "form", "reference": "other"}},
}

JUDGED: set[Job] = {("make_table", "classes"), ("draw_figure", "classes")}


def write(path: Path, seed: int) -> None:
    """Eight pictures with their forms."""
    images = np.random.default_rng(seed).integers(0, 256, (8, 8, 8), dtype=np.uint8)
    np.savez(path, images=images, form=np.array(FORMS * 4))


@pytest.fixture(scope="module")
def pictured(tmp_path_factory: pytest.TempPathFactory) -> Workflow:
    from PIL import Image

    folder = tmp_path_factory.mktemp("pictured")
    for seed, name in enumerate(("mine.npz", "other.npz")):
        write(folder / name, seed)
    for form in FORMS:
        (folder / "folder" / form).mkdir(parents=True)
        Image.new("RGB", (8, 8), "red").save(folder / "folder" / form / "1.png")
    return prepared(folder, CONFIG)


def todo(workflow: Workflow) -> set[Job]:
    done = workflow.snakemake("-n")
    assert done.returncode == 0, done.stdout + done.stderr
    return planned(done.stdout + done.stderr)


def test_an_edited_file_has_made_again_what_is_made_of_it_and_nothing_else(pictured) -> None:
    assert todo(pictured) == set()
    write(pictured.folder / "mine.npz", 7)
    assert todo(pictured) == {
        ("read_dataset", "mine"),
        ("preview_dataset", "mine"),
        ("train_model", "net"),
        ("check_model", "net"),
        *(("sample_case", f"told/{form}") for form in FORMS),
        *(("classify_case", f"told/{form}") for form in FORMS),
        ("draw_figure", "denoising"),
        ("draw_figure", "pictures_told"),
        *JUDGED,
    }
    done = pictured.snakemake("--cores", "4")
    assert done.returncode == 0, done.stdout + done.stderr
    assert todo(pictured) == set()


def test_an_edited_picture_in_a_folder_is_seen(pictured: Workflow) -> None:
    picture = pictured.folder / "folder" / "bar" / "1.png"
    before = os.stat(picture)
    os.utime(picture, ns=(before.st_atime_ns, before.st_mtime_ns + 10**9))
    assert todo(pictured) == {
        ("read_dataset", "folder"),
        ("preview_dataset", "folder"),
        ("sample_case", "whole/any"),
        ("classify_case", "whole/any"),
        ("draw_figure", "pictures"),
        *JUDGED,
    }
    os.utime(picture, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert todo(pictured) == set()


def test_what_is_chosen_reads_that_dataset_again_and_a_missing_file_is_one_line(pictured) -> None:
    jobs = pictured.jobs({"datasets": {"other": {"only": {"form": ["bar"]}}}}, "only")
    assert {("read_dataset", "other"), ("train_classifier", "")} <= jobs
    assert not {job for job in jobs if job[1] in ("mine", "folder", "net")}
    (pictured.folder / "mine.npz").rename(pictured.folder / "gone.npz")
    done = pictured.snakemake("-n")
    (pictured.folder / "gone.npz").rename(pictured.folder / "mine.npz")
    assert done.returncode == 1
    told = done.stdout + done.stderr
    assert "datasets.mine.file: mine.npz: an .npz or HDF5 file with images" in told
    assert "Traceback" not in told
