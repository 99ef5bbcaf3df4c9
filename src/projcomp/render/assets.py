# pyright: reportAttributeAccessIssue=false, reportOptionalMemberAccess=false
# (bpy comes without type stubs)
"""CLEVR's own scene, shapes and materials instead of those built in code."""

from pathlib import Path

import bpy

from projcomp.clevr_files import ClevrFiles
from projcomp.render.materials import object_colored

_MOVABLE = ("Camera", "Lamp_Key", "Lamp_Fill", "Lamp_Back")


def open_stage(files: ClevrFiles) -> dict[str, bpy.types.Object]:
    """Make CLEVR's base scene the current one; the movable objects, by name: camera and lamps."""
    bpy.ops.wm.open_mainfile(filepath=str(files.base))
    return {name: bpy.data.objects[name] for name in _MOVABLE}


def load_meshes(files: ClevrFiles) -> dict[str, bpy.types.Mesh]:
    """The three shapes by CLEVR's names."""
    return {shape: _load(path, "objects").data for shape, path in files.shapes.items()}


def load_materials(files: ClevrFiles) -> dict[str, bpy.types.Material]:
    """CLEVR's materials by name; each takes its colour from the object that wears it."""
    return {
        material: object_colored(material, _group(_load(path, "node_groups")))
        for material, path in files.materials.items()
    }


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
