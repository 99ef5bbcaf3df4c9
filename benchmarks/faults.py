"""Fails, then kills, every stage at its every write, sync and rename, and runs it again.

Usage: python benchmarks/faults.py [--toy] [--points N] [--seed 0] [--stages A,B] [--minutes M]

A small run is made by Snakemake once, every stage's command as the rules give it; `--toy` takes
made-up inputs and the light stages instead. Both have the stages of pictures from files and of
prompts too, on inputs that are made up. One job of every command is then run again and again,
in a copy of Python that has imported what stages import. At the n-th write, sync or rename below
its root the system reports a full disk or a failing one, or the process is killed, half of a write
done (`faults.c`, for which there must be a C compiler). What must hold of each point:

- a failure ends in one line and exit code 1, or in the same results; what is there is whole
- no temporary file stays behind a failure, nor behind the next run of the same command
- the same command then ends with 0, with the files and contents of an undisturbed run

Trainings save their state after every update. Every point is tried, or `--points` of each stage,
drawn by `--seed`; after `--minutes` no new point is begun. The last line is the points tried and
survived. Exit code 1 where one was not.
"""

import argparse
import csv
import ctypes
import hashlib
import io
import json
import mmap
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
KINDS = ("write", "sync", "rename")
FAIL, KILL = 1, 2
HOW = {FAIL: "failed", KILL: "killed"}
VOLATILE = ("seconds_per_image", "seconds", "images_per_second")
"""What tells how long something took."""

SMALL: dict[str, Any] = {
    "resolution": 16,
    "render": {"samples": 1, "shard_size": 4},
    "network": {"channels": 4, "multipliers": [1], "attention_resolutions": []},
    "training": {"batch_size": 4, "average_updates": 2, "ramp_images": 8},
    "compute": {"training": {"log_images": 8, "sample_images": 8}},
    "sampling": {"num_steps": 4},
    "datasets": {
        "empty": {"num_images": 4, "min_objects": 0, "max_objects": 0},
        "single": {"num_images": 8, "min_objects": 1, "max_objects": 1},
        "counting": {"num_images": 12, "min_objects": 0, "max_objects": 3},
    },
    "models": {
        "single": {
            "datasets": {"single": 0.9, "empty": 0.1},
            "condition": "position",
            "images_seen": 16,
        }
    },
    "experiments": {
        "A": {
            "conditionals": "single",
            "background": {"model": "single", "condition": "empty"},
            "num_composed": [2],
            "num_samples": 2,
        }
    },
    "reference": {"num_images": 2},
    "sweeps": {},
    "theory": {"experiments": ["backgrounds"], "num_samples": 32, "num_seeds": 2, "num_steps": 10},
    "evaluation": {"bootstrap": 100, "locality": {}},
    "detector": {
        "dataset": "counting",
        "holdout": 4,
        "channels": 4,
        "images_seen": 16,
        "batch_size": 4,
    },
}
"""The config of the small run: every rule of rendered pictures has a job."""

JUDGE = "def judge(images, prompts):\n    return [[float(image.mean())] for image in images]\n"
"""A judge of prompts in a file of the user's own."""

TARGETS = (
    "data/single.png",
    "models/single/check.csv",
    "models/single/locality.csv",
    "results/summary.csv",
    "results/leaderboard.csv",
    "results/theory/backgrounds.csv",
    "results/figures/counts.png",
    "results/playground.html",
)
"""What needs a job of each of them."""

RECORDER = """
import json, sys
with open("commands", "a") as file:
    file.write(json.dumps(sys.argv[1:]) + "\\n")
"""
PROGRAM = """
from projcomp.__main__ import main
main()
"""
"""What the rules call by name: the stages of this very checkout."""


