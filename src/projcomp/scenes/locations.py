"""The nine places that compositions ask for: a 3 x 3 grid of ground points, as image points."""

import numpy as np
from numpy.typing import NDArray

from projcomp.scenes.camera import Camera

GRID = (-2.0, 0.0, 2.0)


def default_locations() -> NDArray[np.float64]:
    """Image points (9, 2) of the ground grid {-2, 0, 2}^2 seen by the unjittered camera.

    The first k lie as far apart as a greedy choice can make them: the two farthest corners, then
    always the point whose nearest chosen neighbour is farthest, corners before the others.
    """
    ground = np.array([(x, y, 0.0) for x in GRID for y in GRID])
    points = Camera().project(ground)[0]
    is_corner = np.abs(ground[:, :2]).min(axis=1) > 0
    distances = np.linalg.norm(points[:, None] - points[None], axis=-1)
    among_corners = np.where(np.outer(is_corner, is_corner), distances, -1.0)
    chosen = [int(i) for i in np.unravel_index(np.argmax(among_corners), distances.shape)]
    while len(chosen) < len(points):
        nearest = distances[:, chosen].min(axis=1)
        nearest[chosen] = -1.0
        open_corners = is_corner & (nearest >= 0)
        if open_corners.any():
            nearest[~is_corner] = -1.0
        chosen.append(int(np.argmax(nearest)))
    return points[chosen]
