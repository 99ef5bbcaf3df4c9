"""What each augmentation of the detector's training is worth, on renders that it never saw.

Usage: python benchmarks/detector_augmentations.py data/counting.h5 [--images-seen 12800]
       [--channels 16] [--holdout 500] [--seed 0] [--only ghost tone ...]

Trains a detector with all augmentations, one with none, and one with all but each of them. A line
for each training: the share of exact counts on held-out renders, and of those of which it is
unsure (neither should suffer). Then, for the one that was left out: the share of exact counts on
renders disturbed by it, if it is to be counted all the same, or the share of these that the
detector is unsure of, if it should be; and what the detectors with all and with none make of them.
Thirteen trainings of a small network: a quarter of an hour to an hour on one core, by its speed.
"""

import argparse
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from projcomp.config.learning import DOUBTFUL, MILD, DetectorConfig
from projcomp.data.index import open_index
from projcomp.folder import CHECK
from projcomp.settings.stages import DetectorSettings
from projcomp.training.detector import train_detector

EVERY = (*MILD, *DOUBTFUL)


def trained(given: argparse.Namespace, names: Sequence[str]) -> pd.DataFrame:
    """The check of a detector that was trained with these augmentations, by its rows' names."""
    with open_index(given.data) as file:
        resolution = int(file["images"].shape[1])  # pyright: ignore
    detector = DetectorConfig(
        images_seen=given.images_seen,
        channels=given.channels,
        holdout=given.holdout,
        augmentations=list(names),
    )
    settings = DetectorSettings(seed=given.seed, resolution=resolution, detector=detector)
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "detector"
        train_detector(settings, given.data, out, state_dir=Path(folder) / "state")
        return pd.read_csv(out / CHECK).set_index("num_objects")


def asked_of(name: str) -> str:
    """What is to be high on renders disturbed by ``name``."""
    return "exact_count" if name in MILD else "unsure"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--images-seen", type=int, default=12_800)
    parser.add_argument("--channels", type=int, default=16)
    parser.add_argument("--holdout", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="+", choices=EVERY, default=EVERY, metavar="NAME")
    given = parser.parse_args()
    print("| trained with | exact, clean | unsure, clean | on renders disturbed by it | seconds |")
    print("| --- | --- | --- | --- | --- |")
    checks: dict[str, pd.DataFrame] = {}
    for left_out in ("all", "none", *given.only):
        names = [] if left_out == "none" else [name for name in EVERY if name != left_out]
        began = time.perf_counter()
        check = checks[left_out] = trained(given, names)
        seconds = time.perf_counter() - began
        clean, told = check.loc["all"], ""
        if left_out in EVERY:
            measure = asked_of(left_out)
            value, every, none = (
                one.loc[left_out, measure] for one in (check, checks["all"], checks["none"])
            )
            told = f"{measure} {value:.3f} (all {every:.3f}, none {none:.3f})"
        title = left_out if left_out in ("all", "none") else f"all but {left_out}"
        print(
            f"| {title} | {clean['exact_count']:.3f} | {clean['unsure']:.3f} | {told} | "
            f"{seconds:.0f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
