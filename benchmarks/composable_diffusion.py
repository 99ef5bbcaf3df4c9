"""Composable Diffusion's protocol with the models of a finished run: our renders, sets, detector.

    python benchmarks/composable_diffusion.py --experiments A A-exact --out judged

Each experiment's composition is asked for the first label sets of every k (docs/evaluation.md), one
sample for each, from the same noise whatever the experiment. Its samples and labels go into
OUT/<experiment>/, and OUT/<experiment>.csv has what `projcomp evaluate --labels` writes, which is
printed as well. The demo renders large objects alone, hence the default of --objects.
"""

import argparse
from pathlib import Path

import numpy as np
import torch

from projcomp.data.images import write_samples
from projcomp.data.label_sets import shipped_label_sets, write_label_sets
from projcomp.evaluation.judge_labels import Judging, judge
from projcomp.exact.load import load_exact
from projcomp.networks.checkpoint import load_model
from projcomp.plan.load import load_files
from projcomp.plan.plan import Plan
from projcomp.plan.stages import sample_settings
from projcomp.sampling.case import sample_case
from projcomp.sampling.requests import Model
from projcomp.scenes.label_sets import SETS
from projcomp.settings.case import Case
from projcomp.settings.stages import SampleSettings

STREAM = "label sets"


def sampled(settings: SampleSettings, places: np.ndarray, plan: Plan) -> np.ndarray:
    """One sample for each set of ``places`` (N, k, 2), uint8 (N, H, W, 3)."""
    loaded: dict[str, Model] = {}

    def load(name: str) -> Model:
        if name not in loaded:
            root, exact = Path(plan.folder.root), settings.exact.get(name)
            folder = Path(plan.folder.models()) / name
            loaded[name] = load_exact(name, exact, root) if exact else load_model(folder, "cpu")
        return loaded[name]

    images = []
    for number, one in enumerate(places.tolist()):
        case = Case(name=f"labels-k{len(one)}-{number}", locations=[(x, y) for x, y in one])
        changed = {"case": case, "num_samples": 1, "stream": STREAM}
        asked = settings.model_copy(update=changed)
        images.append(sample_case(asked, load, torch.device("cpu")).images)
    return np.concatenate(images)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--config", type=Path, nargs="+", default=[Path("config.yaml")])
    parser.add_argument("--experiments", nargs="+", required=True)
    parser.add_argument("--composed", type=int, nargs="+", default=[1, 2, 3, 4, 5])
    parser.add_argument("--objects", choices=SETS, default="large")
    parser.add_argument("--sets", type=int, default=64)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path, required=True)
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    plan = Plan(load_files(asked.config))
    config = plan.config
    how = Judging(
        config.evaluation.radius,
        config.detector.threshold,
        config.evaluation.confidence,
        config.evaluation.bootstrap,
    )
    detector = Path(plan.folder.detector_files()[0]).parent
    for name in asked.experiments:
        settings = sample_settings(plan.run, name, next(iter(plan.run.cases[name])))
        images, labels = [], []
        for number in asked.composed:
            places = shipped_label_sets(asked.objects, number)[: asked.sets].astype(float)
            stem = asked.out / name / f"k{number}"
            images.append(stem.with_suffix(".h5"))
            labels.append(stem.with_suffix(".npz"))
            write_samples(images[-1], sampled(settings, places, plan), Case(name=stem.name), {})
            write_label_sets(labels[-1], places)
        for line in judge(images, labels, detector, asked.out / f"{name}.csv", how):
            print(f"{name}: {line}", flush=True)


if __name__ == "__main__":
    main()
