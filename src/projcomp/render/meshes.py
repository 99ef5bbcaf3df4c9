# pyright: reportAttributeAccessIssue=false, reportOptionalMemberAccess=false
# (bpy comes without type stubs)
"""Meshes of CLEVR's unit shapes and its ground, measured from CLEVR's files (half-extent 1)."""

import bpy
import numpy as np
from numpy.typing import NDArray

from projcomp.scenes.visibility import CUBE_CORE, CUBE_EDGE, CUBE_EXPONENT

Array = NDArray[np.float64]

_CUBE_SEGMENTS = 8  # to a quarter of a rounded edge
_CYLINDER_SEGMENTS = 64
_SPHERE_SEGMENTS, _SPHERE_RINGS = 64, 32

# The cylinder's rim, (radius, height), from the flat top to the wall.
_RIM = np.array(
    [
        (0.91, 1.0), (0.921, 1.0), (0.932, 1.0), (0.943, 0.999), (0.953, 0.998), (0.962, 0.996),
        (0.971, 0.993), (0.979, 0.989), (0.985, 0.984), (0.99, 0.977), (0.993, 0.968),
        (0.996, 0.959), (0.998, 0.948), (0.999, 0.937), (0.999, 0.925), (1.0, 0.913), (1.0, 0.9),
    ]
)  # fmt: skip

# The ground is a cyclorama: this (x, z) profile, extruded along y.
_GROUND_PROFILE = np.array(
    [
        (-23.5557, 0.0), (-21.644, 0.0), (-19.8427, 0.0001), (-18.1474, 0.0004),
        (-16.5536, 0.0012), (-15.0571, 0.003), (-13.6537, 0.0062), (-12.3392, 0.0114),
        (-11.1096, 0.0195), (-9.961, 0.0312), (-8.8894, 0.0476), (-7.8912, 0.0697),
        (-6.9626, 0.0987), (-6.0999, 0.1359), (-5.2998, 0.1828), (-4.5587, 0.2408),
        (-3.8733, 0.3118), (-3.2402, 0.3973), (-2.6565, 0.4994), (-2.1189, 0.62),
        (-1.6244, 0.7612), (-1.1701, 0.9252), (-0.7532, 1.1145), (-0.3709, 1.3313),
        (-0.0205, 1.5784), (0.3005, 1.8584), (0.5946, 2.174), (0.8643, 2.5283),
        (1.1119, 2.9242), (1.3396, 3.3649), (1.5495, 3.8536), (1.7438, 4.3936),
        (1.9244, 4.9886), (2.0933, 5.642), (2.2522, 6.3576), (2.4028, 7.1392),
        (2.5469, 7.9907), (2.686, 8.9163), (2.8214, 9.92), (2.9548, 11.0061),
        (3.0872, 12.1791), (3.22, 13.4435), (3.3543, 14.8038), (3.491, 16.2648),
        (3.6313, 17.8315), (3.7759, 19.5086), (3.9256, 21.3014), (4.0812, 23.2149),
    ]
)  # fmt: skip
_GROUND_Y = (0.0, -56.4849)
_GROUND_LOCATION = (-24.062761, -17.99667, 0.0)
_GROUND_TURN = 2.697982
_GROUND_SUBDIVISIONS = 2


def unit_meshes() -> dict[str, bpy.types.Mesh]:
    """The three shapes by CLEVR's names."""
    return {"cube": _cube(), "sphere": _sphere(), "cylinder": _cylinder()}


def add_ground(scene: bpy.types.Scene) -> bpy.types.Object:
    """Add the ground, its subdivision already applied, without a material (Cycles' grey)."""
    x, z = _GROUND_PROFILE.T
    rows = [np.stack([x, np.full_like(x, y), z], axis=1) for y in _GROUND_Y]
    n = len(x)
    faces = [(i, i + 1, n + i + 1, n + i) for i in range(n - 1)]
    rough = bpy.data.objects.new("Ground", _mesh("Ground", np.concatenate(rows), faces, False))
    scene.collection.objects.link(rough)
    modifier = rough.modifiers.new("Subdivision", "SUBSURF")
    modifier.levels = modifier.render_levels = _GROUND_SUBDIVISIONS
    depsgraph = bpy.context.evaluated_depsgraph_get()
    smooth = bpy.data.meshes.new_from_object(rough.evaluated_get(depsgraph))
    rough.modifiers.clear()
    rough.data = smooth
    rough.location = _GROUND_LOCATION
    rough.rotation_euler = (0.0, 0.0, _GROUND_TURN)
    return rough


