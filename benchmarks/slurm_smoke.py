"""The smoke preset through a real Slurm, by the shipped profile, with deaths on the way.

Usage: python benchmarks/slurm_smoke.py [--jobs 8] [--keep FOLDER]

It takes root and Debian's packages (`apt-get install --no-install-recommends slurm-wlm munge`). The
preset runs once without Slurm, its trainings made longer; then through the Slurm of the tests (two
pretended nodes, no accounting), where

- a training is cancelled by `scancel`,
- Snakemake is killed by SIGKILL while another is training, and the same command is given at once,
- no training gets more than a minute (Slurm looks every half), so that long ones are timed out.

Then every file is compared with that of the run without Slurm. The last line is what differs. Exit
code 1 if anything does, or if a command has failed.
"""

import argparse
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import yaml
from faults import contents, files_in

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parent
sys.path.insert(0, str(REPOSITORY / "tests/cluster"))

from slurm import Slurm, missing  # noqa: E402

LONGER = {
    "compute": {
        "training": {"device": "cpu", "log_images": 512, "sample_images": 1_000_000},
        "sampling": {"device": "cpu"},
    },
    "models": {
        "single": {"images_seen": 20_000},
        "cluttered": {"images_seen": 20_000},
        "colored": {"images_seen": 60_000},
    },
}
"""Over the smoke preset: trainings that last long enough to be struck."""

TRAINED = {"runtime": 1, "launch": "srun --overlap --ntasks=1 --cpus-per-task={threads}"}
ROOT = Path("runs/smoke")


class Copy:
    """A copy of the workflow in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        shutil.copy(REPOSITORY / "Snakefile", folder)
        for name in ("workflow", "envs", "presets", "profiles"):
            shutil.copytree(REPOSITORY / name, folder / name)
        shutil.copy(REPOSITORY / "config.yaml", folder)
        (folder / "longer.yaml").write_text(yaml.safe_dump(LONGER))

    def start(self, *flags: str, environ: dict[str, str]) -> "subprocess.Popen[bytes]":
        """Snakemake; what it says goes into the file `said`."""
        command = [sys.executable, "-m", "snakemake", *flags]
        with (self.folder / "said").open("ab") as said:
            return subprocess.Popen(
                [*command, "--configfile", "presets/smoke.yaml", "longer.yaml"],
                cwd=self.folder,
                env=environ,
                stdout=said,
                stderr=said,
            )

    def made(self) -> dict[str, Any]:
        """What the files of the run hold."""
        root = self.folder / ROOT
        return contents(root, {path for path in files_in(root) if path.name != "lock"})

    def log(self, model: str) -> str:
        """What a training says so far."""
        path = self.folder / ROOT / f"logs/train/{model}.log"
        return path.read_text(errors="replace") if path.is_file() else ""

    def end(self, process: "subprocess.Popen[bytes]") -> None:
        """Wait for the end; stop this program where it is none."""
        if process.wait():
            raise SystemExit((self.folder / "said").read_text()[-6000:])


def job_of(slurm: Slurm, model: str) -> str:
    """The number of the running job that trains a model; empty where there is none."""
    told = slurm.run("squeue", "-h", "--states=R", "-o", "%A %k").splitlines()
    found = [line.split()[0] for line in told if "rule_train_model" in line and model in line]
    return found[0] if found else ""


def wait(ready: Callable[[], object], process: "subprocess.Popen[bytes]", copy: Copy) -> None:
    """Until it is ready; a process that ends before is told."""
    while not ready():
        if process.poll() is not None:
            raise SystemExit((copy.folder / "said").read_text()[-6000:])
        time.sleep(0.1)


def struck(copy: Copy, slurm: Slurm, flags: list[str], environ: dict[str, str]) -> None:
    """The whole run, with a training cancelled and Snakemake killed on the way."""
    process = copy.start(*flags, environ=environ)
    try:
        wait(lambda: "images, loss" in copy.log("single"), process, copy)
        slurm.run("scancel", job_of(slurm, "single"))
        print("single: cancelled", flush=True)
        wait(lambda: "images, loss" in copy.log("cluttered"), process, copy)
        process.send_signal(signal.SIGKILL)
        process.wait()
        alive = len(slurm.jobs())
        print(f"Snakemake: killed, {alive} jobs of Slurm alive; the same command", flush=True)
        process = copy.start(*flags, environ=environ)
        copy.end(process)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            with suppress(subprocess.TimeoutExpired):
                process.wait(60)


def profile(folder: Path, jobs: int) -> None:
    """The shipped profile, for short jobs on a small machine, in `folder`."""
    told = yaml.safe_load((REPOSITORY / "profiles/slurm/config.yaml").read_text())
    told |= {"jobs": jobs, "latency-wait": 10, "slurm-init-seconds-before-status-checks": 2}
    told |= {"retries": 6}
    told["set-resources"]["train_model"] |= TRAINED
    folder.mkdir()
    (folder / "config.yaml").write_text(yaml.safe_dump(told))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--jobs", type=int, default=8, help="of Slurm at a time")
    parser.add_argument("--keep", type=Path, help="a folder that is not there, which stays")
    options = parser.parse_args()
    if absent := missing():
        raise SystemExit(f"expected a Slurm of our own, got {absent}")
    with tempfile.TemporaryDirectory(prefix="slurm-") as name:
        Path(name).chmod(0o755)  # munge wants folders that everybody may enter
        root = options.keep or Path(name).resolve() / "runs"
        root.mkdir()
        daemons = Path(name).resolve() / "daemons"
        daemons.mkdir()
        with Slurm(daemons) as slurm:
            raise SystemExit(compared(root, slurm, options.jobs))


def compared(root: Path, slurm: Slurm, jobs: int) -> int:
    """Run without Slurm and with it; 1 if anything differs."""
    bin_folder = str(Path(sys.executable).parent)
    environ = slurm.environment | {"PATH": f"{bin_folder}:{slurm.environment['PATH']}"}
    begun = time.monotonic()
    plain = Copy(root / "plain")
    plain.end(plain.start("--cores", "2", environ=environ))
    print(f"without Slurm: {time.monotonic() - begun:.0f} s", flush=True)
    begun = time.monotonic()
    copy = Copy(root / "slurm")
    profile(copy.folder / "profile", jobs)
    struck(copy, slurm, ["--workflow-profile", "profile"], environ)
    print(f"through Slurm: {time.monotonic() - begun:.0f} s", flush=True)
    states = slurm.run("squeue", "-h", "--states=all", "-o", "%T").split()
    print("jobs: " + ", ".join(f"{n} {state}" for state, n in sorted(Counter(states).items())))
    for model in LONGER["models"]:
        log = copy.log(model)
        print(f"{model}: resumed {log.count(f'resuming {model}')} times in its last attempts")
    expected, made = plain.made(), copy.made()
    wrong = [path for path in {**expected, **made} if made.get(path) != expected.get(path)]
    print(f"{len(expected)} files, {len(wrong)} missing, left over or others {wrong[:9]}")
    return 1 if wrong else 0


if __name__ == "__main__":
    main()
