"""Real renders with Blender, tiny ones."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest
from scipy.ndimage import binary_dilation, binary_erosion

from projcomp import seeds
from projcomp.cases import Case
from projcomp.config import SceneConfig
from projcomp.data.hdf5 import dataset
from projcomp.data.images import read_samples
from projcomp.data.shard_format import DATASETS, scene_of
from projcomp.data.shards import check_shard
from projcomp.errors import DeviceError, FileFormatError
from projcomp.scenes.camera import Camera
from projcomp.scenes.clevr_json import write_scenes
from projcomp.scenes.placement import draw_scene
from projcomp.scenes.spec import SceneSpec
from projcomp.scenes.visibility import instance_masks
from projcomp.scenes.vocabulary import COLORS, SHAPES
from projcomp.stages import ReferenceSettings, RenderRecipe, RenderSettings

pytestmark = pytest.mark.blender
pytest.importorskip("bpy")

CLEVR = SceneConfig(sizes=["large", "small"], camera_jitter=0.5, light_jitter=1.0)
RECIPE = RenderRecipe(samples=2, denoise=True)


def _settings(shard_size: int, **changes) -> RenderSettings:
    values = {
        "seed": 1,
        "resolution": 24,
        "dataset": "toy",
        "min_objects": 0,
        "max_objects": 4,
        "scene": CLEVR,
        "render": RECIPE,
        "shard_size": shard_size,
    }
    return RenderSettings(**{**values, **changes})


def _contents(path: Path) -> tuple[np.ndarray, list[SceneSpec]]:
    with h5py.File(path) as file:
        images, objects, number, camera, lights = (dataset(file, name)[:] for name in DATASETS)
    rows = zip(objects, number, camera, lights, strict=True)
    return images, [scene_of(o, int(n), c, li) for o, n, c, li in rows]


def _pure_blue_light(renderer, scene: SceneSpec) -> None:
    """Make the scene's first object glow in pure blue, without shadow or light on others."""
    import bpy

    renderer.render(scene, 1)
    material = bpy.data.materials.new("glow")
    material.use_nodes = True
    tree = material.node_tree
    tree.nodes.clear()
    glow, output = (tree.nodes.new(f"ShaderNode{n}") for n in ("Emission", "OutputMaterial"))
    glow.inputs["Color"].default_value = (0.0, 0.0, 1.0, 1.0)
    tree.links.new(glow.outputs[0], output.inputs["Surface"])
    renderer._materials = dict.fromkeys(renderer._materials, material)
    slot = renderer._slots[0]
    slot.visible_shadow = slot.visible_diffuse = slot.visible_glossy = False


@pytest.mark.parametrize("shape", SHAPES)
def test_rendered_objects_cover_what_the_ray_caster_says(shape: str) -> None:
    """The red that a blue glowing object takes from the ground is the share it covers."""
    from projcomp.render.renderer import Renderer

    width, height = 128, 96
    config = CLEVR.model_copy(update={"shapes": [shape]})
    scenes = [draw_scene(seeds.generator(2, "mask", shape, i), config, 1, 1) for i in range(2)]
    with Renderer(width, height, samples=16, denoise=True) as renderer:
        _pure_blue_light(renderer, scenes[0])
        for scene in scenes:
            empty = renderer.render(replace(scene, objects=()), 1)[..., 0] / 255.0
            red = renderer.render(scene, 1)[..., 0] / 255.0
            covered = (red / empty) ** 2.2 < 0.5
            mask = instance_masks(scene.objects, Camera(scene.camera), width, height) == 1
            assert mask.sum() > 60
            assert not (binary_erosion(mask) & ~covered).any()
            assert not (covered & ~binary_dilation(mask)).any()
            assert (covered & mask).sum() / (covered | mask).sum() > 0.9
            for axis, side in enumerate(np.nonzero(mask)):
                assert abs(np.nonzero(covered)[axis].mean() - side.mean()) < 0.3


def test_squeezed_square_shows_the_same_view() -> None:
    from projcomp.render.renderer import Renderer

    scene = draw_scene(seeds.generator(2, "squeeze"), SceneConfig(), 3, 3)
    with Renderer(96, 72, samples=16, denoise=True) as renderer:
        wide = renderer.render(scene, 1).astype(float)
    with Renderer(24, 24, samples=64, denoise=True) as renderer:
        square = renderer.render(scene, 1).astype(float)
    shrunk = wide.reshape(24, 3, 24, 4, 3).mean(axis=(1, 3))
    assert np.abs(shrunk - square).mean() < 3.0
    assert np.corrcoef(shrunk.ravel(), square.ravel())[0, 1] > 0.97


def test_colours_and_light_are_clevrs() -> None:
    """The ground is a neutral mid grey, and each colour shows as itself."""
    from projcomp.render.renderer import Renderer

    with Renderer(48, 36, samples=16, denoise=True) as renderer:
        empty = renderer.render(draw_scene(seeds.generator(0, "e"), SceneConfig(), 0, 0), 1)
        means = empty.reshape(-1, 3).mean(axis=0)
        assert 90 < means.mean() < 160
        assert np.ptp(means) < 12
        for color in ("red", "green", "blue", "cyan", "purple", "yellow"):
            config = SceneConfig(colors=[color], materials=["rubber"])  # pyright: ignore
            scene = draw_scene(seeds.generator(0, "c", color), config, 1, 1)
            mask = instance_masks(scene.objects, Camera(scene.camera), 48, 36) == 1
            seen = renderer.render(scene, 1)[mask].mean(axis=0)
            wanted = np.array(COLORS[color], float)
            assert np.corrcoef(seen, wanted)[0, 1] > 0.95, color


