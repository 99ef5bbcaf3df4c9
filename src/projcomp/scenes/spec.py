"""What is in a picture, as plain values: the one description shared by placement and rendering."""

from dataclasses import dataclass

Vector = tuple[float, float, float]


@dataclass(frozen=True)
class PlacedObject:
    """One object, before anyone looks at it.

    Attributes:
        shape: a name of ``vocabulary.SHAPES``.
        size: a name of ``vocabulary.SIZES``.
        material: a name of ``vocabulary.MATERIALS``.
        color: a name of ``vocabulary.COLORS``.
        xyz: centre, scene units.
        rotation: turn about z; CLEVR draws it in [0, 360) but hands it to Blender as radians.
    """

    shape: str
    size: str
    material: str
    color: str
    xyz: Vector
    rotation: float


@dataclass(frozen=True)
class ObjectSpec(PlacedObject):
    """One object and how the scene's camera sees it.

    Attributes:
        pixel: the centre in the image, x to the right and y down, [0, 1] inside the image.
        depth: distance of the centre along the camera's axis, scene units.
        visible_pixels: pixels of the object that can be seen at 320 x 240, or where the view is no
            4:3, with the longer side at 320.
    """

    pixel: tuple[float, float]
    depth: float
    visible_pixels: int


@dataclass(frozen=True)
class SceneSpec:
    """All of one scene: objects, camera location, and lamp name -> location, scene units."""

    objects: tuple[ObjectSpec, ...]
    camera: Vector
    lights: dict[str, Vector]
