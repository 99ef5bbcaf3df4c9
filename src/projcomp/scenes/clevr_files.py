"""CLEVR's own scene, shape and material files on the disk, for those who have them."""

from dataclasses import dataclass
from pathlib import Path

from projcomp.errors import ConfigError

_SHAPES = {"cube": "SmoothCube_v2", "sphere": "Sphere", "cylinder": "SmoothCylinder"}
_MATERIALS = {"rubber": "Rubber", "metal": "MyMetal"}


@dataclass(frozen=True)
class ClevrFiles:
    """Where CLEVR's files lie; each shape and material is the thing of its file's name.

    Attributes:
        base: the scene with ground, lights and camera.
        shapes: vocabulary name -> file.
        materials: vocabulary name -> file.
    """

    base: Path
    shapes: dict[str, Path]
    materials: dict[str, Path]


def find_clevr_files(folder: str) -> ClevrFiles:
    """CLEVR's files in ``folder``, laid out as in ``image_generation/data`` of its generator.

    Raises:
        ConfigError: one of them is missing.
    """
    root = Path(folder).expanduser().resolve()
    files = ClevrFiles(
        base=root / "base_scene.blend",
        shapes={key: root / "shapes" / f"{name}.blend" for key, name in _SHAPES.items()},
        materials={key: root / "materials" / f"{name}.blend" for key, name in _MATERIALS.items()},
    )
    for path in (files.base, *files.shapes.values(), *files.materials.values()):
        if not path.is_file():
            raise ConfigError(
                f"render.assets: expected a folder with CLEVR's {path.relative_to(root)} in it, "
                f"got {folder!r}; name the data folder of its image generator, or leave "
                "render.assets empty for the scene built in code"
            )
    return files
