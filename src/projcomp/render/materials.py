# pyright: reportAttributeAccessIssue=false, reportOptionalMemberAccess=false
# (bpy comes without type stubs)
"""CLEVR's two materials as node graphs: the contents of its Rubber and MyMetal node groups."""

from collections.abc import Callable

import bpy

from projcomp.scenes.vocabulary import COLORS

_RUBBER_IOR, _RUBBER_ROUGHNESS = 1.2, 0.35
_METAL_ROUGHNESS, _METAL_ANISOTROPY, _METAL_MIX = (0.4472136, 0.1), 0.25, 0.6


def build_materials() -> dict[str, bpy.types.Material]:
    """CLEVR's materials by name; each takes its colour from the object that wears it."""
    return {"rubber": object_colored("rubber", _rubber), "metal": object_colored("metal", _metal)}


def object_colored(name: str, maker: Callable) -> bpy.types.Material:
    """A material whose surface is ``maker(tree, colour socket)``, the colour being its object's.

    One shader per material then serves all colours: a colour is a property of an object, which
    Cycles updates without preparing a shader anew.
    """
    material = bpy.data.materials.new(name)
    material.use_nodes = True
    tree = material.node_tree
    tree.nodes.clear()
    color = tree.nodes.new("ShaderNodeObjectInfo").outputs["Color"]
    output = tree.nodes.new("ShaderNodeOutputMaterial")
    tree.links.new(maker(tree, color), output.inputs["Surface"])
    return material


def object_color(name: str) -> tuple[float, float, float, float]:
    """The linear colour of an object named ``name`` in the vocabulary.

    c/255 goes to the shader as it is: CLEVR never decodes it from sRGB.
    """
    red, green, blue = COLORS[name]
    return red / 255, green / 255, blue / 255, 1.0


def _node(tree, kind: str, **inputs):
    """A new node with the named inputs set; an input given as a socket is linked."""
    node = tree.nodes.new(kind)
    for name, value in inputs.items():
        socket = node.inputs[name]
        if isinstance(value, bpy.types.NodeSocket):
            tree.links.new(value, socket)
        else:
            socket.default_value = value
    return node


def _mix(tree, factor, first, second):
    node = _node(tree, "ShaderNodeMixShader", Fac=factor)
    tree.links.new(first, node.inputs[1])
    tree.links.new(second, node.inputs[2])
    return node.outputs[0]


def _rubber(tree, color):
    diffuse = _node(tree, "ShaderNodeBsdfDiffuse", Color=color, Roughness=0.0)
    sheen = _node(tree, "ShaderNodeBsdfSheen", Color=color, Roughness=0.6)
    sheen.distribution = "ASHIKHMIN"
    glossy = _node(
        tree,
        "ShaderNodeBsdfAnisotropic",
        Color=(0.8, 0.8, 0.8, 1.0),
        Roughness=_RUBBER_ROUGHNESS**0.5,
        Anisotropy=0.0,
    )
    glossy.distribution = "BECKMANN"
    inner = _node(tree, "ShaderNodeFresnel", IOR=_RUBBER_IOR + 0.2)
    outer = _node(tree, "ShaderNodeFresnel", IOR=_RUBBER_IOR)
    body = _mix(tree, inner.outputs[0], diffuse.outputs[0], sheen.outputs[0])
    return _mix(tree, outer.outputs[0], body, glossy.outputs[0])


def _metal(tree, color):
    lobes = []
    for roughness in _METAL_ROUGHNESS:
        node = _node(
            tree,
            "ShaderNodeBsdfAnisotropic",
            Color=color,
            Roughness=roughness,
            Anisotropy=_METAL_ANISOTROPY,
        )
        node.distribution = "GGX"
        lobes.append(node.outputs[0])
    return _mix(tree, _METAL_MIX, *lobes)
