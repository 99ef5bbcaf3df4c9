"""CLEVR's camera as equations: 35 mm lens, 32 mm along the view's longer side, looks at the origin.

Image points are shares of the image's sides, x to the right and y down, so that they mean the same
in CLEVR's 320 x 240 and in the same view squeezed into a square.
"""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from projcomp.scenes.vocabulary import CAMERA_LOCATION, VIEW

TAN_HALF_LONGER = 16.0 / 35.0

CLIP_START, CLIP_END = 0.1, 100.0
"""Depths between which the camera sees, scene units."""

_LEAST_DEPTH = 1e-9
_UP = np.array([0.0, 0.0, 1.0])

Array = NDArray[np.float64]
View = tuple[float, float]


def square_pixels(width: int, height: int) -> tuple[int, int]:
    """The view of a picture whose pixels are square: width to height in smallest whole numbers."""
    common = math.gcd(width, height)
    return width // common, height // common


def _cross(first: Array, second: Array) -> Array:
    """np.cross, to the bit, without what it spends on shapes: a fit makes a hundred cameras."""
    (a, b, c), (d, e, f) = first.tolist(), second.tolist()
    return np.array([b * f - c * e, c * d - a * f, a * e - b * d])


class Camera:
    """The pinhole camera at ``location`` (3,), scene units, up towards +z.

    Args:
        location: where it is.
        view: width to height of what it sees, whatever number of pixels that is squeezed into;
            CLEVR's own sensor covers the longer of the two.

    Raises:
        ValueError: the location lies on the z axis, where no direction is up.
    """

    def __init__(self, location: ArrayLike = CAMERA_LOCATION, view: View = VIEW):
        self.view = view
        width, height = view
        self.tan_half_width = TAN_HALF_LONGER * min(width, height) / height
        self.tan_half_height = TAN_HALF_LONGER * min(width, height) / width
        self.location: Array = np.asarray(location, dtype=np.float64)
        if self.location.shape != (3,) or np.hypot(*self.location[:2]) < 1e-9:
            raise ValueError(f"camera location off the z axis expected, got {location}")
        forward = -self.location / np.linalg.norm(self.location)
        right = _cross(forward, _UP)
        right /= np.linalg.norm(right)
        self.axes: Array = np.stack([right, _cross(right, forward), forward])
        """Rows: right, up, forward."""

    def project(self, xyz: ArrayLike) -> tuple[Array, Array]:
        """Image points (..., 2) and depths (...) along the camera's axis of points (..., 3)."""
        # einsum and not matmul: the sum's order must not depend on how many points are asked for
        local = np.einsum(
            "...i,ji->...j", np.asarray(xyz, dtype=np.float64) - self.location, self.axes
        )
        depth = local[..., 2]
        # a point beside the camera has no image; a number far outside stands for it
        divisor = np.where(np.abs(depth) < _LEAST_DEPTH, _LEAST_DEPTH, depth)
        x = 0.5 + 0.5 * local[..., 0] / (divisor * self.tan_half_width)
        y = 0.5 - 0.5 * local[..., 1] / (divisor * self.tan_half_height)
        return np.stack([x, y], axis=-1), depth

    def rays(self, points: ArrayLike) -> Array:
        """Directions (..., 3) through image points (..., 2), of unit length along the axis."""
        points = np.asarray(points, dtype=np.float64)
        right = (2.0 * points[..., :1] - 1.0) * self.tan_half_width
        up = (1.0 - 2.0 * points[..., 1:]) * self.tan_half_height
        return right * self.axes[0] + up * self.axes[1] + self.axes[2]

    def point_on_plane(self, points: ArrayLike, height: ArrayLike) -> Array:
        """Where the rays through image points (..., 2) meet the plane z = ``height``: (..., 3).

        Raises:
            ValueError: a ray does not meet its plane in front of the camera.
        """
        rays = self.rays(points)
        height = np.asarray(height, dtype=np.float64)
        with np.errstate(divide="ignore"):
            distance = (height - self.location[2]) / rays[..., 2]
        if not np.all(np.isfinite(distance) & (distance > 0)):
            raise ValueError(f"image points below the horizon expected, got {np.asarray(points)}")
        hits = self.location + distance[..., None] * rays
        hits[..., 2] = height
        return hits

    def ground_directions(self) -> dict[str, Array]:
        """CLEVR's left, right, front, behind: the camera's axes laid on the ground, unit length."""
        behind = self.axes[2] * [1.0, 1.0, 0.0]
        behind /= np.linalg.norm(behind)
        right = self.axes[0]
        return {"left": -right, "right": right, "front": -behind, "behind": behind}
