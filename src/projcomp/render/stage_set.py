# pyright: reportAttributeAccessIssue=false, reportOptionalMemberAccess=false
# (bpy comes without type stubs)
"""CLEVR's stage: ground, lamps, sun and camera, built in code."""

import bpy
from mathutils import Vector  # pyright: ignore[reportMissingImports]

from projcomp.render.meshes import add_ground
from projcomp.scenes.camera import CLIP_END, CLIP_START
from projcomp.scenes.vocabulary import CAMERA_LOCATION, LAMP_LOCATIONS

# name -> side in m, power in W, linear colour
_LAMPS = {
    "Lamp_Key": (0.5, 78.539818, (1.0, 0.932309, 0.816664)),
    "Lamp_Fill": (0.5, 23.561945, (0.761666, 0.81772, 1.0)),
    "Lamp_Back": (1.0, 39.269909, (1.0, 1.0, 1.0)),
}
_SUN_STRENGTH, _SUN_ANGLE = 0.45, 0.199337
_SUN_LOCATION, _SUN_ROTATION = (11.660807, -6.627993, 25.823168), (0.236028, 0.41688, 0.097079)


def add_stage(scene: bpy.types.Scene) -> dict[str, bpy.types.Object]:
    """Add ground, lights, camera and a black world; return the movable ones: camera and lamps."""
    add_ground(scene)
    _add_sun(scene)
    world = bpy.data.worlds.new("World")
    world.use_nodes = True
    world.node_tree.nodes["Background"].inputs["Strength"].default_value = 0.0
    scene.world = world
    return {"Camera": _add_camera(scene), **{name: _add_lamp(scene, name) for name in _LAMPS}}


def aim(item: bpy.types.Object, location: tuple[float, float, float]) -> None:
    """Move a camera or lamp and turn it towards the origin, up towards +z."""
    item.location = location
    item.rotation_euler = (-Vector(location)).to_track_quat("-Z", "Y").to_euler()


def _add_camera(scene: bpy.types.Scene) -> bpy.types.Object:
    data = bpy.data.cameras.new("Camera")
    data.lens, data.sensor_width, data.sensor_fit = 35.0, 32.0, "AUTO"
    data.clip_start, data.clip_end = CLIP_START, CLIP_END
    camera = bpy.data.objects.new("Camera", data)
    scene.collection.objects.link(camera)
    scene.camera = camera
    aim(camera, CAMERA_LOCATION)
    return camera


def _add_lamp(scene: bpy.types.Scene, name: str) -> bpy.types.Object:
    side, power, color = _LAMPS[name]
    data = bpy.data.lights.new(name, "AREA")
    data.shape, data.size, data.energy, data.color = "SQUARE", side, power, color
    lamp = bpy.data.objects.new(name, data)
    lamp.visible_camera = False
    scene.collection.objects.link(lamp)
    aim(lamp, LAMP_LOCATIONS[name])
    return lamp


def _add_sun(scene: bpy.types.Scene) -> None:
    data = bpy.data.lights.new("Sun", "SUN")
    data.energy, data.angle = _SUN_STRENGTH, _SUN_ANGLE
    sun = bpy.data.objects.new("Sun", data)
    sun.location, sun.rotation_euler = _SUN_LOCATION, _SUN_ROTATION
    sun.visible_camera = False
    scene.collection.objects.link(sun)
