"""Real renders with Blender, tiny ones."""

import ctypes
import gc
import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import h5py
import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import binary_dilation, binary_erosion

from projcomp import seeds
from projcomp.config.scenes import SceneConfig
from projcomp.data.describe import describe
from projcomp.data.hdf5 import dataset
from projcomp.data.images import read_samples
from projcomp.data.shard_format import DATASETS, scene_of
from projcomp.data.shards import check_shard
from projcomp.data.validate import validate
from projcomp.errors import ConfigError, DeviceError, FileFormatError
from projcomp.scenes.camera import Camera, square_pixels
from projcomp.scenes.clevr_json import write_scenes
from projcomp.scenes.locations import default_locations
from projcomp.scenes.placement import generate_scene, generate_scene_at
from projcomp.scenes.spec import SceneSpec
from projcomp.scenes.visibility import instance_masks
from projcomp.scenes.vocabulary import COLORS
from projcomp.settings.case import Case
from projcomp.settings.stages import ReferenceSettings, RenderRecipe, RenderSettings

pytestmark = pytest.mark.blender
pytest.importorskip("bpy")

CLEVR = SceneConfig(sizes=["large", "small"], camera_jitter=0.5, light_jitter=1.0)
ORIGINAL = Path(__file__).parents[3] / "shared" / "clevr" / "original"
RECIPE = RenderRecipe(samples=2, denoise=True, filter_width=1.0)


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
        images, _, objects, number, camera, lights = (dataset(file, name)[:] for name in DATASETS)
    rows = zip(objects, number, camera, lights, strict=True)
    return images, [scene_of(o, int(n), c, li) for o, n, c, li in rows]


@pytest.mark.parametrize(("width", "height", "edge"), [(128, 96, 0.02), (32, 32, 0.05)])
def test_rendered_masks_are_what_the_ray_caster_says(width: int, height: int, edge: float) -> None:
    """What places scenes by visible pixels, and what Cycles really shows, are the same thing.

    One asks what is at a pixel's centre, the other what covers most of it: that may differ
    where an edge runs, which is a larger share of the pixels in small pictures.
    """
    from projcomp.render.renderer import Renderer

    with Renderer(width, height, samples=16, denoise=True) as renderer:
        for index, count in enumerate((0, 1, 3, 6, 10)):
            scene = generate_scene(seeds.generator(2, "mask", index), CLEVR, count, count)
            seen = renderer.render(scene, index).mask
            cast = instance_masks(scene.objects, Camera(scene.camera), width, height)
            assert (seen != cast).sum() <= 1 + edge * (cast > 0).sum()
            for number in range(1, count + 1):
                ours, theirs = seen == number, cast == number
                assert not (binary_erosion(theirs) & ~ours).any()
                assert not (ours & ~binary_dilation(theirs)).any()


def test_points_of_a_scene_are_where_blender_sees_them() -> None:
    """Blender's own projection of the jittered camera agrees to a hundredth of a pixel."""
    import bpy
    from bpy_extras.object_utils import world_to_camera_view
    from mathutils import Vector

    from projcomp.render.renderer import Renderer

    points = default_locations()
    for side in ((320, 240), (24, 24)):
        with Renderer(*side, samples=1, denoise=False) as renderer:
            for index in range(4):
                scene = generate_scene_at(seeds.generator(3, "points", index), CLEVR, points)
                renderer.render(scene, 1)
                blender = bpy.context.scene
                for item, point in zip(scene.objects, points, strict=True):
                    x, y, _ = world_to_camera_view(blender, blender.camera, Vector(item.xyz))
                    assert abs(x - point[0]) * 320 < 0.01
                    assert abs(1 - y - point[1]) * 240 < 0.01
    for side in ((48, 32), (24, 36), (30, 30)):
        view = square_pixels(*side)
        with Renderer(*side, samples=1, denoise=False, view=view) as renderer:
            scene = generate_scene_at(seeds.generator(3, "points", 9), CLEVR, points)
            mask = renderer.render(scene, 1).mask
            blender = bpy.context.scene
            camera = Camera(scene.camera, view)
            for item in scene.objects:
                x, y, _ = world_to_camera_view(blender, blender.camera, Vector(item.xyz))
                assert np.abs(camera.project(item.xyz)[0] - (x, 1 - y)).max() < 1e-4
            assert (mask != instance_masks(scene.objects, camera, *side)).mean() < 0.1
            assert blender.render.pixel_aspect_x == blender.render.pixel_aspect_y == 1