@dataclass(frozen=True)
class Stage:
    """One command of a finished run.

    Attributes:
        name: the subcommand.
        arguments: all of them, the subcommand first; paths are relative to the root.
        root: where it runs.
    """

    name: str
    arguments: list[str]
    root: Path

    def outputs(self) -> list[Path]:
        """What it makes: files, or folders that are its own."""
        flags = ("--out", "--png", "--svg", "--state")
        told = zip(self.arguments, self.arguments[1:], strict=False)
        return [self.root / value for flag, value in told if flag in flags]


@dataclass(frozen=True)
class End:
    """How a process ended: its exit code, negative for a signal; what it said; its counts."""

    code: int
    said: str
    counts: list[int]


# The stages ---------------------------------------------------------------------------------


def small_workflow(root: Path, recorder: str | None = None) -> dict[str, str]:
    """A copy of the workflow in ``root`` with the small config; the environment to run it in."""
    import yaml

    repository = HERE.parent
    shutil.copy(repository / "Snakefile", root)
    for name in ("workflow", "envs", "profiles"):
        shutil.copytree(repository / name, root / name)
    (root / "config.yaml").write_text(yaml.safe_dump(SMALL))
    program = root / "bin/projcomp"
    program.parent.mkdir()
    program.write_text(f"#!{sys.executable}\n{recorder or PROGRAM}")
    program.chmod(0o755)
    return os.environ | {
        "PATH": os.pathsep.join([str(program.parent), os.environ["PATH"]]),
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
    }


def small_run(root: Path) -> list[Stage]:
    """A finished small run in ``root``: a stage for every command, the first of its jobs."""
    environ = small_workflow(root, RECORDER + PROGRAM)
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", "--cores", "all", *TARGETS],
        cwd=root,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(done.stdout[-3000:] + done.stderr[-3000:])
    stages: dict[str, Stage] = {}
    for line in (root / "commands").read_text().splitlines():
        arguments = json.loads(line)
        stages.setdefault(arguments[0], Stage(arguments[0], arguments, root))
    return [*stages.values(), *picture_run(root)]


def picture_run(root: Path) -> list[Stage]:
    """The stages of pictures that nobody rendered, done on a made-up file and made-up samples."""
    import numpy as np

    from projcomp.conditions.kinds import label, with_values
    from projcomp.config.evaluation import ClassifierConfig
    from projcomp.config.judges import JudgeFromFile
    from projcomp.data.images import write_samples
    from projcomp.settings.case import Case
    from projcomp.settings.stages import (
        ClassifierSettings,
        ClassifySettings,
        LabelSettings,
        ReadSettings,
        ScoreSettings,
        to_json,
    )

    side, values = 8, ["dark", "light"]
    numbers = np.arange(40) % 2
    rng = np.random.default_rng(0)
    images = (128 * numbers[:, None, None] + rng.integers(0, 128, (40, side, side))).astype("u1")
    np.savez(root / "given.npz", images=images, kind=np.array(values)[numbers])
    write_samples(
        root / "samples/files/k.h5",
        rng.integers(0, 256, (4, side, side, 3), "u1"),
        Case(name="k"),
        {"experiment": "files"},
    )
    (root / "judge.py").write_text(JUDGE)
    reading = ReadSettings(
        dataset="given",
        resolution=side,
        file="given.npz",
        labels={"kind": LabelSettings(column="kind", values=values)},
        only={},
    )
    chosen = ClassifierConfig(
        dataset="given", label="kind", reference="given", channels=4, images_seen=16, batch_size=4
    )
    kind = with_values(label("kind", values))
    learning = ClassifierSettings(seed=0, resolution=side, kind=kind, classifier=chosen)
    judge = JudgeFromFile(file="judge.py")
    scoring = ScoreSettings(experiment="files", case="k", prompts=["a light one"], judge=judge)
    made = {
        "read-dataset": (reading, "--out data/given.h5"),
        "train-classifier": (learning, "--data data --out classifier"),
        "classify": (
            ClassifySettings(experiment="files", case="k"),
            "samples/files/k.h5 --classifier classifier --out classified/files/k.npz",
        ),
        "score": (scoring, "samples/files/k.h5 --out scores/files/k.npz --device cpu"),
    }
    return done_once(
        Stage(name, [name, *rest.split(), "--settings", to_json(settings)], root)
        for name, (settings, rest) in made.items()
    )


