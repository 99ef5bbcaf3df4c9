"""What `projcomp predict` costs, and what it says of a dataset.

Usage: python benchmarks/predict.py [DATASET --by color --background FILE] [--samples 32]

Without a dataset: made-up pictures of 32 x 32, a square of one of 8 colours at a random place, 500
of each over 500 noisy backgrounds, which is the size of the demo's colours. Prints seconds of the
processor and of the clock for all pairs on one thread, and the most memory; with a dataset also the
table and its sentences.
"""

import argparse
import time
from pathlib import Path

import numpy as np
import torch
from common import peak_memory

from projcomp import seeds
from projcomp.prediction.places import Division
from projcomp.prediction.predict import Recipe, predict
from projcomp.prediction.sentences import sentences
from projcomp.prediction.sources import choose_pairs, read_labelled, split_background
from projcomp.scenes.vocabulary import COLORS

SIDE, SQUARE, EACH, GROUND = 32, 7, 500, 128


def made_up() -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Pictures of every colour, and of the background."""
    rng = seeds.generator(0, "benchmark", "predict")

    def ground() -> np.ndarray:
        noise = rng.normal(0, 2, (EACH, SIDE, SIDE, 3))
        return (GROUND + noise).round().astype(np.uint8)

    found = {}
    for name, color in COLORS.items():
        found[name] = ground()
        places = rng.integers(0, SIDE - SQUARE, (EACH, 2))
        for image, (top, left) in zip(found[name], places, strict=True):
            image[top : top + SQUARE, left : left + SQUARE] = color
    return found, ground()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("dataset", nargs="?", type=Path)
    parser.add_argument("--by", default="color")
    parser.add_argument("--background")
    parser.add_argument("--samples", type=int, default=32)
    arguments = parser.parse_args()
    if arguments.dataset and not arguments.background:
        parser.error("--background: a label or a file expected beside a dataset, got none")
    torch.set_num_threads(1)
    images, background = made_up()
    if arguments.dataset:
        source = read_labelled(arguments.dataset, arguments.by, Division())
        source, background = split_background(source, arguments.background)
        images = source.images
    pairs = choose_pairs(list(images), None)
    clock, processor = time.perf_counter(), time.process_time()
    found = predict(images, background, pairs, Recipe(num_samples=arguments.samples))
    clock, processor = time.perf_counter() - clock, time.process_time() - processor
    count, size = sum(map(len, images.values())), "x".join(map(str, background.shape[1:3]))
    if arguments.dataset:
        print(found.table.to_string(index=False, float_format="%.2f"))
        print(*sentences(found.table, found.brightness), sep="\n")
    print(f"{len(pairs)} pairs x {arguments.samples} samples, {count:,} pictures of {size}:")
    print(f"{processor:.0f} s of one core ({clock:.0f} s of the clock)")
    print(f"{peak_memory(torch.device('cpu')):.0f} MiB at most")


if __name__ == "__main__":
    main()
