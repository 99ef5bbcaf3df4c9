"""Draws the label sets that are shipped, and says how far large objects alone would fit into them.

    python benchmarks/label_sets.py --out src/projcomp/data/label_sets.npz

Each line: for which objects the sets are drawn, the number of places and of sets, and the share of
sets at which large objects alone keep CLEVR's distances and margins. Six minutes on one core.
"""

import argparse
from pathlib import Path

import numpy as np

from projcomp.data.label_sets import write_shipped
from projcomp.scenes.camera import Camera
from projcomp.scenes.label_sets import RULES, SETS, draw_label_sets
from projcomp.scenes.vocabulary import SIZES

ROUNDED = 0.02
"""Half precision moves a place by up to so many scene units."""


def fits_large(places: np.ndarray) -> np.ndarray:
    """At which sets ``(N, k, 2)`` large objects keep the distances and margins, ``(N,)``."""
    camera, radius, rules = Camera(), SIZES["large"], RULES["large"]
    axes = camera.ground_directions()
    ground = np.stack([axes["right"][:2], axes["behind"][:2]])
    at = camera.point_on_plane(places.astype(float), radius)[..., :2] @ ground.T
    one, other = np.triu_indices(places.shape[1], 1)
    off = np.abs(at[:, one] - at[:, other])
    apart = np.linalg.norm(off, axis=-1) >= 2 * radius + rules.min_distance - ROUNDED
    return (apart & (off >= rules.margin - ROUNDED).all(-1)).all(-1)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--out", type=Path, help="file to write; without it nothing is written")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--sets", type=int, default=5000, help="of each number of places, at most")
    asked = parser.parse_args()
    drawn = {}
    for objects, numbers in SETS.items():
        for number, count in numbers.items():
            places = draw_label_sets(asked.seed, objects, number, min(count, asked.sets))
            drawn[objects, number] = places
            share = fits_large(places).mean()
            told = f"{objects}, k = {number}: {len(places)} sets"
            print(f"{told}, {share:.3f} for large objects", flush=True)
    if asked.out:
        write_shipped(asked.out, drawn)


if __name__ == "__main__":
    main()
