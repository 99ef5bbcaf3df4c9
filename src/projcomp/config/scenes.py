"""What is rendered: scenes, datasets of them, how they become pixels, and the ground truth."""

from typing import Literal

from pydantic import Field

from projcomp.conditions.count import MAX_OBJECTS
from projcomp.config.section import Color, Number, Section, Text, Whole

Shape = Literal["cube", "sphere", "cylinder"]


Size = Literal["large", "small"]


Material = Literal["rubber", "metal"]


class SceneConfig(Section):
    """What may be in a picture: CLEVR's vocabulary and the generator's placement rules."""

    shapes: list[Shape] = Field(
        ["cube", "sphere", "cylinder"], min_length=1, description="shapes drawn from, uniformly"
    )
    sizes: list[Size] = Field(
        ["large"],
        min_length=1,
        description="sizes drawn from, uniformly (CLEVR has large and small)",
    )
    materials: list[Material] = Field(
        ["rubber", "metal"], min_length=1, description="materials drawn from, uniformly"
    )
    colors: list[Color] = Field(
        ["gray", "red", "blue", "green", "brown", "purple", "cyan", "yellow"],
        min_length=1,
        description="colours drawn from, uniformly",
    )
    camera_jitter: Number = Field(
        0.0,
        ge=0,
        le=2,
        description="half-width of the camera's uniform jitter per axis, scene units (CLEVR: 0.5)",
    )
    light_jitter: Number = Field(
        0.0,
        ge=0,
        le=3,
        description="half-width of the three lamps' uniform jitter "
        "per axis, scene units (CLEVR: 1.0)",
    )
    extent: Number = Field(
        3.0,
        gt=0,
        le=5,
        description="objects stand at x and y uniform in [-extent, extent], scene units (CLEVR: 3)",
    )
    min_distance: Number = Field(
        0.25,
        ge=0,
        le=10,
        description="least distance between the surfaces of two objects, scene units",
    )
    margin: Number = Field(
        0.4,
        ge=0,
        le=10,
        description="least separation along the camera's left/right/front/behind "
        "directions, scene units",
    )
    min_visible_pixels: Whole = Field(
        200,
        ge=0,
        le=320 * 240,
        description="least visible pixels of every object, counted at 320 x 240",
    )
    max_retries: Whole = Field(
        50, ge=1, le=10_000, description="tries per object before the scene is drawn anew"
    )


class DatasetConfig(Section):
    """One dataset of rendered scenes; its name is the key under ``datasets``."""

    num_images: Whole = Field(
        ge=2,
        le=1_000_000_000,
        description="number of images, a multiple of render.shard_size; every 50th is held out "
        "from training",
    )
    min_objects: Whole = Field(
        ge=0, le=MAX_OBJECTS, description="least number of objects in a scene"
    )
    max_objects: Whole = Field(
        ge=0, le=MAX_OBJECTS, description="greatest number of objects in a scene"
    )
    colors: list[Color] | None = Field(
        None, min_length=1, description="colours drawn from in this dataset, if not scene.colors"
    )
    sizes: list[Size] | None = Field(
        None, min_length=1, description="sizes drawn from in this dataset, if not scene.sizes"
    )
    places: Text | None = Field(
        None,
        description="set of places: image i has an object at place i, from the first again after "
        "the last, and its others around it",
    )
    moved_from: Text | None = Field(
        None,
        description="with places: a dataset whose images this one repeats, an object of each moved "
        "to the place",
    )


class RenderConfig(Section):
    """How scenes become pixels."""

    samples: Whole = Field(8, ge=1, le=4096, description="Cycles samples per pixel")
    denoise: bool = Field(True, description="run OpenImageDenoise on the render")
    filter_width: Number = Field(
        1.0,
        ge=0.01,
        le=10,
        description="width of the pixel filter (Blackman-Harris), pixels; 1 comes nearest to "
        "CLEVR's 320 x 240 pictures shrunk by averaging, 1.5 is CLEVR's own at its own size",
    )
    shard_size: Whole = Field(
        500, ge=1, le=1_000_000, description="images per shard file; one shard is one job"
    )
    device: Literal["cpu", "optix", "cuda", "hip", "metal"] = Field(
        "cpu", description="what Cycles renders on"
    )
    assets: Text | None = Field(
        None,
        description="folder with CLEVR's own .blend files, to render with them instead of the "
        "scene built in code (the folder `data` of its image generator); paths count from here",
    )


class ReferenceConfig(Section):
    """The true compositions, rendered."""

    num_images: Whole = Field(100, ge=1, le=1_000_000, description="renders per case")