def test_squeezed_square_shows_the_same_view() -> None:
    from projcomp.render.renderer import Renderer

    scene = generate_scene(seeds.generator(2, "squeeze"), SceneConfig(), 3, 3)
    with Renderer(96, 72, samples=16, denoise=True) as renderer:
        wide = renderer.render(scene, 1).image.astype(float)
    with Renderer(24, 24, samples=64, denoise=True) as renderer:
        square = renderer.render(scene, 1).image.astype(float)
    shrunk = wide.reshape(24, 3, 24, 4, 3).mean(axis=(1, 3))
    assert np.abs(shrunk - square).mean() < 3.0
    assert np.corrcoef(shrunk.ravel(), square.ravel())[0, 1] > 0.97


def test_colours_and_light_are_clevrs() -> None:
    """The ground is a neutral mid grey, and each colour shows as itself."""
    from projcomp.render.renderer import Renderer

    with Renderer(48, 36, samples=16, denoise=True) as renderer:
        empty = renderer.render(
            generate_scene(seeds.generator(0, "e"), SceneConfig(), 0, 0), 1
        ).image
        means = empty.reshape(-1, 3).mean(axis=0)
        assert 90 < means.mean() < 160
        assert np.ptp(means) < 12
        for color in ("red", "green", "blue", "cyan", "purple", "yellow"):
            config = SceneConfig(colors=[color], materials=["rubber"])  # pyright: ignore
            scene = generate_scene(seeds.generator(0, "c", color), config, 1, 1)
            mask = instance_masks(scene.objects, Camera(scene.camera), 48, 36) == 1
            seen = renderer.render(scene, 1).image[mask].mean(axis=0)
            wanted = np.array(COLORS[color], float)
            assert np.corrcoef(seen, wanted)[0, 1] > 0.95, color


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_the_newest_renderer_owns_blender() -> None:
    from projcomp.render.renderer import Renderer

    scene, before = generate_scene(seeds.generator(0, "e"), SceneConfig(), 0, 0), _picture_files()
    with Renderer(8, 6, samples=1, denoise=False) as old:
        with Renderer(8, 8, samples=1, denoise=False) as new:
            assert new.render(scene, 1).image.shape == (8, 8, 3)
            with pytest.raises(RuntimeError, match="newer"):
                old.render(scene, 1)
        assert _picture_files() == before + 1, "each takes its own along"
    assert _picture_files() == before


def _picture_files() -> int:
    """How many renderers' files this process holds in memory."""
    open_files = [Path(link) for link in Path("/proc/self/fd").iterdir()]
    return sum("projcomp-picture" in os.readlink(link) for link in open_files if link.is_symlink())


