"""How long planning takes: from the config's files to the settings and inputs of every job.

    python benchmarks/plan.py --presets gpu                        # of this checkout
    python benchmarks/plan.py --presets gpu --against ../before    # beside another, in turn

`planning` is without imports, which are the same for every preset. `snakemake -n` plans the preset
in an empty folder, beside an empty Snakefile in an empty folder, in seconds of the processor, which
hang less on what else the machine does. Every figure is the median of fresh processes, which take
turns where there are several checkouts. The other checkout plans by presets of its own.
"""

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from planned import PRESETS, REPOSITORY, planned

LINKED = ("Snakefile", "workflow", "envs", "profiles", "config.yaml", "presets")


def dry_run(repository: Path | None, preset: str) -> float:
    """Processor seconds of a dry run of a preset, or of an empty Snakefile."""
    with tempfile.TemporaryDirectory() as folder:
        if repository is None:
            (Path(folder) / "Snakefile").touch()
        else:
            for name in LINKED:
                (Path(folder) / name).symlink_to(repository / name)
        chosen = repository is not None and preset != "demo"
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run(
            [
                sys.executable,
                "-m",
                "snakemake",
                "-n",
                *(["--configfile", f"presets/{preset}.yaml"] if chosen else []),
            ],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str((repository or REPOSITORY) / "src")},
            capture_output=True,
            text=True,
            check=False,
        )
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        sys.exit(done.stdout + done.stderr)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def line(name: str, times: list[list[float]]) -> None:
    """The median of this checkout's times, and the other's with how many times as long it is."""
    own, *other = [statistics.median(each) for each in times]
    beside = f", other {other[0]:.3f} s, {other[0] / own:.1f} times as long" if other else ""
    print(f"  {name}: {own:.3f} s{beside}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--presets", nargs="+", choices=PRESETS, default=PRESETS)
    parser.add_argument("--against", type=Path, help="root folder of another checkout")
    parser.add_argument("--repeats", type=int, default=3)
    asked = parser.parse_args()
    checkouts = [REPOSITORY, *([asked.against.resolve()] if asked.against else [])]
    for preset in asked.presets:
        turns = [[planned(one, preset) for one in checkouts] for _ in range(asked.repeats)]
        each = list(zip(*turns, strict=True))
        print(f"{preset}, {len(each[0][0].entries):,} entries", flush=True)
        line("importing", [[one.importing for one in runs] for runs in each])
        line("planning", [[one.planning for one in runs] for runs in each])
        empty, *runs = [
            [dry_run(one, preset) for _ in range(asked.repeats)] for one in (None, *checkouts)
        ]
        line("snakemake -n", runs)
        more = statistics.median(runs[0]) - statistics.median(empty)
        print(f"  more than an empty Snakefile: {more:.3f} s")


if __name__ == "__main__":
    main()
