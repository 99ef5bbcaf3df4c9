"""The smoke preset through a real Slurm, by the shipped profile, with deaths on the way.

Usage: python benchmarks/slurm_smoke.py [--jobs 60] [--keep FOLDER]

It takes root and Debian's packages (`apt-get install --no-install-recommends slurm-wlm munge`). The
preset runs once without Slurm, its trainings made longer; then through the Slurm of the tests (two
pretended nodes, no accounting), where of three trainings

- one is cancelled by `scancel`,
- one is timed out: its limit is lowered to a minute, and Slurm looks every half,
- while the third is learning, Snakemake is killed by SIGKILL, and the same command given at once.

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

CANCELLED, TIMED_OUT = "single", "colored"
ROOT = Path("runs/smoke")
RESULTS = ("data", "models", "samples", "results")
TIMED = ("leaderboard.png", "leaderboard.svg")
"""What shows how long something took."""


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
        """What the run's results hold."""
        root = self.folder / ROOT
        found = {path for top in RESULTS for path in files_in(root / top)}
        return contents(root, {path for path in found if path.name not in TIMED})

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


def struck(copy: Copy, slurm: Slurm, flags: list[str], environ: dict[str, str]) -> None:
    """The whole run; every training of ``LONGER`` is struck once it learns."""
    process = copy.start(*flags, environ=environ)
    left = list(LONGER["models"])
    try:
        while process.poll() is None:
            for model in [one for one in left if "images, loss" in copy.log(one)]:
                left.remove(model)
                job = job_of(slurm, model)
                if model == CANCELLED:
                    slurm.run("scancel", job)
                elif model == TIMED_OUT:
                    slurm.run("scontrol", "update", f"JobId={job}", "TimeLimit=1")
                else:
                    process.send_signal(signal.SIGKILL)
                    process.wait()
                    process = copy.start(*flags, environ=environ)
                print(f"{model}: struck in job {job or 'that has ended'}", flush=True)
            time.sleep(0.1)
        copy.end(process)
        print(f"not struck: {', '.join(left) or 'none'}", flush=True)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            with suppress(subprocess.TimeoutExpired):
                process.wait(60)


def profile(folder: Path, jobs: int) -> None:
    """The shipped profile, for short jobs on a small machine, in `folder`."""
    told = yaml.safe_load((REPOSITORY / "profiles/slurm/config.yaml").read_text())
    told |= {"jobs": jobs, "latency-wait": 10, "slurm-init-seconds-before-status-checks": 2}
    folder.mkdir()
    (folder / "config.yaml").write_text(yaml.safe_dump(told))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--jobs", type=int, default=60, help="of Slurm at a time")
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
        again = [line for line in copy.log(model).splitlines() if line.startswith("resuming")]
        print(f"{model}: {again[0] if again else 'not resumed'}")
    spared = {"CANCELLED", "TIMEOUT"} - set(states)
    expected, made = plain.made(), copy.made()
    wrong = [path for path in {**expected, **made} if made.get(path) != expected.get(path)]
    print(f"{len(expected)} files, {len(wrong)} missing, left over or others {wrong[:9]}")
    if spared:
        print(f"expected jobs that are {' and '.join(sorted(spared))} too, got none")
    return 1 if wrong or spared else 0


if __name__ == "__main__":
    main()
