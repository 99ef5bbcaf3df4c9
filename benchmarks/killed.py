"""Signals at random moments to Snakemake, to its stages and to Blender; the same command each time.

Usage: python benchmarks/killed.py [--signals 100] [--seed 0] [--minutes M]

A small run (the one of `faults.py`) is started by one command, `snakemake --cores 2`, and after a
random part of the time that it takes undisturbed one of its processes gets SIGKILL, SIGTERM or
SIGINT. Where Snakemake itself was hit, the same command is given again at once, without `--unlock`
or anything else by hand; it must begin, and no two processes may ever write one file. When a run
comes to its end its files are compared with those of an undisturbed one, and the next begins from
nothing. The last line is the signals sent and the runs that ended as they should. Exit code 1 where
one did not.
"""

import argparse
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
from faults import TARGETS, contents, files_in, small_workflow

SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
COMMAND = [sys.executable, "-m", "snakemake", "--cores", "2", *TARGETS]
SHARE = 0.2
"""Of the time of an undisturbed run, for which one goes on between two signals, at most: on a slow
machine too that is longer than Snakemake takes before its first stage."""


class Run:
    """A small run in a folder of its own, and the processes that work at it."""

    def __init__(self, folder: Path):
        folder.mkdir()
        self.folder = folder
        self._environ = small_workflow(folder)
        self._said = (folder / "said").open("w")
        self.process = self._begin()

    def _begin(self) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            COMMAND,
            cwd=self.folder,
            env=self._environ,
            stdout=self._said,
            stderr=self._said,
            text=True,
            start_new_session=True,
        )

    def again(self) -> None:
        """Give the same command once more."""
        self.process = self._begin()

    def stages(self) -> dict[int, list[str]]:
        """The command of every stage that is running in the folder, by its process."""
        found = {}
        for process in psutil.process_iter(["cmdline", "cwd"]):
            line, where = process.info["cmdline"] or [], process.info["cwd"]
            ours = where == str(self.folder) and len(line) > 1 and line[1].endswith("bin/projcomp")
            if ours and process.status() != psutil.STATUS_ZOMBIE:
                found[process.pid] = line[2:]
        return found

    def doubled(self) -> str | None:
        """A file that two processes are writing."""
        # a second training waits for the first
        stages = self.stages()
        at_work = [line for pid, line in stages.items() if _at_work(pid, stages)]
        writers = [line for line in at_work if not line[0].startswith("train")]
        outs = Counter(line[line.index("--out") + 1] for line in writers if "--out" in line)
        return next((out for out, number in outs.items() if number > 1), None)

    def made(self) -> dict[str, Any]:
        """What it has made so far."""
        kept = {p for p in files_in(self.folder) if p.is_relative_to(self.folder / "data")}
        for top in ("models", "samples", "results"):
            kept |= {p for p in files_in(self.folder) if p.is_relative_to(self.folder / top)}
        return contents(self.folder, kept)

    def said(self) -> str:
        """The end of what it said."""
        self._said.flush()
        return (self.folder / "said").read_text()[-3000:]


def _at_work(pid: int, stages: dict[int, list[str]]) -> bool:
    """Whether a stage has come so far that it may write: it holds the lock that stages share.

    One that comes to life after its run has ended, on a busy machine, ends before that. A stage's
    own child is no second one.
    """
    with suppress(psutil.Error):
        process = psutil.Process(pid)
        opened = {Path(file.path).name for file in process.open_files()}
        return "stages" in opened and process.ppid() not in stages
    return False


def strike(run: Run, draw: random.Random) -> str:
    """Send one signal to one of the processes; which."""
    stages = run.stages()
    renders = {pid: line for pid, line in stages.items() if line[0].startswith("render")}
    victims = {"Snakemake": [run.process.pid], "a stage": [*stages], "Blender": [*renders]}
    name = draw.choice([name for name, found in victims.items() if found])
    number = draw.choice(SIGNALS)
    try:
        psutil.Process(draw.choice(victims[name])).send_signal(number)
    except psutil.NoSuchProcess:
        return "nobody"
    if name == "Snakemake":
        run.process.wait()
        run.again()
    return f"{number.name} to {name}"


def problem(run: Run, expected: dict[str, Any]) -> str | None:
    """What is not as it should be after the end of a run."""
    made = run.made()
    left = [name for name in made if ".tmp" in name]
    if left:
        return f"{left[0]} is left"
    for name in {**expected, **made}:
        if made.get(name) != expected.get(name):
            return f"{name} is missing, left over or another"
    return None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--signals", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--minutes", type=float, default=float("inf"))
    options = parser.parse_args()
    draw = random.Random(options.seed)
    until = time.monotonic() + 60 * options.minutes
    sent: Counter[str] = Counter()
    runs = good = 0
    with tempfile.TemporaryDirectory(prefix="projcomp-killed-") as name:
        root = Path(name).resolve()
        begun = time.monotonic()
        whole = Run(root / "undisturbed")
        if whole.process.wait():
            raise SystemExit(whole.said())
        longest = SHARE * (time.monotonic() - begun)
        expected = whole.made()
        while sent.total() < options.signals and time.monotonic() < until:
            run = Run(root / f"run{runs}")
            wrong = None
            ended = False
            while not ended and wrong is None:
                at = time.monotonic() + draw.uniform(0, longest)
                while time.monotonic() < at and run.process.poll() is None:
                    doubled = run.doubled()
                    wrong = f"two processes write {doubled}" if doubled else wrong
                    time.sleep(0.1)
                if run.process.poll() is None:
                    if sent.total() < options.signals:
                        sent[strike(run, draw)] += 1
                    else:
                        run.process.wait()
                elif run.process.returncode == 0:
                    ended, wrong = True, wrong or problem(run, expected)
                elif "cannot be locked" in run.said() or "state/lock: " in run.said():
                    wrong = run.said()
                else:  # a stage was struck as often as it is tried
                    run.again()
            runs, good = runs + 1, good + (wrong is None)
            print(f"run {runs}: {wrong or 'as undisturbed'}", flush=True)
    for what, number in sorted(sent.items()):
        print(f"{what:24s} {number:4d}")
    print(f"{sent.total()} signals, {runs} runs, {good} ended as undisturbed")
    raise SystemExit(good != runs)


if __name__ == "__main__":
    main()
