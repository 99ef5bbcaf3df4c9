"""How well the camera of CLEVR's scene files follows from what they tell.

Usage: python benchmarks/camera_fit.py FILES...

Each scene tells where its objects are and where they were seen; a camera is right if it sees them
there. Printed per scene: objects, the size of the picture that the pixels are counted in, and for
CLEVR's unjittered camera and the one found how far the worst object is off, in pixels and in depth
(scene units), then where the one found is, beside the unjittered one, and how far off (pixels of a
picture 320 wide) the few numbers told may leave a corner of the ground. The lines at the end are of
scenes drawn and rounded as CLEVR does, whose camera is known.
"""

import argparse
from pathlib import Path

import numpy as np
from common import CLEVR

from projcomp import seeds
from projcomp.scenes.camera import Camera
from projcomp.scenes.camera_fit import Sighting, fit_cameras, sighting
from projcomp.scenes.clevr_json import read_sightings
from projcomp.scenes.placement import generate_scene
from projcomp.scenes.vocabulary import CAMERA_LOCATION

MADE_UP = 200


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="*")
    given = parser.parse_args()
    print("                 unjittered        found           moved by                unsure")
    print("objects  picture    px  depth     px    depth       x       y       z      px  file")
    for path in given.files:
        scenes = read_sightings(path)
        for number, fit in zip(scenes, fit_cameras(list(scenes.values())), strict=True):
            scene = scenes[number]
            before = _off(scene, CAMERA_LOCATION, fit.size)
            moved = np.subtract(fit.location, CAMERA_LOCATION)
            print(
                f"{len(scene.xyz):7d}  {fit.size[0]:3d}x{fit.size[1]:3d} {before[0]:5.2f} "
                f"{before[1]:6.3f}  {fit.pixels_off:5.2f}  {fit.depth_off:.1e}  "
                f"{moved[0]:6.3f}  {moved[1]:6.3f}  {moved[2]:6.3f}  {fit.unsure:6.3f}  "
                f"{Path(path).name} {number}{'' if fit.agrees else ': no camera explains it'}"
            )
    print(f"{MADE_UP} scenes of each number of objects, drawn and rounded as CLEVR does, px:")
    print("         found  their    corners of the    with the")
    print("                pixels   ground off by     unjittered camera")
    print("objects         worst    median  worst     median  worst")
    for count in (1, 2, 3, 5, 10):
        print(_made_up(count))


def _made_up(count: int) -> str:
    """Scenes of ``count`` objects by CLEVR's rules: how many are found, and how near."""
    told, cameras = [], []
    for index in range(MADE_UP):
        spec = generate_scene(seeds.generator(0, "camera fit", count, index), CLEVR, count, count)
        xyz = np.array([item.xyz for item in spec.objects]).astype(np.float32).astype(float)
        points, depth = Camera(spec.camera, (3, 2)).project(xyz)
        told.append(sighting(xyz, np.c_[np.round(points * (480, 320)), depth.astype(np.float32)]))
        cameras.append(spec.camera)
    fits = fit_cameras(told)
    found = sum(fit.agrees and fit.size == (480, 320) for fit in fits)
    far = np.array([_corners_off(fit.location, c) for fit, c in zip(fits, cameras, strict=True)])
    before = np.array([_corners_off(CAMERA_LOCATION, c) for c in cameras])
    worst = max(fit.pixels_off for fit in fits)
    return (
        f"{count:7d}  {found / MADE_UP:5.0%}  {worst:5.2f}  {np.median(far):6.3f}  {far.max():5.2f}"
        f"  {np.median(before):9.2f}  {before.max():5.2f}"
    )


def _off(scene: Sighting, location: tuple[float, float, float], size: tuple[int, int]):
    """Farthest pixel and depth of ``scene`` from where a camera sees them."""
    points, depth = Camera(location, size).project(scene.xyz)
    off = np.abs(np.column_stack([points * size, depth]) - scene.seen)
    return np.nanmax(off[:, :2]), np.nanmax(off[:, 2])


def _corners_off(one: tuple[float, float, float], other: tuple[float, float, float]) -> float:
    """How far apart two cameras see a corner of CLEVR's ground, pixels of a picture 320 wide."""
    corners = [(x, y, 0.0) for x in (-3, 3) for y in (-3, 3)]
    seen = [
        Camera(location, (3, 2)).project(corners)[0] * (320, 320 / 1.5) for location in (one, other)
    ]
    return float(np.abs(seen[0] - seen[1]).max())


if __name__ == "__main__":
    main()
