# pyright: reportAttributeAccessIssue=false, reportOptionalMemberAccess=false
# (bpy comes without type stubs)
"""CLEVR's own scene, shapes and materials instead of those built in code."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import bpy

from projcomp.errors import ConfigError
from projcomp.render.materials import object_colored
from projcomp.scenes.clevr_files import ClevrFiles

_MOVABLE = ("Camera", "Lamp_Key", "Lamp_Fill", "Lamp_Back")


def open_stage(files: ClevrFiles) -> dict[str, bpy.types.Object]:
    """Make CLEVR's base scene the current one; the movable objects, by name: camera and lamps.

    Raises:
        ConfigError: the file is no such scene.
    """
    with _of_clevr(files.base):
        bpy.ops.wm.open_mainfile(filepath=str(files.base))
        return {name: bpy.data.objects[name] for name in _MOVABLE}


def load_meshes(files: ClevrFiles) -> dict[str, bpy.types.Mesh]:
    """The three shapes by CLEVR's names.

    Raises:
        ConfigError: a file is no such shape.
    """
    meshes = {}
    for shape, path in files.shapes.items():
        with _of_clevr(path):
            meshes[shape] = _load(path, "objects").data
            meshes[shape].polygons  # noqa: B018  (whether it is a mesh)
    return meshes


def load_materials(files: ClevrFiles) -> dict[str, bpy.types.Material]:
    """CLEVR's materials by name; each takes its colour from the object that wears it.

    Raises:
        ConfigError: a file is no such material.
    """
    materials = {}
    for material, path in files.materials.items():
        with _of_clevr(path):
            materials[material] = object_colored(material, _group(_load(path, "node_groups")))
    return materials


@contextmanager
def _of_clevr(path: Path) -> Iterator[None]:
    """Name the file where Blender finds something else in it than CLEVR's, or cannot read it."""
    try:
        yield
    except (OSError, RuntimeError, KeyError, AttributeError) as error:
        raise ConfigError(
            f"render.assets: CLEVR's own {path.name} expected, got a file that Blender finds "
            f"something else in ({' '.join(str(error).split())}): copy {path} from its generator "
            "again"
        ) from None


def _load(path: Path, kind: str) -> bpy.types.ID:
    """The thing named as the file that holds it."""
    with bpy.data.libraries.load(str(path)) as (_, wanted):
        setattr(wanted, kind, [path.stem])
    return getattr(wanted, kind)[0]


def _group(group: bpy.types.NodeTree):
    """A maker of surfaces from a node group, its other inputs at the group's own defaults."""

    def make(tree: bpy.types.NodeTree, color: bpy.types.NodeSocket) -> bpy.types.NodeSocket:
        node = tree.nodes.new("ShaderNodeGroup")
        node.node_tree = group
        tree.links.new(color, node.inputs["Color"])
        return node.outputs["Shader"]

    return make
