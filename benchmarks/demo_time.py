"""Where the time of a finished run goes, rule by rule, from what Snakemake recorded of its jobs.

Usage: python benchmarks/demo_time.py [ROOT] [--snakemake-dir .snakemake]

ROOT is the config's ``root``, "." for the demo. Seconds are of the clock from a job's start to its
end, whatever ran beside it; every job of the run counts once, as it ran last. The last lines say
what share is neither rendering, training nor sampling: with the papers' exact experiments, which
train and sample small networks of their own, and without them; and, where exact models came first
as in `make demo`, what all that took before the first network was trained.
"""

import argparse
import base64
import json
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from projcomp.folder import TOPS

HEAVY = ("render_shard", "render_reference", "sample_case")
HEAVY += ("train_model", "train_detector", "train_classifier")
EXACT = ("theory_experiment",)
GIVEN = ("render_shard", "render_reference", "index_dataset", "preview_dataset", "train_detector")
"""What exact models start from: finished renders, and the detector that counts."""


def records(snakemake_dir: Path, root: Path) -> Iterator[dict[str, Any]]:
    """What Snakemake keeps of each output of the run in ``root``, one entry per file."""
    folder = snakemake_dir / "metadata"
    start = root.resolve().relative_to(snakemake_dir.resolve().parent).parts
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            # long names are cut into folders that begin with @
            name = "".join(path.relative_to(folder).parts).replace("@", "")
            output = Path(base64.urlsafe_b64decode(name).decode()).parts
            if (
                output[: len(start)] == start and output[len(start)] in TOPS
            ):  # not another run in runs/
                yield json.loads(path.read_text(encoding="utf-8"))


def seconds(found: Iterable[dict[str, Any]]) -> dict[str, list[float]]:
    """Seconds of every job by rule; a job with several outputs has several records and one log."""
    jobs: dict[tuple[str, str], float] = {}
    for record in found:
        if record["endtime"] and not record["incomplete"]:
            job = record["rule"], " ".join(record["log"])
            jobs[job] = max(jobs.get(job, 0.0), record["endtime"] - record["starttime"])
    rules: dict[str, list[float]] = defaultdict(list)
    for (rule, _), taken in jobs.items():
        rules[rule].append(taken)
    return rules


def before_networks(found: Iterable[dict[str, Any]]) -> str:
    """What the jobs took that had ended before the first network's training began."""
    records = [one for one in found if one["endtime"] and not one["incomplete"]]
    starts = [one["starttime"] for one in records if one["rule"] == "train_model"]
    if not starts:
        return "before the first training: no network was trained"
    early = seconds(one for one in records if one["endtime"] <= min(starts))
    given = sum(sum(taken) for rule, taken in early.items() if rule in GIVEN)
    rest = sum(sum(taken) for rule, taken in early.items() if rule not in GIVEN)
    return (
        f"before the first training: renders and detector {given:.0f} s of jobs, all else "
        f"{rest:.0f} s, so that from finished renders exact models take at least {rest / 120:.0f} "
        "minutes on 2 cores"
    )


def table(rules: dict[str, list[float]]) -> list[str]:
    """The lines of the table, the longest first, and the shares of what is light."""
    totals = {rule: sum(taken) for rule, taken in rules.items()}
    everything = sum(totals.values())
    lines = [f"{'rule':20s} {'jobs':>5s} {'seconds':>9s} {'mean':>8s} {'share':>7s}"]
    for rule, total in sorted(totals.items(), key=lambda item: -item[1]):
        count = len(rules[rule])
        lines.append(
            f"{rule:20s} {count:5d} {total:9.1f} {total / count:8.2f} {total / everything:7.1%}"
        )
    count = sum(map(len, rules.values()))
    lines.append(f"{'all':20s} {count:5d} {everything:9.1f} {everything / count:8.2f} {1:7.1%}")
    light = everything - sum(totals.get(rule, 0.0) for rule in HEAVY)
    exact = sum(totals.get(rule, 0.0) for rule in EXACT)
    lines.append(
        f"neither rendering, training nor sampling: {(light - exact) / everything:.1%}; "
        f"with the exact experiments: {light / everything:.1%}"
    )
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("root", type=Path, nargs="?", default=Path())
    parser.add_argument("--snakemake-dir", type=Path, default=Path(".snakemake"))
    given = parser.parse_args()
    found = list(records(given.snakemake_dir, given.root))
    rules = seconds(found)
    if not rules:
        sys.exit(f"{given.snakemake_dir}: expected records of a run in {given.root}, got none")
    print("\n".join(table(rules)))
    print(before_networks(found))


if __name__ == "__main__":
    main()
