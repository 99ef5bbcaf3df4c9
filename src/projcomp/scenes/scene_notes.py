"""What a user is told about a file of scenes: what was assumed and what is odd, a line each."""

from collections.abc import Collection, Mapping, Sequence

import numpy as np

from projcomp.scenes.camera import View, square_pixels
from projcomp.scenes.camera_fit import CLEVR_JITTER, CLEVR_SIZES, PIXELS_OFF, Fit
from projcomp.scenes.spec import SceneSpec
from projcomp.scenes.vocabulary import SIZES

HEIGHT_OFF = 0.01
"""Farthest off the ground that an object still stands on it, scene units: files round heights."""

_LAMPS = "lamps that a file does not tell are CLEVR's unjittered ones"


def camera_notes(
    untold: Sequence[int], fits: Mapping[int, Fit], fitted: bool, view: View
) -> list[str]:
    """How the cameras of the scenes ``untold``, whose file tells none, were found.

    Args:
        untold: numbers of the scenes.
        fits: by number, the best camera of those whose ``pixel_coords`` tell something.
        fitted: whether one was looked for.
        view: width to height of what is rendered.
    """
    good = {number: fit for number, fit in fits.items() if fit.agrees}
    bad = {number: fit for number, fit in fits.items() if not fit.agrees}
    silent = [number for number in untold if number not in fits]
    notes = []
    if good:
        notes.append(_found(good, view))
    vague = {number: fit for number, fit in good.items() if fit.unsure > PIXELS_OFF}
    if vague:
        worst = max(vague, key=lambda number: vague[number].unsure)
        notes.append(
            f"warning: so few objects tell the camera of {_scenes(vague)} that it is known roughly "
            f"only: to about {vague[worst].unsure:.1f} pixels in pictures 320 wide (scene {worst})"
        )
    if bad:
        worst = max(bad, key=lambda number: bad[number].pixels_off)
        width, height = bad[worst].size
        off = f"{bad[worst].pixels_off:.1f} pixels and {bad[worst].depth_off:.2f} in depth off"
        notes.append(
            f"warning: no camera of CLEVR's explains the pixel_coords of {_scenes(bad)}, so the "
            f"unjittered one is taken: the best is {off} in pictures of {width} x {height} (scene "
            f"{worst}); tell the 'camera', or give the --width and --height of the file's pictures"
        )
    if silent:
        why = "no pixel_coords tell it" if fitted else "none is looked for"
        notes.append(
            f"warning: no camera is told by {_scenes(silent)} and {why}, so CLEVR's unjittered one "
            f"is taken; {_LAMPS}"
        )
    return notes


def _found(good: Mapping[int, Fit], view: View) -> str:
    sizes = list(dict.fromkeys(fit.size for fit in good.values()))
    about = "" if all(size in CLEVR_SIZES for size in sizes) else "about "
    told = " or ".join(f"{about}{width} x {height}" for width, height in sizes[:3])
    more = " and others" if len(sizes) > 3 else ""
    before = max(fit.unjittered_off for fit in good.values())
    after = max(fit.pixels_off for fit in good.values())
    jitter = max(fit.jitter for fit in good.values())
    beyond = (
        f", up to {jitter:.2f} from CLEVR's unjittered one" if jitter > 1.1 * CLEVR_JITTER else ""
    )
    other = [size for size in sizes if square_pixels(*size) != tuple(view)]
    same = "; --width {} --height {} show what those do".format(*other[0]) if other else ""
    return (
        f"note: the camera of {_scenes(good)} was found from pixel_coords, of pictures of {told}"
        f"{more}{beyond}: at most {after:.2f} pixels off, {before:.2f} with the unjittered one; "
        f"{_LAMPS}{same}"
    )


def oddities(scenes: Sequence[SceneSpec]) -> list[str]:
    """What can be rendered and is probably not meant."""
    off_ground, unseen, within = {}, {}, {}
    below = [number for number, scene in enumerate(scenes) if scene.camera[2] <= 0]
    for number, scene in enumerate(scenes):
        for i, item in enumerate(scene.objects):
            if abs(item.xyz[2] - SIZES[item.size]) > HEIGHT_OFF:
                off_ground[number, i] = item
            if item.visible_pixels == 0:
                unseen[number, i] = item
        for i, j in _overlaps(scene):
            within[number, i] = j
    notes = []
    if off_ground:
        (number, i), item = next(iter(off_ground.items()))
        notes.append(
            f"warning: {_objects(off_ground)} not standing on the ground, rendered where told: "
            f"object {i} of scene {number} is {item.size}, so that its centre is expected at z = "
            f"{SIZES[item.size]:g}, got {item.xyz[2]:g}"
        )
    if within:
        (number, i), j = next(iter(within.items()))
        notes.append(
            f"warning: {_objects(within)} reaching into another: object {i} of scene {number} into "
            f"object {j}"
        )
    if unseen:
        number, i = next(iter(unseen))
        notes.append(
            f"warning: {_objects(unseen)} that no pixel shows, for being behind the camera, out "
            f"of the view, hidden or too far away: object {i} of scene {number}"
        )
    if below:
        notes.append(f"warning: the camera of {_scenes(below)} lies below the ground")
    return notes


def _overlaps(scene: SceneSpec) -> list[tuple[int, int]]:
    """Pairs of objects of which it is certain that they overlap: every shape holds a ball."""
    if len(scene.objects) < 2:
        return []
    xyz = np.array([item.xyz for item in scene.objects])
    radius = np.array([SIZES[item.size] for item in scene.objects])
    apart = np.linalg.norm(xyz[:, None] - xyz[None], axis=-1)
    found = np.argwhere(np.triu(apart < radius[:, None] + radius, k=1))
    return [(int(i), int(j)) for i, j in found]


def _scenes(numbers: Collection[int]) -> str:
    """How many scenes, and which is the first where it is not all of one."""
    first = next(iter(numbers))
    return f"scene {first}" if len(numbers) == 1 else f"{len(numbers):,} scenes from {first} on"


def _objects(found: Collection[tuple[int, int]]) -> str:
    count = len({number for number, _ in found})
    return (
        f"{len(found):,} {'object' if len(found) == 1 else 'objects'} in "
        f"{count:,} {'scene' if count == 1 else 'scenes'}"
    )
