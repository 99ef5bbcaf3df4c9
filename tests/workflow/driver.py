"""A copy of the workflow whose stages are a stub, driven by the real Snakemake."""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

REPOSITORY = Path(__file__).parents[2]

STUB = """#!/bin/sh
# Makes the files that a stage would make, empty.
stage=$1
while [ $# -gt 0 ]; do
    case $1 in
        --out) out=$2 ;;
        --png|--svg) : > "$2" ;;
    esac
    shift
done
case $stage in
    figure) ;;
    train) for f in weights.safetensors model.json metrics.csv; do : > "$out/$f"; done ;;
    train-classifier)
        for f in weights.safetensors classifier.json check.csv reference.npz; do
            : > "$out/$f"
        done ;;
    train-detector)
        for f in weights.safetensors detector.json metrics.csv check.csv reliability.csv; do
            : > "$out/$f"
        done ;;
    *) : > "$out" ;;
esac
"""

Job = tuple[str, str]
"""A rule and its wildcards, as in ``("render_shard", "single/00001")``."""


@dataclass(frozen=True)
class Workflow:
    """A folder with a copy of the workflow, in which every job has been run by the stub."""

    folder: Path

    def snakemake(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run Snakemake in the folder."""
        return self.run(sys.executable, "-m", "snakemake", *arguments)

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command in the folder."""
        path = os.pathsep.join([str(self.folder / "bin"), os.environ["PATH"]])
        return subprocess.run(
            command,
            cwd=self.folder,
            env={**os.environ, "PATH": path},
            capture_output=True,
            text=True,
            check=False,
        )

    def jobs(self, change: dict[str, Any], label: str) -> set[Job]:
        """What a dry run would do after ``change`` to the config, without the target rule."""
        preset = self.folder / f"{label}.yaml"
        preset.write_text(yaml.safe_dump(change))
        done = self.snakemake("-n", "--configfile", str(preset))
        assert done.returncode == 0, done.stdout + done.stderr
        return planned(done.stdout + done.stderr)


def prepared(folder: Path, config: dict[str, Any]) -> Workflow:
    """A copy of the workflow in ``folder`` with ``config`` and the stub, every job run by it."""
    shutil.copy(REPOSITORY / "Snakefile", folder / "Snakefile")
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    for name in ("workflow", "envs", "profiles"):
        shutil.copytree(REPOSITORY / name, folder / name)
    stub = folder / "bin" / "projcomp"
    stub.parent.mkdir()
    stub.write_text(STUB)
    stub.chmod(0o755)
    done = Workflow(folder).snakemake("--cores", "8")
    assert done.returncode == 0, done.stdout + done.stderr
    return Workflow(folder)


def planned(output: str) -> set[Job]:
    """The jobs that the output of a dry run lists."""
    jobs = set()
    for block in re.split(r"\n(?=rule |localrule )", output)[1:]:
        rule = re.match(r"(?:local)?rule (\w+):", block)
        wildcards = re.search(r"^    wildcards: (.*)$", block, re.MULTILINE)
        assert rule is not None
        values = [pair.split("=")[1] for pair in wildcards[1].split(", ")] if wildcards else []
        jobs.add((rule[1], "/".join(values)))
    return {job for job in jobs if job[0] != "all"}
