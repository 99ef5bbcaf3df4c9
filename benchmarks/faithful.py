"""How close the scene built in code comes to the one built from CLEVR's own files.

Usage: python benchmarks/faithful.py --assets path/to/clevr/data [--scenes 8] [--samples 512]

Each scene is drawn by CLEVR's rules (both sizes, camera and lights jittered, 3 to 10 objects) and
rendered both ways at 320 x 240 without denoiser, each with its own noise. Printed per scene and
over all: PSNR in dB of the 8-bit images, the PSNR of two renders of CLEVR's own files that differ
in noise only (what a perfect copy would reach), and how far the outline of any object is from
the other's, in pixels. ``--out`` writes the two pictures and their difference, times 8, side by
side.
"""

import argparse
import os

import numpy as np
from common import CLEVR, psnr
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import distance_transform_edt

from projcomp import seeds
from projcomp.data.picture import Picture
from projcomp.render.renderer import Renderer
from projcomp.scenes.placement import generate_scene
from projcomp.scenes.spec import SceneSpec


def outline_distance(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> float:
    """How far any pixel of an object lies outside of the same object in the other mask."""
    farthest = 0.0
    for number in range(1, int(max(first.max(), second.max())) + 1):
        for ours, theirs in ((first, second), (second, first)):
            odd = (ours == number) & (theirs != number)
            if odd.any():
                away = distance_transform_edt(theirs != number)[odd]
                farthest = max(farthest, float(away.max()))
    return farthest


def render_all(
    scenes: list[SceneSpec], first_noise: int, samples: int, assets: str | None
) -> list[Picture]:
    threads = os.cpu_count() or 1
    size = {"width": 320, "height": 240}
    with Renderer(
        **size, samples=samples, denoise=False, threads=threads, assets=assets
    ) as renderer:
        return [renderer.render(scene, first_noise + i) for i, scene in enumerate(scenes)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--assets", required=True, help="folder with CLEVR's .blend files")
    parser.add_argument("--scenes", type=int, default=8)
    parser.add_argument("--samples", type=int, default=512)
    parser.add_argument("--out", help="picture to write: ours, CLEVR's, and the difference x 8")
    given = parser.parse_args()
    scenes = [
        generate_scene(seeds.generator(0, "faithful", i), CLEVR, 3, 10) for i in range(given.scenes)
    ]
    ours = render_all(scenes, 0, given.samples, None)
    theirs = render_all(scenes, 1000, given.samples, given.assets)
    again = render_all(scenes, 2000, given.samples, given.assets)
    rows = []
    print("scene  objects  PSNR dB  noise alone dB  outline px")
    for i, (a, b, c) in enumerate(zip(ours, theirs, again, strict=True)):
        row = (psnr(a.image, b.image), psnr(b.image, c.image), outline_distance(a.mask, b.mask))
        rows.append(row)
        count = len(scenes[i].objects)
        print(f"{i:5d}  {count:7d}  {row[0]:7.2f}  {row[1]:14.2f}  {row[2]:10.2f}")
    table = np.array(rows)
    print(f" mean           {table[:, 0].mean():7.2f}  {table[:, 1].mean():14.2f}")
    print(f"worst           {table[:, 0].min():7.2f}  {'':14}  {table[:, 2].max():10.2f}")
    if given.out:
        lines = [
            np.hstack([a.image, b.image, _difference(a.image, b.image)])
            for a, b in zip(ours, theirs, strict=True)
        ]
        Image.fromarray(np.vstack(lines)).save(given.out)


def _difference(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> NDArray[np.uint8]:
    signed = 128.0 + 8.0 * (first.astype(float) - second.astype(float))
    return signed.clip(0, 255).astype(np.uint8)


if __name__ == "__main__":
    main()
