"""Made-up results of a run, as small as figures and tables take them."""

import json
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from toy_dataset import write_toy

from projcomp.data.images import write_samples
from projcomp.evaluation.classified import Classified, write_classified
from projcomp.evaluation.detector import Detector, save_detector
from projcomp.evaluation.evaluate import COLUMNS
from projcomp.evaluation.make_table import make_table
from projcomp.evaluation.scored import Scored, write_scored
from projcomp.evaluation.summary import summarize
from projcomp.folder import CHECK, LOCALITY, REFERENCE, RELIABILITY, Folder
from projcomp.plan.plan import Plan
from projcomp.plan.stages import sample_settings, summary_settings
from projcomp.settings.case import Case

NUMBER = 6
"""Images of every case."""

DETECTOR_CHECK = """num_objects,images,exact_count,exact_count_low,exact_count_high,one_less,\
one_more,all_found,some_false,recall,precision,color_accuracy,shape_accuracy,material_accuracy,\
size_accuracy
0,10,1.0,0.7,1.0,0,0,1,0,,,,,,
1,10,0.9,0.6,0.98,0.1,0,0.9,0,0.95,1,0.9,0.8,0.9,1
1-5,10,0.9,0.6,0.98,0.1,0,0.9,0,0.95,1,0.9,0.8,0.9,1
all,20,0.95,0.7,0.99,0.05,0,0.95,0,0.95,1,0.9,0.8,0.9,1
ghost,20,0.2,0.1,0.4,0.5,0,0.3,0,0.5,1,0.9,0.8,0.9,1
"""
RELIABILITY_TABLE = """low,high,peaks,height,precision,precision_low,precision_high,\
calibration_error
0,0.1,4,0.07,0,0,0.5,
0.9,1,10,0.97,0.9,0.6,0.98,
0,1,14,0.7,0.6,0.4,0.8,0.07
"""
MODEL_CHECK = """dataset,part,told,sigma,error,low,high,images
single,held_out,condition,0.1,0.5,0.4,0.6,10
single,held_out,condition,1,0.7,0.6,0.8,10
single,held_out,nothing,0.1,0.6,0.5,0.7,10
single,training,condition,0.1,0.4,0.3,0.5,10
"""
LOCALITY_TABLE = """model,background,sigma,distance,share,low,high,even,energy,near,images,probes
single,,0.1,1,1,0.9,1,0.2,0.9,,4,8
single,,1,1,0.7,0.6,0.8,0.2,0.1,,4,8
single,single empty,0.1,1,,,,0.2,0,,4,8
single,single empty,1,1,0.5,,,0.2,0.01,0.9,1,8
"""


def write_case(folder: Folder, experiment: str, case: Case, rng: np.random.Generator) -> Path:
    """The images of a case and the table of what was counted in them; the table's path.

    Every second image is right. The interaction is that of two conditions, whatever was asked.
    """
    levels = rng.uniform(0.1, 1, (NUMBER, 3, 1, 1))
    measured = {"interaction": levels * [[4.0, 1.0], [1.0, 9.0]]}
    if len(case.locations) > 1 or case.asked:
        measured["interaction_map"] = rng.standard_normal((NUMBER, 16, 16))
    images = rng.integers(0, 256, (NUMBER, 16, 16, 3), dtype=np.uint8)
    measured["line_log_q"] = rng.standard_normal((NUMBER, 2, 3, 2))
    path = folder.samples(experiment, case.name)
    asked_for = {"sampling": {"densities": {"num_levels": 3}}}
    told = {"sigmas": [9.0, 1.0, 0.1, 0.0], "settings": json.dumps(asked_for)}
    write_samples(path, images, case, told, measured)
    right, asked = 1 - np.arange(NUMBER) % 2, case.num_composed
    told: dict[str, Any] = {}
    if case.locations:
        told = {"num_hit": len(case.locations), "all_places": right, "places_hit": right}
        told |= {"place_distance": 0.01}
    told |= {"colors_hit": len(case.colors), "all_colors": right} if case.colors else {}
    table = pd.DataFrame({"index": range(NUMBER), "num_objects": asked + 1 - right, **told})
    table = table.assign(experiment=experiment, case=case.name, num_composed=asked, extra_objects=0)
    table = table.assign(exact_count=right, success=right, accepted=right, colors="red")
    if case.asked:
        table["outcome"] = np.where(right, "right", "unbound")
    table = table.assign(network_evaluations=105, seconds=0.5)
    cells = [";".join(["red 0.2000 0.6000"] * count) for count in table["num_objects"]]
    table = table.assign(objects=cells)
    counted = Path(folder.counted(experiment, case.name))
    counted.parent.mkdir(parents=True, exist_ok=True)
    table.reindex(columns=pd.Index(COLUMNS)).to_csv(counted, index=False)
    return counted