def test_the_newest_renderer_owns_blender() -> None:
    from projcomp.render.renderer import Renderer

    scene = draw_scene(seeds.generator(0, "e"), SceneConfig(), 0, 0)
    with Renderer(8, 6, samples=1, denoise=False) as old:
        folder = old._folder
        with Renderer(8, 8, samples=1, denoise=False) as new:
            assert new.render(scene, 1).shape == (8, 8, 3)
            with pytest.raises(RuntimeError, match="newer"):
                old.render(scene, 1)
    assert not folder.exists()


def test_shards_agree_across_processes_and_shard_sizes(tmp_path) -> None:
    from projcomp.render.shards import render_shard

    render_shard(_settings(6), 0, tmp_path / "whole.h5")
    images, scenes = _contents(tmp_path / "whole.h5")
    # images 4 and 5 again, alone, in another process
    program = (
        "import sys; from projcomp.render.shards import render_shard;"
        "from projcomp.stages import RenderSettings;"
        "render_shard(RenderSettings.model_validate_json(sys.argv[1]), 2, sys.argv[2])"
    )
    command = [sys.executable, "-c", program, _settings(2).model_dump_json()]
    run = subprocess.run(
        [*command, str(tmp_path / "part.h5")], check=True, capture_output=True, text=True
    )
    assert run.stdout == "", "Blender's chatter is kept off standard output"
    part_images, part_scenes = _contents(tmp_path / "part.h5")
    assert part_scenes == scenes[4:6]
    np.testing.assert_array_equal(part_images, images[4:6])
    assert len({image.tobytes() for image in images}) == 6
    attributes = check_shard(tmp_path / "whole.h5", _settings(6).model_dump(mode="json"))
    assert attributes["bpy_version"].startswith("4.5")
    assert attributes["seed"] == 1


def test_rendering_imports_no_torch() -> None:
    program = (
        "import sys, projcomp.render.shards, projcomp.data.preview, projcomp.data.images;"
        "assert not {'torch', 'lightning'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.mark.parametrize(
    "case",
    [
        Case(name="k2", locations=[(0.3, 0.5), (0.7, 0.5)]),
        Case(name="red-blue", colors=["red", "blue"]),
        Case(name="k0"),
    ],
)
def test_truth_holds_what_was_asked(tmp_path, case: Case) -> None:
    from projcomp.render.shards import reference_scene, render_reference

    settings = ReferenceSettings(
        seed=0, resolution=24, case=case, scene=CLEVR, render=RECIPE, num_images=2
    )
    render_reference(settings, tmp_path / "truth.h5")
    taken = read_samples(tmp_path / "truth.h5")
    assert taken.images.shape == (2, 24, 24, 3)
    assert taken.colors == case.colors
    assert json.loads(taken.attrs["settings"])["case"]["name"] == case.name
    for index in range(2):
        objects = reference_scene(settings, index).objects
        assert len(objects) == case.num_composed
        if case.colors:
            assert [o.color for o in objects] == case.colors
        for item, point in zip(objects, case.locations, strict=False):
            np.testing.assert_allclose(item.pixel, point, atol=1e-9)


def test_scenes_of_a_file_are_rendered(tmp_path) -> None:
    from projcomp.render.shards import render_scenes_file

    scenes = [draw_scene(seeds.generator(4, "file", n), CLEVR, n, n) for n in (0, 3)]
    write_scenes(tmp_path / "scenes.json", scenes)
    render_scenes_file(tmp_path / "scenes.json", tmp_path / "out.h5", 64, 48, 2, True)
    images, again = _contents(tmp_path / "out.h5")
    assert images.shape == (2, 48, 64, 3)
    assert again == scenes
    (tmp_path / "none.json").write_text('{"scenes": []}')
    with pytest.raises(FileFormatError, match=r"none\.json"):
        render_scenes_file(tmp_path / "none.json", tmp_path / "none.h5", 64, 48, 2, True)


def test_a_missing_device_is_one_clear_line() -> None:
    from projcomp.render.renderer import Renderer

    with pytest.raises(DeviceError, match=r"metal.*render\.device"):
        Renderer(8, 8, samples=1, denoise=False, device="metal")


def test_memory_does_not_grow() -> None:
    import bpy

    from projcomp.render.renderer import Renderer

    scenes = [draw_scene(seeds.generator(5, "memory", i), CLEVR, 0, 4) for i in range(30)]
    with Renderer(8, 8, samples=1, denoise=False) as renderer:
        for scene in scenes[:15]:
            renderer.render(scene, 1)
        kinds = ("objects", "meshes", "materials", "images")
        before = [len(getattr(bpy.data, kind)) for kind in kinds]
        for scene in scenes:
            renderer.render(scene, 1)
        assert before[1:] == [len(getattr(bpy.data, kind)) for kind in kinds][1:]
        assert len(bpy.data.objects) <= 6 + 4
