"""How often a run's detector errs on renders that no training and no run has seen.

Usage: python benchmarks/detector_held_out.py --assets path/to/clevr/data [--root .] [--scenes 600]
       [--empty 4000] [--configfile config.yaml presets/gpu.yaml ...]

Scenes of the rules of ``detector.dataset``, from a random stream of their own, are rendered as the
run renders and from CLEVR's own files; both hold the same scenes. Then as many empty scenes as are
asked for. Printed for each: exact counts by the true number of objects, places, attributes, unsure;
of the empty ones the share with a false object and its upper Wilson bound at 95 %. A scene takes
about 0.1 s on a core at 32 x 32.

After the scenes rendered as the run renders: what becomes of count and doubt where these pictures
are blurred, lose their contrast or come near an empty render, until nothing is left to see.
"""

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from projcomp.config.generated import CONFIG_FILE
from projcomp.data.index import build_index
from projcomp.evaluation.check import check_detections
from projcomp.evaluation.detect import detect
from projcomp.evaluation.forward import Forward, load_detector
from projcomp.evaluation.heatmaps import Detections
from projcomp.evaluation.intervals import wilson
from projcomp.evaluation.labelled import LabelledImages, read_labelled
from projcomp.folder import DETECTOR, Folder
from projcomp.plan.load import load_files
from projcomp.plan.run import Run
from projcomp.plan.stages import render_settings
from projcomp.render.shards import render_shard
from projcomp.settings.stages import RenderSettings

SHOWN = {
    "exact_count": "exact count",
    "pixel_error": "pixels",
    "color_accuracy": "colour",
    "shape_accuracy": "shape",
    "material_accuracy": "material",
    "size_accuracy": "size",
    "false_objects": "false objects",
    "unsure": "unsure",
}


def rendered(settings: RenderSettings, count: int, threads: int) -> LabelledImages:
    """``count`` renders and their objects."""
    with tempfile.TemporaryDirectory() as folder:
        shard, index = Path(folder) / "shard.h5", Path(folder) / "index.h5"
        render_shard(settings.model_copy(update={"shard_size": count}), 0, shard, threads)
        build_index([shard], index)
        return read_labelled(index, settings.resolution)


def held_out(run: Run, *, assets: str | None = None, **changes: int) -> RenderSettings:
    """The settings of the detector's dataset, of another stream; and rendered in another way."""
    settings = render_settings(run, run.config.detector.dataset)
    kept = {} if assets is None else {"assets": assets}
    other = {"dataset": "held_out", "render": settings.render.model_copy(update=kept)}
    return settings.model_copy(update={**other, "points": None, "moved_from": None, **changes})


def line(name: str, row: pd.Series) -> str:
    """The numbers of one group of images."""
    ends = f" [{row['exact_count_low']:.3f}, {row['exact_count_high']:.3f}]"
    told = [f"{row[column]:.3f}{ends if column == 'exact_count' else ''}" for column in SHOWN]
    return f"| {name} | {row['images']:.0f} | {' | '.join(told)} |"


def tell(name: str, found: Sequence[Detections], truth: LabelledImages) -> None:
    """A table by number of objects."""
    print(f"\n{name}\n| objects | images | {' | '.join(SHOWN.values())} |")
    for _, row in check_detections(found, truth).iterrows():
        if row["images"]:
            print(line(str(row["num_objects"]), row))


BLURS, SHARES = (0.5, 1, 2, 3, 5, 8), (0.75, 0.5, 0.3, 0.2, 0.1, 0.05)
"""Deviations of a blur in 32nds of the side, and shares of a difference that are left."""

GROUNDS = 40
"""Empty renders of which the ground is the mean."""

Images = NDArray[np.uint8]


def blurred(images: Images, deviation: float) -> Images:
    """Pictures ``(N, S, S, 3)`` blurred by a Gaussian, its deviation in 32nds of the side."""
    pixels = deviation * images.shape[1] / 32
    found = gaussian_filter(images.astype(float), (0, pixels, pixels, 0), mode="nearest")
    return found.round().astype(np.uint8)


def faded(images: Images, ground: NDArray[np.float64], share: float) -> Images:
    """Pictures ``(N, S, S, 3)`` with a ``share`` of their differences to the ``ground``."""
    return (ground + share * (images - ground)).round().astype(np.uint8)


def vanishing(
    detector: Forward, images: Images, ground: NDArray[np.float64], threshold: float
) -> None:
    """What is counted in pictures with objects that vanish, and how sure it is.

    Args:
        detector: of the run.
        images: with objects ``(N, S, S, 3)``.
        ground: an empty picture ``(S, S, 3)``.
        threshold: least height of an object's peak.
    """
    own = images.mean((1, 2), keepdims=True)
    ways = {"as rendered": images}
    ways |= {f"blurred by {one / 32:.1%} of the side": blurred(images, one) for one in BLURS}
    ways |= {f"{one:.0%} of the contrast": faded(images, own, one) for one in SHARES}
    ways |= {f"{one:.0%} over an empty render": faded(images, ground, one) for one in SHARES}
    print(f"\nwhole pictures, {len(images)} with objects")
    print("| pictures | objects found | none found | unsure | none found, and sure |")
    print("| --- | --- | --- | --- | --- |")
    for name, changed in ways.items():
        found = detect(detector, changed, threshold)
        number = np.array([len(one.xy) for one in found])
        unsure = np.array([one.unsure for one in found])
        none = number == 0
        told = (number.mean(), none.mean(), unsure.mean(), (none & ~unsure).mean())
        print(f"| {name} | {' | '.join(f'{value:.2f}' for value in told)} |")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--root", type=Path, default=Path(), help="folder of the run")
    parser.add_argument(
        "--configfile", type=Path, nargs="+", help="the run's; without it config.yaml of its folder"
    )
    parser.add_argument("--assets", help="folder with CLEVR's .blend files; without it ours alone")
    parser.add_argument("--scenes", type=int, default=600)
    parser.add_argument("--empty", type=int, default=4000)
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args()
    run = load_files(given.configfile or [given.root / CONFIG_FILE])
    folder = Folder(str(given.root))
    detector: Forward = load_detector(Path(folder.detector(DETECTOR)).parent)

    def seen(settings: RenderSettings, count: int) -> tuple[list[Detections], LabelledImages]:
        truth = rendered(settings, count, given.threads)
        return detect(detector, truth.images, run.config.detector.threshold), truth

    ways = {"rendered as the run renders": None}
    if given.assets:
        ways["rendered from CLEVR's own files"] = str(Path(given.assets).resolve())
    for name, assets in ways.items():
        if given.scenes:
            found, truth = seen(held_out(run, assets=assets), given.scenes)
            tell(name, found, truth)
            if assets is None:
                some = truth.images[truth.num_objects > 0]
                empty = held_out(run, min_objects=0, max_objects=0)
                ground = rendered(empty, GROUNDS, given.threads).images.mean(0)
                vanishing(detector, some, ground, run.config.detector.threshold)
        if given.empty:
            empty = held_out(run, assets=assets, min_objects=0, max_objects=0)
            found, truth = seen(empty, given.empty)
            wrong = sum(len(one.xy) > 0 for one in found)
            _, high = wilson(wrong, len(truth), 0.95)
            doubted = sum(one.unsure for one in found) / len(truth)
            print(
                f"\n{name}, {len(truth)} empty scenes: {wrong} with a false object, at most "
                f"{1000 * high:.2f} in a thousand; unsure {doubted:.4f}"
            )


if __name__ == "__main__":
    main()
