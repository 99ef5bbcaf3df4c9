"""A scene by hand, rendered: CLEVR's objects at places that you choose (needs the extra render)."""

import sys

try:
    import bpy  # noqa: F401 (whether it is there)
except ModuleNotFoundError:
    print("skipped: Blender's package bpy is not installed; pip install 'projcomp[render]'")
    sys.exit()

import numpy as np
from PIL import Image

from projcomp.render.renderer import Renderer
from projcomp.scenes.camera import Camera
from projcomp.scenes.look import look
from projcomp.scenes.spec import PlacedObject
from projcomp.scenes.vocabulary import LAMP_LOCATIONS, SIZES

WIDTH, HEIGHT = 320, 240
placed = [
    PlacedObject("cube", "large", "rubber", "red", (-1.5, 1.0, SIZES["large"]), rotation=0.5),
    PlacedObject("sphere", "large", "metal", "blue", (0.5, -1.5, SIZES["large"]), rotation=0.0),
    PlacedObject("cylinder", "small", "metal", "yellow", (1.5, 1.5, SIZES["small"]), rotation=0.0),
]
scene = look(placed, Camera(), LAMP_LOCATIONS)
with Renderer(WIDTH, HEIGHT, samples=16, denoise=True, threads=2) as renderer:
    picture = renderer.render(scene, noise_seed=0)

path = sys.argv[1] if len(sys.argv) > 1 else "scene.png"
Image.fromarray(picture.image).save(path)
print(f"{path}: {WIDTH} x {HEIGHT} pixels, {len(placed)} objects")
for number, item in enumerate(scene.objects, start=1):
    x, y = item.pixel[0] * WIDTH, item.pixel[1] * HEIGHT
    shown = np.count_nonzero(picture.mask == number)
    print(f"{item.color:6} {item.shape:8} at ({x:3.0f}, {y:3.0f}), {shown:4} pixels show it")
