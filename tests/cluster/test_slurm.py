"""The workflow on a real Slurm, by the profile that we ship: renders to samples, kills included.

One node with a launcher, two nodes by srun; each training equals, bit for bit, one without Slurm.
With SLURM_REQUIRED set they fail, in place of being skipped, where there can be no Slurm.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from safetensors.numpy import load_file
from slurm import Slurm, missing

from projcomp.plan.load import load_files
from projcomp.plan.plan import Plan

REPOSITORY = Path(__file__).parents[2]
ABSENT = missing()

pytestmark = [
    pytest.mark.slurm,
    pytest.mark.skipif(
        ABSENT is not None and not os.environ.get("SLURM_REQUIRED"),
        reason=f"a Slurm of our own: {ABSENT}",
    ),
]

POSITION = {"condition": "position", "datasets": {"single": 0.9, "empty": 0.1}}
CONFIG: dict[str, Any] = {
    "resolution": 16,
    "render": {"samples": 1, "shard_size": 12},
    "datasets": {
        "empty": {"num_images": 12, "min_objects": 0, "max_objects": 0},
        "single": {"num_images": 24, "min_objects": 1, "max_objects": 1},
        "counting": {"num_images": 12, "min_objects": 0, "max_objects": 3},
    },
    "network": {"channels": 8, "multipliers": [1], "attention_resolutions": []},
    "training": {"batch_size": 16, "ramp_images": 64},
    "compute": {
        "training": {"device": "cpu", "log_images": 512, "sample_images": 1_000_000},
        "sampling": {"device": "cpu"},
    },
    "models": {
        "single": {**POSITION, "images_seen": 15_000},
        "shared": {**POSITION, "images_seen": 640},
    },
    "sampling": {"num_steps": 4},
    "experiments": {
        "A": {
            "conditionals": "single",
            "background": {"model": "single", "condition": "empty"},
            "num_composed": [1],
            "num_samples": 4,
        }
    },
    "sweeps": {},
    "theory": {"experiments": []},
    "detector": {"dataset": "counting", "holdout": 6},
}
TARGETS = ("samples/A/k1.h5", "data/single.png", "data/empty.png")


class Run:
    """A copy of the workflow in a folder that submits to a Slurm."""

    def __init__(self, folder: Path, slurm: Slurm) -> None:
        self.folder, self.slurm = folder, slurm
        shutil.copy(REPOSITORY / "Snakefile", folder / "Snakefile")
        for name in ("workflow", "envs"):
            shutil.copytree(REPOSITORY / name, folder / name)
        (folder / "config.yaml").write_text(yaml.safe_dump(CONFIG))
        (folder / "two.yaml").write_text(yaml.safe_dump({"compute": {"training": {"nodes": 2}}}))
        profile = yaml.safe_load((REPOSITORY / "profiles/slurm/config.yaml").read_text())
        profile["slurm-init-seconds-before-status-checks"] = 2  # the jobs are short
        profile["latency-wait"] = 10
        profile["set-resources"]["sample_case"]["gpu"] = 1  # pretended, and not computed on
        (folder / "profile").mkdir()
        (folder / "profile" / "config.yaml").write_text(yaml.safe_dump(profile))

    @property
    def environment(self) -> dict[str, str]:
        """Slurm's, with the command that the rules call."""
        ours = self.slurm.environment
        path = os.pathsep.join([str(Path(sys.executable).parent), ours["PATH"]])
        # the pretended nodes have no addresses by which processes could find each other
        return {**ours, "PATH": path, "MASTER_ADDR": "127.0.0.1"}

    def start(self, *targets: str, config: tuple[str, ...] = ()) -> subprocess.Popen[str]:
        """Snakemake with the profile."""
        files = ["--configfile", *config] if config else []
        return subprocess.Popen(
            [
                sys.executable,
                "-m",
                "snakemake",
                "--workflow-profile",
                "profile",
                *files,
                "--",
                *targets,
            ],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def job(self, rule: str) -> str:
        """The number of the last job of a rule; empty where there is none."""
        told = self.slurm.run("squeue", "-h", "--states=all", "-o", "%A %k").splitlines()
        found = [line.split()[0] for line in told if f"rule_{rule}" in line]
        return max(found, key=int, default="")

    def train(self, model: str, **compute: int) -> dict[str, Any]:
        """The weights of the same training without Slurm, beside the run."""
        plan = Plan(load_files([self.folder / "config.yaml"]))
        asked = {**json.loads(plan.config.compute.training.model_dump_json()), **compute}
        out = self.folder / f"alone-{model}"
        subprocess.run(
            [
                sys.executable,
                "-m",
                "projcomp",
                "train",
                "--settings",
                plan.train_settings(model),
                "--compute",
                json.dumps(asked),
                "--data",
                "data",
                "--out",
                out,
                "--state",
                f"{out}-state",
            ],
            cwd=self.folder,
            env={key: value for key, value in os.environ.items() if not key.startswith("SLURM_")},
            capture_output=True,
            check=True,
        )
        return load_file(out / "weights.safetensors")

    def weights(self, model: str) -> dict[str, Any]:
        """What the run trained."""
        return load_file(self.folder / "models" / model / "weights.safetensors")

    def log(self, model: str) -> str:
        """What its training says so far."""
        path = self.folder / "logs" / "train" / f"{model}.log"
        return path.read_text() if path.is_file() else ""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    assert ABSENT is None, f"a Slurm of our own expected: {ABSENT}"
    # munge wants a folder that everybody may enter, and pytest's are closed
    with tempfile.TemporaryDirectory(prefix="slurm-") as folder, Slurm(Path(folder)) as slurm:
        yield Run(tmp_path_factory.mktemp("run"), slurm)


@pytest.fixture(scope="module")
def told(run: Run) -> str:
    """What Snakemake says of a run whose training is cancelled once, and whose node it is on.

    Snakemake itself is killed while the training goes on, and the same command given again.
    """
    snakemake = run.start(*TARGETS)
    try:
        wait(lambda: "images, loss" in run.log("single"), snakemake)
        training = next(iter(children_of_slurm()))
        run.slurm.run("scancel", run.job("train_model"))
        wait(lambda: "resuming single after" in run.log("single"), snakemake)
        learning = run.log("single")  # which the next attempt begins anew
        snakemake.kill()
        before, _ = snakemake.communicate(timeout=600)
        snakemake = run.start(*TARGETS)
        output, _ = snakemake.communicate(timeout=600)
    finally:
        end(snakemake)
    assert snakemake.returncode == 0, output[-6000:]
    return f"{training}\n{learning}\n{before}\n{output}"


def test_what_is_cancelled_saves_and_goes_on_in_the_next_attempt(run: Run, told: str) -> None:
    assert "resuming single after" in told
    assert "stopped by SIGTERM; the state is saved" in told
    alone = run.train("single")
    assert alone.keys() == run.weights("single").keys()
    for name, value in run.weights("single").items():
        assert (value == alone[name]).all(), name


def test_the_next_run_ends_what_a_killed_one_left(run: Run, told: str) -> None:
    """Of the training's jobs one was cancelled by hand, one by the next run, and one has ended."""
    assert "state/slurm: cancelling " in told
    assert "waiting for the end of another training" not in run.log("single")
    lines = run.slurm.run("squeue", "-h", "--states=all", "--sort=i", "-o", "%A %T %k").splitlines()
    trained = [line.split() for line in lines if "rule_train_model" in line and "single" in line]
    assert [state for _, state, *_ in trained] == ["CANCELLED", "CANCELLED", "COMPLETED"]
    assert not (run.folder / "state/slurm").exists()


def test_a_training_is_the_first_process_of_a_step(told: str) -> None:
    """Which alone hears SIGTERM where processes are tracked by cgroups."""
    assert "train --settings" in told.splitlines()[0]


def test_what_failed_is_shown(told: str) -> None:
    assert "stopped by SIGTERM; the state is saved: run the same command again" in told


def test_small_jobs_go_together_and_a_gpu_is_asked_for(run: Run, told: str) -> None:
    assert run.job("preview_dataset") == ""
    jobs = run.slurm.run("squeue", "-h", "--states=all", "-o", "%k").splitlines()
    assert sum("previews" in name for name in jobs) == 1
    assert "gres:gpu:1" in run.slurm.run("scontrol", "show", "job", run.job("sample_case"))
    assert "gpu" not in run.slurm.run("scontrol", "show", "job", run.job("train_model"))


def test_two_nodes_train_what_two_processes_train(run: Run, told: str) -> None:
    snakemake = run.start("models/shared/weights.safetensors", config=("two.yaml",))
    try:
        output, _ = snakemake.communicate(timeout=600)
    finally:
        end(snakemake)
    assert snakemake.returncode == 0, output[-6000:]
    assert "NumNodes=2" in run.slurm.run("scontrol", "show", "job", run.job("train_model"))
    alone = run.train("shared", devices=2)
    for name, value in run.weights("shared").items():
        assert (value == alone[name]).all(), name


def test_nothing_is_left_to_do_without_slurm(run: Run, told: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", "-n", "--", *TARGETS],
        cwd=run.folder,
        env=run.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Nothing to be done" in done.stdout + done.stderr


def children_of_slurm() -> Iterator[str]:
    """Command lines of the trainings that a step of Slurm itself started."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            parent = (process / "stat").read_text().rpartition(")")[2].split()[1]
            starter = (Path("/proc") / parent / "comm").read_text().strip()
        except OSError:  # it has ended meanwhile
            continue
        if " train --settings" in command and starter.startswith("slurmstepd"):
            yield command


def wait(ready: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    """Until it is ready; a process that ends before is told."""
    until = time.monotonic() + 600
    while not ready():
        assert time.monotonic() < until
        assert process.poll() is None, process.communicate()[0][-6000:]
        time.sleep(0.1)


def end(process: subprocess.Popen[str]) -> None:
    """As Ctrl-C does: Snakemake cancels its jobs."""
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
        try:
            process.communicate(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