def test_shards_agree_across_processes_and_shard_sizes(tmp_path) -> None:
    from projcomp.render.shards import render_shard

    render_shard(_settings(6), 0, tmp_path / "whole.h5")
    images, scenes = _contents(tmp_path / "whole.h5")
    # images 4 and 5 again, alone, in another process, by two threads
    program = (
        "import sys; from projcomp.render.shards import render_shard;"
        "from projcomp.settings.stages import RenderSettings;"
        "render_shard(RenderSettings.model_validate_json(sys.argv[1]), 2, sys.argv[2], threads=2)"
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


def test_colours_are_encoded_as_blender_does(tmp_path) -> None:
    """Our 8-bit sRGB from linear colours, and the PNG of the same render that Blender writes."""
    import bpy

    from projcomp.render.renderer import Renderer

    spec = generate_scene(seeds.generator(2, "colours"), CLEVR, 3, 3)
    with Renderer(48, 36, samples=4, denoise=False) as renderer:
        ours = renderer.render(spec, 1).image
        scene = bpy.context.scene
        output = scene.render.image_settings
        output.file_format, output.color_mode, output.color_depth = "PNG", "RGB", "8"
        scene.view_settings.view_transform = "Standard"
        bpy.data.images["Render Result"].save_render(str(tmp_path / "blender.png"), scene=scene)
    blenders = np.asarray(Image.open(tmp_path / "blender.png").convert("RGB")).astype(int)
    assert np.abs(blenders - ours).max() <= 1


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
        Case(name="n3", num_objects=3),
        Case(name="p1-not-p2", locations=[(0.3, 0.5)], avoided_locations=[(0.7, 0.5)]),
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


def test_a_killed_render_leaves_nothing_under_the_final_name_and_runs_again(tmp_path) -> None:
    from projcomp.render.shards import render_shard

    scratch, before = tmp_path / "scratch", set(Path("/dev/shm").glob("projcomp-*"))
    scratch.mkdir()
    out = tmp_path / "data" / "shard-00000.h5"
    settings = _settings(60, resolution=8)
    stage = [sys.executable, "-m", "projcomp.cli", "render-shard", "--shard", "0"]
    run = subprocess.Popen(
        [*stage, "--settings", settings.model_dump_json(), "--out", str(out)],
        stderr=subprocess.DEVNULL,
        env={**os.environ, "TMPDIR": str(scratch)},
    )
    while not list(out.parent.glob(".shard-00000.*.tmp.h5")):
        assert run.poll() is None, "it has begun to write before it ends"
        time.sleep(0.01)
    run.kill()
    run.wait()
    assert not out.exists()
    render_shard(settings, 0, out)
    check_shard(out, settings.model_dump(mode="json"))
    assert list(out.parent.iterdir()) == [out], "what the killed process left is gone"
    if sys.platform == "linux":
        assert list(scratch.glob("**/*.exr")) == [], "its picture went with its memory"
        assert set(Path("/dev/shm").glob("projcomp-*")) <= before


def test_a_full_disk_ends_in_one_line_and_leaves_nothing_half_made(tmp_path) -> None:
    def no_file_over_16_kilobytes() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (2**14, 2**14))

    out = tmp_path / "data" / "shard-00000.h5"
    settings = _settings(24, resolution=8).model_dump_json()
    stage = [sys.executable, "-m", "projcomp.cli", "render-shard"]
    run = subprocess.run(
        [*stage, "--settings", settings, "--shard", "0", "--out", str(out)],
        capture_output=True,
        text=True,
        preexec_fn=no_file_over_16_kilobytes,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )
    assert run.returncode == 1
    assert run.stderr.splitlines()[-1].startswith(f"error: {out}: room to write the file expected")
    assert "Traceback" not in run.stderr
    assert list(out.parent.iterdir()) == []


def test_scenes_of_a_file_are_rendered(tmp_path) -> None:
    from projcomp.render.shards import render_scenes_file

    scenes = [generate_scene(seeds.generator(4, "file", n), CLEVR, n, n) for n in (0, 3)]
    write_scenes(tmp_path / "scenes.json", scenes)
    render_scenes_file(tmp_path / "scenes.json", tmp_path / "out.h5", 64, 48, 2, True)
    images, again = _contents(tmp_path / "out.h5")
    assert images.shape == (2, 48, 64, 3)
    assert again == scenes
    (tmp_path / "none.json").write_text('{"scenes": []}')
    with pytest.raises(FileFormatError, match=r"none\.json"):
        render_scenes_file(tmp_path / "none.json", tmp_path / "none.h5", 64, 48, 2, True)
    with pytest.raises(ConfigError, match="got 1 x 48"):
        render_scenes_file(tmp_path / "scenes.json", tmp_path / "none.h5", 1, 48, 2, True)