def done_once(stages: Iterable[Stage]) -> list[Stage]:
    """The stages, each done in turn: the next may read what it makes."""
    done = []
    for stage in stages:
        end = run(stage)
        if end.code:
            raise SystemExit(f"{stage.name}: {end.said}")
        done.append(stage)
    return done


def toy_run(root: Path) -> list[Stage]:
    """The light stages and a training, on inputs that are made up."""
    from starts import COUNT, SIDE, commands, make_inputs

    from projcomp.config.learning import NetworkConfig, TrainingConfig
    from projcomp.settings.stages import TrainSettings

    make_inputs(root)
    training = TrainSettings(
        seed=0,
        resolution=SIDE,
        model="learned",
        condition="none",
        datasets={"toy": 1.0},
        images_seen=2 * COUNT,
        network=NetworkConfig(channels=4, multipliers=[1], blocks=1, attention_resolutions=[]),
        training=TrainingConfig(batch_size=4, average_updates=2, precision="fp32", ramp_images=8),
    )
    flags = ["--data", "data", "--out", "models/learned", "--state", "state/models/learned"]
    how = ["--compute", json.dumps({"device": "cpu", "log_images": 8, "sample_images": 8})]
    found = {
        **commands(),
        "train": ["train", "--settings", training.model_dump_json(), *flags, *how],
    }
    stages = done_once(Stage(name, arguments, root) for name, arguments in found.items())
    return [*stages, *picture_run(root)]


# Running them -------------------------------------------------------------------------------


def run(stage: Stage, kind: int = -1, at: int = 0, how: int = 0) -> End:
    """Run a stage in a child of this process, which fails or is killed at one point."""
    counts = mmap.mmap(-1, mmap.PAGESIZE)
    with tempfile.TemporaryFile() as said:
        child = os.fork()
        if child == 0:
            _become(stage, said.fileno(), counts, (kind, at, how))
        _, status = os.waitpid(child, 0)
        said.seek(0)
        text = said.read().decode("utf-8", "replace")
    seen = [int.from_bytes(counts[8 * n : 8 * n + 8], "little") for n in range(len(KINDS))]
    return End(os.waitstatus_to_exitcode(status), text, seen)


def _become(stage: Stage, said: int, counts: mmap.mmap, point: tuple[int, int, int]) -> None:
    """In a child: be the stage, and end as a process of its own would."""
    code = 99
    try:
        os.dup2(said, 1)
        os.dup2(said, 2)
        os.chdir(stage.root)
        sys.argv = ["projcomp", *stage.arguments]
        shared = ctypes.addressof(ctypes.c_char.from_buffer(counts))
        folder = os.fsencode(stage.root.resolve())
        ctypes.CDLL(None).faults_arm(
            folder, ctypes.c_void_p(shared), point[0], ctypes.c_long(point[1]), point[2]
        )
        from projcomp import cli

        cli.main()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    # as the interpreter ends: C's exit alone would wait for ever for a thread of Blender's
    ctypes.pythonapi.Py_Exit(code)


def save_often() -> None:
    """Have trainings save after every update, so that there is a state to go on from."""
    from projcomp.training import detector, progress

    begin = progress.Progress.__init__

    def often(self: Any, *arguments: Any, **settings: Any) -> None:
        begin(self, *arguments, **settings)
        self.checkpoint_seconds = 0.0

    progress.Progress.__init__ = often
    detector.timedelta = lambda **_: timedelta(microseconds=1)


# What must hold -----------------------------------------------------------------------------


