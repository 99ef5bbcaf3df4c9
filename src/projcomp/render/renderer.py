# pyright: reportAttributeAccessIssue=false, reportOptionalMemberAccess=false
# (bpy comes without type stubs)
"""SceneSpec -> pixels: one Blender scene per process, its objects swapped from image to image."""

import os
import sys
import tempfile
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import bpy

from projcomp.data.picture import Picture
from projcomp.errors import DeviceError
from projcomp.render import assets as clevr
from projcomp.render import cycles
from projcomp.render.exr import read_picture
from projcomp.render.materials import build_materials, object_color
from projcomp.render.meshes import unit_meshes
from projcomp.render.stage_set import add_stage, aim
from projcomp.scenes.camera import View
from projcomp.scenes.clevr_files import find_clevr_files
from projcomp.scenes.spec import SceneSpec
from projcomp.scenes.vocabulary import SIZES, VIEW

CLEVR_FILTER_WIDTH = 1.5

# Cycles keeps its scene between images, which saves time and loses some KiB whenever the objects
# change; after so many images it lets go of everything and starts anew.
_IMAGES_KEPT = 250


class Renderer:
    """Renders scenes at one size; meshes and materials are built once.

    Blender has one state per process: making a second renderer ends the first.

    Args:
        width: pixels.
        height: pixels.
        samples: Cycles samples per pixel.
        denoise: run OpenImageDenoise.
        filter_width: of the Blackman-Harris pixel filter, pixels.
        device: cpu, optix, cuda, hip or metal.
        threads: CPU threads.
        assets: folder with CLEVR's own files, to render with them; None for the scene in code.
        view: width to height of what is seen, whatever the ratio of the pixels' numbers.

    Raises:
        ConfigError: CLEVR's files are not in ``assets``.
        DeviceError: the device is not there.
    """

    _current: "weakref.ref[Renderer] | None" = None

    def __init__(
        self,
        width: int,
        height: int,
        *,
        samples: int,
        denoise: bool,
        filter_width: float = CLEVR_FILTER_WIDTH,
        device: str = "cpu",
        threads: int = 1,
        assets: str | None = None,
        view: View = VIEW,
    ):
        files = find_clevr_files(assets) if assets else None
        with _quiet():
            bpy.ops.wm.read_factory_settings(use_empty=True)
            self._movable = clevr.open_stage(files) if files else add_stage(bpy.context.scene)
            self._meshes = clevr.load_meshes(files) if files else unit_meshes()
            for mesh in self._meshes.values():
                mesh.materials.append(None)  # the slot for each object's own material
            self._materials = clevr.load_materials(files) if files else build_materials()
            self._scene = bpy.context.scene
            cycles.set_up(self._scene, width, height, samples, denoise, filter_width, threads, view)
            cycles.choose_device(self._scene, device)
        self._slots: list[bpy.types.Object] = []
        self._rendered = 0
        self._scene.render.filepath, remove = _picture_file()
        self._cleanup = weakref.finalize(self, remove)
        Renderer._current = weakref.ref(self)

    def render(self, scene: SceneSpec, noise_seed: int) -> Picture:
        """The scene's picture; ``noise_seed`` in [0, 2^31) decides Cycles' noise.

        Raises:
            RuntimeError: another renderer was made in this process since.
            DeviceError: Cycles could not render, for want of memory for instance.
        """
        if Renderer._current is None or Renderer._current() is not self:
            raise RuntimeError("a newer Renderer has taken over this process's Blender")
        aim(self._movable["Camera"], scene.camera)
        for name, location in scene.lights.items():
            aim(self._movable[name], location)
        self._arrange(scene)
        self._scene.cycles.seed = noise_seed
        self._rendered += 1
        self._scene.render.use_persistent_data = self._rendered % _IMAGES_KEPT > 0
        try:
            with _quiet():
                bpy.ops.render.render(write_still=True)
        except RuntimeError as error:
            raise DeviceError(
                f"a picture rendered on {self._scene.cycles.device} expected, got Blender's "
                f"{str(error).strip()!r}: give the job more memory, or set render.device to cpu"
            ) from error
        numbers = {
            slot.name: i for i, slot in enumerate(self._slots[: len(scene.objects)], start=1)
        }
        return read_picture(self._scene.render.filepath, numbers)

    def __enter__(self) -> "Renderer":
        """Use as a context manager to have the picture's file removed."""
        return self

    def __exit__(self, *exception: object) -> None:
        """Remove the picture's file."""
        self._cleanup()

    def _arrange(self, scene: SceneSpec) -> None:
        while len(self._slots) < len(scene.objects):
            self._slots.append(self._new_slot(len(self._slots)))
        for i, slot in enumerate(self._slots):
            slot.hide_render = i >= len(scene.objects)
        for slot, item in zip(self._slots, scene.objects, strict=False):
            slot.data = self._meshes[item.shape]
            slot.material_slots[0].link = "OBJECT"
            slot.material_slots[0].material = self._materials[item.material]
            slot.color = object_color(item.color)
            slot.location = item.xyz
            slot.rotation_euler = (0.0, 0.0, item.rotation)
            slot.scale = (SIZES[item.size],) * 3

    def _new_slot(self, index: int) -> bpy.types.Object:
        slot = bpy.data.objects.new(f"Object {index}", self._meshes["cube"])
        self._scene.collection.objects.link(slot)
        return slot


def _picture_file() -> tuple[str, Callable[[], None]]:
    """The name of a file that Blender may write to, and what removes it.

    On Linux it lies in memory and goes with the process, even with a killed one.
    """
    if hasattr(os, "memfd_create"):
        number = os.memfd_create("projcomp-picture")
        return f"/proc/self/fd/{number}", partial(os.close, number)
    folder = tempfile.TemporaryDirectory(prefix="projcomp-")
    return str(Path(folder.name) / "picture.exr"), folder.cleanup


@contextmanager
def _quiet() -> Iterator[None]:
    """Send what Blender's C code prints on standard output nowhere."""
    sys.stdout.flush()
    saved = os.dup(1)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 1)
        yield
    finally:
        os.dup2(saved, 1)
        os.close(saved)
        os.close(nowhere)