def test_scenes_of_a_file_have_square_pixels_unless_squeezed(tmp_path, capsys) -> None:
    """And whatever is rendered agrees with its table, objects beside and behind the camera too."""
    from projcomp.render.shards import render_scenes_file

    names = {"shape": "cube", "size": "large", "material": "rubber", "color": "red"}
    places = ([0, 0, 0.7], [8.0, 5.0, 8.0], [16.0, 0.0, 16.0])
    scene = {
        "objects": [{**names, "3d_coords": xyz, "rotation": 1.0} for xyz in places],
        "camera": [8.0, 0.0, 8.0],
    }
    (tmp_path / "scenes.json").write_text(json.dumps(scene))
    boxes = []
    for squeeze in (False, True):
        out = tmp_path / f"{squeeze}.h5"
        render_scenes_file(tmp_path / "scenes.json", out, 48, 32, 4, True, squeeze=squeeze)
        assert validate(out) == []
        with h5py.File(out) as file:
            boxes.append(dataset(file, "objects")[0, 0]["box"])
        settings = check_shard(out)["settings"]
        assert settings["view"] == ([4, 3] if squeeze else [3, 2])
        assert "visible pixels at 320 x " + ("240" if squeeze else "213") in describe(out)
    square, squeezed = ((box[2:] - box[:2]) * (48, 32) for box in boxes)
    assert square[0] == pytest.approx(squeezed[0], abs=1)
    assert square[1] / squeezed[1] == pytest.approx(9 / 8, abs=0.15)
    assert "2 objects in 1 scene that no pixel shows" in capsys.readouterr().err