def contents(root: Path, files: set[Path]) -> dict[str, Any]:
    """What files hold, without what tells how long something took."""
    return {str(path.relative_to(root)): _content(path) for path in sorted(files)}


def _content(path: Path) -> Any:
    if path.name == "lock" or ".tmp" in path.name:
        return None  # tells a process; is left over
    if path.suffix == ".h5":
        return _hdf5(path)
    if path.suffix == ".csv":
        rows = list(csv.DictReader(io.StringIO(path.read_text())))
        return [{k: v for k, v in row.items() if k not in VOLATILE} for row in rows]
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _hdf5(path: Path) -> dict[str, str]:
    import h5py
    import numpy as np

    found: dict[str, str] = {}

    def take(name: str, item: Any) -> None:
        for key, value in item.attrs.items():
            if key not in VOLATILE:
                found[f"{name}@{key}"] = str(value)
        if isinstance(item, h5py.Dataset):
            values = np.asarray(item[()])
            texts = values.dtype.kind == "O"  # of which an array holds places in memory
            bits = repr(values.tolist()).encode() if texts else values.tobytes()
            found[name] = hashlib.sha256(bits).hexdigest()

    with h5py.File(path, "r") as file:
        take("", file)
        file.visititems(take)
    return found


def files_in(root: Path) -> set[Path]:
    """Every file of a run; logs and Snakemake's own are no results."""
    apart = (root / "logs", root / ".snakemake")
    found = (path for path in root.rglob("*") if path.is_file())
    return {path for path in found if not any(path.is_relative_to(one) for one in apart)}


class Trials:
    """A stage's results as they should be, and what becomes of them at each point."""

    def __init__(self, stage: Stage):
        self.stage = stage
        self._reset()
        self._inputs = files_in(stage.root)
        done = run(stage)
        assert done.code == 0, done.said
        # not before: the index of a dataset shows what its shards hold
        self._given = contents(stage.root, self._inputs)
        self.counts = done.counts
        self.expected = self._made()

    def points(self) -> list[tuple[int, int, int]]:
        """Every kind of operation, its number from 1, and whether it fails or the process dies."""
        return [
            (kind, at, how)
            for kind, count in enumerate(self.counts)
            for at in range(1, count + 1)
            for how in (FAIL, KILL)
        ]

    def problem(self, kind: int, at: int, how: int) -> str | None:
        """What does not hold at one point; None where all does."""
        self._reset()
        first = run(self.stage, kind, at, how)
        problem = self._after_kill(first) if how == KILL else self._after_failure(first)
        if problem:
            return problem
        again = run(self.stage)
        if again.code:
            return f"the same command ended with {again.code}: {again.said[-500:]}"
        return self._difference()

    def inputs_changed(self) -> list[str]:
        """What any trial changed of what the stage reads."""
        now = contents(self.stage.root, self._inputs)
        return [name for name, content in self._given.items() if now.get(name) != content]

    def _after_kill(self, end: End) -> str | None:
        # other processes than the first may be struck too: those that end by a line
        return None if end.code == -signal.SIGKILL else f"killed, and ended with {end.code}"

    def _after_failure(self, end: End) -> str | None:
        left = [path.name for path in files_in(self.stage.root) if ".tmp" in path.name]
        if left:
            return f"left {left[0]}"
        if end.code == 0:  # nothing that matters has failed
            return self._difference()
        lines = [line for line in end.said.splitlines() if line.startswith("error: ")]
        if end.code != 1 or len(lines) != 1 or "Traceback" in end.said:
            return f"ended with {end.code} and said: {end.said[-800:]}"
        for name, value in self._made().items():
            if not name.startswith("state/") and value != self.expected.get(name):
                return f"{name} is not whole"
        return None

    def _difference(self) -> str | None:
        made = self._made()
        for name in {**self.expected, **made}:
            if name not in made:
                return f"{name} is missing"
            if name not in self.expected:
                return f"{name} is left"
            if made[name] != self.expected[name]:
                return f"{name} is another"
        return None

    def _made(self) -> dict[str, Any]:
        return contents(self.stage.root, files_in(self.stage.root) - self._inputs)

    def _reset(self) -> None:
        """As Snakemake leaves a folder before the job: without its results."""
        for path in self.stage.outputs():
            if path.is_dir():
                shutil.rmtree(path)
            path.unlink(missing_ok=True)