def _mesh(name: str, vertices: Array, faces: list[tuple[int, ...]], smooth: bool) -> bpy.types.Mesh:
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata(vertices.tolist(), [], faces)
    mesh.polygons.foreach_set("use_smooth", np.full(len(faces), smooth))
    mesh.validate()
    mesh.update()
    return mesh


def _cube() -> bpy.types.Mesh:
    """Six square grids, bent over the rounded edges; neighbouring grids share their border."""
    angles = np.linspace(0.0, np.pi / 4, _CUBE_SEGMENTS // 2 + 1)
    side = CUBE_CORE + CUBE_EDGE * np.tan(angles)
    line = np.concatenate([-side[::-1], side])
    n = len(line)
    u, v = np.meshgrid(line, line, indexing="ij")
    flat = np.stack([u.ravel(), v.ravel(), np.ones(n * n)], axis=1)
    core = np.clip(flat, -CUBE_CORE, CUBE_CORE)
    excess = flat - core
    length = (np.abs(excess) ** CUBE_EXPONENT).sum(axis=1, keepdims=True) ** (1 / CUBE_EXPONENT)
    top = core + excess * (CUBE_EDGE / length)
    quads = [
        (i * n + j, (i + 1) * n + j, (i + 1) * n + j + 1, i * n + j + 1)
        for i in range(n - 1)
        for j in range(n - 1)
    ]
    vertices: dict[tuple[float, ...], int] = {}
    faces = []
    for axis in range(3):
        for sign in (1, -1):
            grid = np.roll(top * [1.0, sign, sign], axis, axis=1)  # a turn, not a reflection
            keys = [tuple(p) for p in np.round(grid, 9).tolist()]
            index = [vertices.setdefault(key, len(vertices)) for key in keys]
            faces += [tuple(index[k] for k in quad) for quad in quads]
    return _mesh("cube", np.array(list(vertices)), faces, True)


def _sphere() -> bpy.types.Mesh:
    angles = np.linspace(0.0, np.pi, _SPHERE_RINGS + 1)[1:-1]
    profile = np.stack([np.sin(angles), np.cos(angles)], axis=1)
    return _turned("sphere", profile, _SPHERE_SEGMENTS, poles=(1.0, -1.0))


def _cylinder() -> bpy.types.Mesh:
    profile = np.concatenate([_RIM[::2], (_RIM[::2] * [1.0, -1.0])[::-1]])
    return _turned("cylinder", profile, _CYLINDER_SEGMENTS, poles=(1.0, -1.0))


def _turned(name: str, profile: Array, segments: int, poles: tuple[float, float]) -> bpy.types.Mesh:
    """The solid of revolution of a (radius, height) profile from top to bottom.

    Shaded smoothly, where CLEVR's own is flat and has many more faces.
    """
    angles = np.arange(segments) * (2 * np.pi / segments)
    circle = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    rings = [np.column_stack([circle * r, np.full(segments, z)]) for r, z in profile.tolist()]
    top, bottom = len(rings) * segments, len(rings) * segments + 1
    vertices = np.concatenate([*rings, [(0.0, 0.0, poles[0]), (0.0, 0.0, poles[1])]])
    faces: list[tuple[int, ...]] = []
    last = (len(rings) - 1) * segments
    for k in range(segments):
        following = (k + 1) % segments
        faces.append((top, k, following))
        faces.append((bottom, last + following, last + k))
        for ring in range(len(rings) - 1):
            upper, lower = ring * segments, (ring + 1) * segments
            faces.append((upper + k, lower + k, lower + following, upper + following))
    return _mesh(name, vertices, faces, True)