def test_the_command_line_hands_on_the_device(tmp_path) -> None:
    write_scenes(
        tmp_path / "scenes.json", [generate_scene(seeds.generator(4, "file", 0), CLEVR, 0, 1)]
    )
    arguments = [str(tmp_path / "scenes.json"), str(tmp_path / "out.h5"), "--device", "optix"]
    done = subprocess.run(
        [sys.executable, "-m", "projcomp.cli", "render-scenes", *arguments],
        env={**os.environ, "CUDA_VISIBLE_DEVICES": "-1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "optix" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out.h5").exists()


def test_damaged_and_foreign_files_of_clevr_are_one_clear_line(tmp_path) -> None:
    import bpy

    from projcomp.render.renderer import Renderer

    for name in ("SmoothCube_v2", "Sphere", "SmoothCylinder", "Rubber", "MyMetal"):
        for folder in ("shapes", "materials"):
            (tmp_path / folder).mkdir(exist_ok=True)
            (tmp_path / folder / f"{name}.blend").write_text("junk")
    base = tmp_path / "base_scene.blend"
    base.write_text("junk")
    with pytest.raises(ConfigError, match=r"CLEVR's own base_scene\.blend expected"):
        Renderer(8, 8, samples=1, denoise=False, assets=str(tmp_path))
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.ops.wm.save_as_mainfile(filepath=str(base))
    with pytest.raises(ConfigError, match=r'base_scene\.blend expected.*"Camera" not found'):
        Renderer(8, 8, samples=1, denoise=False, assets=str(tmp_path))
    for name in ("Camera", "Lamp_Key", "Lamp_Fill", "Lamp_Back"):
        bpy.data.objects.new(name, None).use_fake_user = True
    bpy.ops.wm.save_as_mainfile(filepath=str(base))
    with pytest.raises(ConfigError, match=r"SmoothCube_v2\.blend expected"):
        Renderer(8, 8, samples=1, denoise=False, assets=str(tmp_path))


def test_a_missing_device_is_one_clear_line(monkeypatch) -> None:
    from projcomp.render.renderer import Renderer

    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    with pytest.raises(DeviceError, match=r"optix.*got none with CUDA_VISIBLE_DEVICES='-1'"):
        Renderer(8, 8, samples=1, denoise=False, device="optix")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
    with pytest.raises(DeviceError, match=r"metal.*render\.device"):
        Renderer(8, 8, samples=1, denoise=False, device="metal")


def test_memory_does_not_grow(monkeypatch) -> None:
    """Not Blender's lists of what there is, and not the heap, once Cycles was started anew."""
    import bpy

    from projcomp.render import renderer as module

    monkeypatch.setattr(module, "_IMAGES_KEPT", 25)
    scenes = [generate_scene(seeds.generator(5, "memory", i), CLEVR, 0, 4) for i in range(50)]
    kinds = ("objects", "meshes", "materials", "images")
    found = []
    with module.Renderer(8, 8, samples=1, denoise=False) as renderer:
        for _ in range(4):
            for scene in scenes:
                renderer.render(scene, 1)
            found.append(([len(getattr(bpy.data, kind)) for kind in kinds], _heap()))
    (before, low), (after, high) = found[0], found[-1]
    assert before == after
    assert before[0] <= 6 + 4
    # 150 images would lose some 250 KiB if Cycles kept everything
    assert high - low < 40 * 1024


def _heap() -> int:
    """Bytes that C code has asked for and not given back; 0 where the C library does not tell."""
    gc.collect()
    try:
        ask = ctypes.CDLL(None).mallinfo2
    except (AttributeError, OSError, TypeError):
        return 0
    names = "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost"
    ask.restype = type(
        "mallinfo2",
        (ctypes.Structure,),
        {"_fields_": [(n, ctypes.c_size_t) for n in names.split()]},
    )
    told = ask()
    return told.uordblks + told.hblkhd


def test_pictures_do_not_depend_on_what_was_rendered_before(monkeypatch) -> None:
    """Whether Cycles keeps its scene from the image before or starts anew."""
    from projcomp.render import renderer as module

    scenes = [generate_scene(seeds.generator(6, "memory", i), CLEVR, 0, 6) for i in range(6)]

    def rendered(kept: int) -> list:
        monkeypatch.setattr(module, "_IMAGES_KEPT", kept)
        with module.Renderer(24, 24, samples=4, denoise=True) as renderer:
            return [renderer.render(scene, i) for i, scene in enumerate(scenes)]

    for one, other in zip(rendered(1), rendered(100), strict=True):
        np.testing.assert_array_equal(one.image, other.image)
        np.testing.assert_array_equal(one.mask, other.mask)


@pytest.mark.skipif(not ORIGINAL.is_dir(), reason="CLEVR's own files are not here")
def test_the_scene_in_code_is_clevrs_own() -> None:
    """Mean colours of ground and objects; benchmarks/faithful.py compares pixels at 512 samples."""
    from projcomp.render.renderer import Renderer

    scenes = [generate_scene(seeds.generator(6, "faithful", i), CLEVR, 3, 10) for i in range(3)]
    pictures = []
    for assets in (None, str(ORIGINAL)):
        with Renderer(160, 120, samples=16, denoise=True, assets=assets) as renderer:
            pictures.append([renderer.render(scene, 1) for scene in scenes])
    on_objects = []
    for ours, theirs in zip(*pictures, strict=True):
        for number in range(len(np.unique(ours.mask))):
            here, there = ours.mask == number, theirs.mask == number
            both = here & there
            difference = ours.image[both].mean(axis=0) - theirs.image[both].mean(axis=0)
            if number == 0:
                assert np.abs(difference).max() < 0.25, "the ground's light, in grey levels"
                continue
            assert not (here & ~binary_dilation(there)).any()
            assert not (there & ~binary_dilation(here)).any()
            on_objects.append((both.sum(), np.abs(difference).mean()))
    pixels, differences = np.array(on_objects).T
    assert np.average(differences, weights=pixels) < 1.0, "the materials, in grey levels"


SPINNING = """
import os, sys
from projcomp.render.start import start_blender
allowed = os.sched_getaffinity(0)
start_blender(1)
from projcomp import seeds
from projcomp.config.scenes import SceneConfig
from projcomp.render.renderer import Renderer
from projcomp.scenes.placement import generate_scene
with Renderer(64, 64, samples=16, denoise=True, threads=1) as renderer:
    scene = generate_scene(seeds.generator(0, "spin"), SceneConfig(), 3, 3)
    for index in range(3):
        renderer.render(scene, index)
masks = {frozenset(os.sched_getaffinity(int(t))) for t in os.listdir("/proc/self/task")}
assert masks == {frozenset(allowed)}, "the threads may run anywhere again"
used = []
for thread in os.listdir("/proc/self/task"):
    fields = open(f"/proc/self/task/{thread}/stat").read().rsplit(")", 1)[1].split()
    used.append(int(fields[11]) + int(fields[12]))
used.sort()
print(sum(used[:-2]) / sum(used))  # all but the renderer and Python's own thread
"""


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="needs Linux")
def test_one_thread_is_one_thread() -> None:
    """Blender's idle workers do not spin, which would slow the process beside this one."""
    run = subprocess.run(
        [sys.executable, "-c", SPINNING], check=True, capture_output=True, text=True
    )
    assert float(run.stdout) < 0.1