def made_up_classes(rng: np.random.Generator) -> Classified:
    """What a classifier says of pictures of two classes, every second of each."""
    features = rng.standard_normal((NUMBER, 2))
    classes = np.arange(NUMBER) % 2
    return Classified(["bar", "cross"], np.eye(2)[classes], features, classes)


def write_prompted(plan: Plan, experiment: str, case: Case, rng: np.random.Generator) -> None:
    """The pictures of a case of two prompts, what was measured, and their scores."""
    images = rng.integers(0, 256, (NUMBER, 24, 16, 3), dtype=np.uint8)
    settings = sample_settings(plan.run, experiment, case.name).model_dump_json()
    attributes = {"experiment": experiment, "settings": settings, "seconds_per_image": 0.5}
    measured = {name: rng.standard_normal((NUMBER, 2)) for name in ("kappa", "log_q")}
    path = plan.folder.samples(experiment, case.name)
    write_samples(path, images, case, attributes, measured)
    scored = Scored(["an otter", "a heron"], rng.standard_normal((NUMBER, 2)))
    write_scored(Path(plan.folder.scored(experiment, case.name)), scored)


def write_results(plan: Plan) -> None:
    """Everything that the tables and figures of a run read, its exact experiments apart."""
    folder, rng = plan.folder, np.random.default_rng(0)
    # the detector before what is counted by it, and its check before the summary that it corrects
    save_detector(Path(folder.detector("")), Detector(channels=4, resolution=16), {}, 4)
    checks = {folder.model(name, CHECK): MODEL_CHECK for name in plan.run.networks}
    checks |= {
        folder.model(name, LOCALITY): LOCALITY_TABLE.replace("single", name)
        for name in plan.run.followed
    }
    checks |= {folder.detector(CHECK): DETECTOR_CHECK}
    checks |= {folder.detector(RELIABILITY): RELIABILITY_TABLE}
    for path, text in checks.items():
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_text(text)
    counted = [
        write_case(folder, experiment, case, rng)
        for experiment, cases in plan.run.rendered.cases.items()
        for case in cases.values()
    ]
    if plan.classifies:
        write_classified(Path(folder.classifier(REFERENCE)), made_up_classes(rng))
    for name, experiment in plan.run.filed.experiments.items():
        for case in experiment.cases.values():
            images = rng.integers(0, 256, (NUMBER, 16, 16, 3), dtype=np.uint8)
            write_samples(folder.samples(name, case.name), images, case, {"experiment": name})
            write_classified(Path(folder.classified(name, case.name)), made_up_classes(rng))
    for name, experiment in plan.run.prompted.experiments.items():
        for case in experiment.cases.values():
            write_prompted(plan, name, case, rng)
    for name in plan.config.rendered:
        index = write_toy(Path(folder.index(name)).parent, name=name, side=16)
        os.utime(index, (0, 0))  # older than all that is made of it
    summarize(counted, summary_settings(plan.run), Path(folder.summary()))
    tables = {folder.table(name) for name in plan.tables}
    # those that read other tables come after them
    ordered = sorted(
        plan.tables, key=lambda name: not tables.isdisjoint(plan.tables[name].reads(folder))
    )
    for name in ordered:
        make_table(name, plan.tables[name].settings, Path(folder.root), Path(folder.table(name)))


def copied(files: list[str], made: Folder, root: Path) -> Folder:
    """The folder ``root`` with copies of ``files`` of the run in ``made``, and nothing else.

    The shards of a dataset go with its index.
    """
    for path in files:
        copy = root / Path(path).relative_to(made.root)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)
        if Path(path).parent.name == "data":
            shards = Path(path).with_suffix("")
            shutil.copytree(shards, copy.with_suffix(""), dirs_exist_ok=True)
    return Folder(str(root))