def preloaded() -> None:
    """Start this program again with ``faults.c`` loaded before everything else."""
    if "FAULTS_LOADED" in os.environ:
        return
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None or sys.platform != "linux":
        raise SystemExit("expected Linux and a C compiler, got none: apt-get install gcc")
    with tempfile.TemporaryDirectory(prefix="projcomp-faults-") as folder:
        library = Path(folder) / "faults.so"
        source = ["-shared", "-fPIC", "-O1", "-o", str(library), str(HERE / "faults.c"), "-ldl"]
        subprocess.run([compiler, *source], check=True)
        one = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
        told = {**one, "LD_PRELOAD": str(library), "FAULTS_LOADED": "1"}
        done = subprocess.run([sys.executable, *sys.argv], env=os.environ | told, check=False)
    raise SystemExit(done.returncode)


def import_everything() -> None:
    """What stages import, once for all children; not Blender, which each render starts itself."""
    import matplotlib.pyplot  # noqa: F401
    import pandas  # noqa: F401
    import PIL.Image  # noqa: F401

    from projcomp import cli  # noqa: F401
    from projcomp.evaluation import denoising, make_table, measure_locality, summary  # noqa: F401
    from projcomp.reporting import draw  # noqa: F401
    from projcomp.sampling import run  # noqa: F401

    save_often()


def tried(trials: Trials, options: argparse.Namespace, until: float) -> Iterator[str | None]:
    """The problem at each point that is tried, or None."""
    points = trials.points()
    if options.points is not None and options.points < len(points):
        drawn = random.Random(f"{options.seed} {trials.stage.name}")
        points = sorted(drawn.sample(points, options.points))
    for kind, at, how in points:
        if time.monotonic() > until:
            return
        problem = trials.problem(kind, at, how)
        if problem:
            print(f"{trials.stage.name}, {HOW[how]} at {KINDS[kind]} {at}: {problem}", flush=True)
        yield problem


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--toy", action="store_true", help="light stages on made-up inputs")
    parser.add_argument("--points", type=int, help="of each stage, drawn; all of them otherwise")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--stages", help="some of them, with commas between")
    parser.add_argument("--minutes", type=float, default=float("inf"))
    options = parser.parse_args()
    preloaded()
    until = time.monotonic() + 60 * options.minutes
    import_everything()
    everything = survived = there = 0
    # not by TemporaryDirectory, which a child would remove at its exit
    root = Path(tempfile.mkdtemp(prefix="projcomp-faults-")).resolve()
    try:
        stages = (toy_run if options.toy else small_run)(root)
        names = options.stages.split(",") if options.stages else [one.name for one in stages]
        print(f"{'stage':18s} {'writes':>7s} {'syncs':>6s} {'renames':>8s} {'tried':>6s} survived")
        for stage in (one for one in stages if one.name in names):
            trials = Trials(stage)
            problems = list(tried(trials, options, until))
            if changed := trials.inputs_changed():
                print(f"{stage.name}: its inputs were changed: {', '.join(changed)}")
                problems.append("inputs")
            good = problems.count(None)
            columns = "{:7d} {:6d} {:8d}".format(*trials.counts)
            print(f"{stage.name:18s} {columns} {len(problems):6d} {good:8d}", flush=True)
            there += len(trials.points())
            everything += len(problems)
            survived += good
    finally:
        shutil.rmtree(root)
    print(f"{there} points, {everything} tried, {survived} survived")
    raise SystemExit(survived != everything)


if __name__ == "__main__":
    main()
