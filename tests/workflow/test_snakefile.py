"""The Snakefile itself: its messages, its size, and how quickly it answers for every preset."""

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from driver import REPOSITORY, Workflow

from projcomp.plan.load import load_files
from projcomp.plan.plan import Plan

PRESETS = ("smoke", "local", "gpu gpu_local", "paper paper_local")
"""The smallest, what the demo has not, and the largest over one another."""

OTHERS = (
    "halves",
    "swarms",
    "colors",
    "repeat",
    "longer",
    "pairs",
    "samplers",
    "attributes",
    "gpu",
    "paper",
    "fashion",
    "fashion fashion_small",
    "gpu gpu_detector gpu_detector_128",
    "fashion cifar",  # whose pictures need not be there
    "sdxl",  # nor these weights
)
"""Of these it is enough that they are planned: the rules ask the same plan."""


def files(preset: str) -> list[str]:
    """The files of a preset, or of one over another."""
    return [f"presets/{name}.yaml" for name in preset.split()]


def dry_run(preset: str, folder: Path) -> tuple[subprocess.CompletedProcess[str], float]:
    """A dry run of a preset from nothing and the processor seconds that it took."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "snakemake",
            "-n",
            "--configfile",
            *files(preset),
            "--config",
            f"root={folder}",
        ],
        cwd=REPOSITORY,
        env=os.environ,
        capture_output=True,
        text=True,
        check=False,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return done, used


@pytest.mark.parametrize("preset", PRESETS)
def test_a_dry_run_plans_every_job_in_time(preset: str, tmp_path: Path) -> None:
    done, seconds = dry_run(preset, tmp_path)
    output = done.stdout + done.stderr
    assert done.returncode == 0, output[-2000:]
    run = load_files([REPOSITORY / name for name in ("config.yaml", *files(preset))])
    total = sum(Plan(run).job_counts().values())
    stats = [line.split() for line in output.splitlines() if line.startswith("total ")]
    assert int(stats[0][1]) == total
    assert seconds < 20


@pytest.mark.parametrize("preset", OTHERS)
def test_every_other_preset_is_planned(preset: str) -> None:
    run = load_files([REPOSITORY / name for name in ("config.yaml", *files(preset))])
    assert sum(Plan(run).job_counts().values()) > 100


def test_every_preset_is_tried() -> None:
    there = {path.stem for path in (REPOSITORY / "presets").glob("*.yaml")}
    assert there == {name for preset in (*PRESETS, *OTHERS) for name in preset.split()}


def test_a_wrong_setting_is_one_line_and_nothing_runs(workflow: Workflow) -> None:
    preset = workflow.folder / "wrong.yaml"
    preset.write_text(yaml.safe_dump({"training": {"lerning_rate": 0.1}}))
    done = workflow.snakemake("-n", "--configfile", str(preset))
    output = done.stdout + done.stderr
    assert done.returncode == 1
    assert "did you mean learning_rate?" in output
    assert "Traceback" not in output
    assert "rule " not in output


@pytest.mark.parametrize(
    "target",
    [
        "models/nothere/weights.safetensors",
        "models/single/locality.csv",  # the config does not ask for it
        "data/nothere/shard-00000.h5",
        "samples/nothere/k2.h5",
        "results/nothere/k2.csv",
        "results/theory/nothere.csv",
        "results/figures/nothere.png",
    ],
)
def test_what_no_rule_makes_is_one_line(workflow: Workflow, target: str) -> None:
    done = workflow.snakemake("-n", "--", target)
    output = done.stdout + done.stderr
    assert done.returncode == 1
    assert f"No rule to produce {target}" in output
    assert "Traceback" not in output


def test_what_has_no_case_is_one_line(workflow: Workflow) -> None:
    done = workflow.snakemake("-n", "--", "samples/A/nothere.h5")
    output = done.stdout + done.stderr
    assert done.returncode == 1
    assert "samples/A/nothere.h5: expected a case of A (k0, k2), got 'nothere'" in output
    assert "Traceback" not in output


def test_a_repeated_key_is_refused_in_both_files(workflow: Workflow, tmp_path: Path) -> None:
    preset = workflow.folder / "twice.yaml"
    preset.write_text("seed: 1\nseed: 2\n")
    done = workflow.snakemake("-n", "--configfile", str(preset))
    assert done.returncode == 1
    assert "twice.yaml, line 2: every key once expected" in done.stdout + done.stderr
    own = workflow.folder / "config.yaml"
    text = own.read_text()
    try:
        own.write_text(text + "seed: 1\nseed: 2\n")
        done = workflow.snakemake("-n")
    finally:
        own.write_text(text)
    output = done.stdout + done.stderr
    assert done.returncode == 1
    assert "config.yaml, line" in output
    assert "every key once expected" in output
    assert "Traceback" not in output


def test_the_snakefile_stays_short() -> None:
    assert len((REPOSITORY / "Snakefile").read_text().splitlines()) <= 40


def test_rules_run_the_command_line_only() -> None:
    for path in (REPOSITORY / "workflow/rules").glob("*.smk"):
        text = path.read_text()
        # a rule without a line of the shell only names what others make
        assert text.count("    shell:") == text.count('"projcomp '), path
        for word in ("script:", "run:", "checkpoint ", "retries:"):
            assert word not in text, (path, word)
