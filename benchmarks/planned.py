"""What a checkout plans, in a process of its own: for plan.py and plan_hashes.py.

The checkout may be an old one, from before `config/`, `plan/` and `settings/` were packages.
"""

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[1]
OVER = {"gpu_local": "gpu", "paper_local": "paper", "cifar": "fashion"}
"""Presets that go over another."""
PRESETS = ("demo", *sorted(path.stem for path in (REPOSITORY / "presets").glob("*.yaml")))
"""The demo is config.yaml alone."""


@dataclass(frozen=True)
class Planned:
    """What a preset plans.

    Attributes:
        entries: everything that a run consists of, by its name: inputs, settings, options, files.
        importing: seconds until the modules were there.
        planning: seconds from the files of the config to all entries.
    """

    entries: dict[str, Any]
    importing: float
    planning: float


def planned(repository: Path, preset: str) -> Planned:
    """What ``repository`` plans for a preset of its own, by a fresh process."""
    done = subprocess.run(
        [sys.executable, __file__, repository, *config_files(repository, preset)],
        env={**os.environ, "PYTHONPATH": str(repository / "src")},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return Planned(**json.loads(done.stdout))


def config_files(repository: Path, preset: str) -> list[Path]:
    """The files that a preset is read from."""
    names = [] if preset == "demo" else [preset]
    names = [OVER[preset], preset] if preset in OVER else names
    return [
        repository / "config.yaml",
        *(repository / "presets" / f"{name}.yaml" for name in names),
    ]


def main() -> None:
    """Print the plan of a checkout, given its folder and the files of its config, as JSON."""
    repository, *files = sys.argv[1:]
    os.chdir(repository)  # assets are named from here
    began = time.perf_counter()
    try:
        from projcomp.plan.load import load_files
        from projcomp.plan.plan import Plan
    except ImportError:  # the layout of before
        from projcomp.config_load import load_files

        from projcomp.plan import Plan
    imported = time.perf_counter()
    found = entries(Plan(load_files(files)))
    planning = time.perf_counter() - imported
    known = {repr(key): value for key, value in found.items()}
    json.dump({"entries": known, "importing": imported - began, "planning": planning}, sys.stdout)


def entries(plan: Any) -> dict[Any, Any]:
    """Everything that a plan says, by what it is said of."""
    config, old = plan.config, not hasattr(plan, "run")
    cases = plan._cases if old else plan.run.cases
    tables = plan.comparisons if old else plan.tables
    counted = plan.tables() if old else plan.counted()
    found: dict[Any, Any] = {}
    filed = getattr(config, "filed", {})
    for name in filed:
        found["read", name] = [plan.read_settings(name), plan.read_inputs(name)]
    for name in (name for name in config.datasets if name not in filed):
        found["render", name] = [plan.render_settings(name), plan.shards(name)]
    pipelines = getattr(config, "pipelines", {})
    for name in (
        name
        for name, model in config.models.items()
        if name not in pipelines and not getattr(model, "exact", None)
    ):
        settings = (plan.train_settings(name), plan.check_settings(name))
        found["train", name] = [settings[0], plan.training_data(name), settings[1]]
    for name in [] if old else getattr(plan.run, "followed", []):
        found["locality", name] = [plan.locality_settings(name), plan.locality_inputs(name)]
    found["train options"] = plan.training_options()
    counts = getattr(plan, "counts", True)  # of pictures from files alone nothing is
    if counts:
        found["detector"] = [plan.detector_settings(), plan.detector_options()]
    elif plan.classifies:
        found["classifier"] = [plan.classifier_settings(), plan.classifier_data()]
    scored = plan.scored() if pipelines else []
    for experiment, asked in cases.items():
        for case in asked:
            settings = plan.evaluate_settings if counts else plan.classify_settings
            if any(f"/{experiment}/{case}." in path for path in scored):
                settings = plan.score_settings
            found["evaluate", experiment, case] = settings(experiment, case)
            if experiment == "truth":
                found["reference", case] = plan.reference_settings(case)
            else:
                settings = plan.sample_settings(experiment, case)
                found["sample", experiment, case] = [settings, plan.models_of(experiment)]
    if counts:
        found["summary"] = [plan.summary_settings(), counted]
    for name in config.theory.experiments:
        found["theory", name] = plan.theory_settings(name)
    for name in tables:
        settings = plan.comparison_settings(name) if old else plan.table_settings(name)
        inputs = plan.comparison_inputs(name) if old else plan.table_inputs(name)
        found["table", name] = [settings, inputs]
    for name in plan.figures:
        found["figure", name] = [plan.figure_settings(name), plan.figure_inputs(name)]
    if getattr(plan, "playground_targets", list)():
        found["playground"] = [plan.playground_settings(), plan.playground_inputs()]
    found["targets"] = plan.targets()
    found["intermediates"] = plan.intermediates()
    return found


if __name__ == "__main__":
    main()
