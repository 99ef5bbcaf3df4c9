"""How images are best kept in HDF5: size, time to write, time to read one at random.

Usage: python benchmarks/storage.py [--images 200] [--shards 40] [--resolutions 32 64 128]

Renders of the demo's scenes at each resolution, chunks of one image, every codec in the same run;
ratios are to gzip level 4, which is what every HDF5 reads. The second table reads images in random
order, in batches as training does: straight from the shards of a dataset, through the virtual
dataset over them, and as training reads (projcomp.data.reader); ratios are to the first.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import h5py
import hdf5plugin
import numpy as np
from numpy.typing import NDArray

from projcomp import seeds
from projcomp.config.root import Config
from projcomp.config.scenes import SceneConfig
from projcomp.data.index import build_index, find_shards
from projcomp.data.picture import Picture
from projcomp.data.reader import ImageReader
from projcomp.data.shards import write_shard
from projcomp.render.renderer import Renderer
from projcomp.scenes.placement import generate_scene
from projcomp.scenes.spec import SceneSpec

CODECS = {
    "gzip 4": {"compression": "gzip", "compression_opts": 4},
    "raw": {},
    "lzf": {"compression": "lzf"},
    "zstd 3": hdf5plugin.Zstd(clevel=3),
    "blosc2 zstd 5": hdf5plugin.Blosc2(cname="zstd", clevel=5, filters=hdf5plugin.Blosc2.NOFILTER),
    "blosc2 zstd 5 delta": hdf5plugin.Blosc2(
        cname="zstd", clevel=5, filters=hdf5plugin.Blosc2.DELTA
    ),
    "blosc2 zstd 5 bits": hdf5plugin.Blosc2(
        cname="zstd", clevel=5, filters=hdf5plugin.Blosc2.BITSHUFFLE
    ),
}
BATCH = 64


def pictures(resolution: int, count: int) -> list[tuple[SceneSpec, Picture]]:
    recipe, scene = Config().render, SceneConfig(sizes=["large", "small"])
    renders = []
    with Renderer(
        resolution, resolution, samples=recipe.samples, denoise=recipe.denoise
    ) as renderer:
        for i in range(count):
            spec = generate_scene(seeds.generator(0, "storage", i), scene, 0, 5)
            renders.append((spec, renderer.render(spec, i)))
    return renders


def seconds(work: Callable[[], object], repeats: int = 5) -> float:
    """The median of some runs; every run opens its file anew."""
    taken = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return float(np.median(taken))


def measure_codec(folder: Path, images: NDArray[np.uint8], storage: dict) -> tuple[float, ...]:
    path = folder / "codec.h5"
    order = np.random.default_rng(0).permutation(len(images))

    def write() -> None:
        with h5py.File(path, "w") as file:
            data = file.create_dataset(
                "images", images.shape, "u1", chunks=(1, *images.shape[1:]), **storage
            )
            for i, image in enumerate(images):
                data[i] = image

    def read() -> None:
        with h5py.File(path, "r") as file:
            data = file["images"]
            for i in order:
                data[i]

    writing = seconds(write) / len(images)
    size = path.stat().st_size / len(images)
    return size, writing * 1e6, seconds(read) / len(images) * 1e6


def measure_index(
    folder: Path, pairs: list[tuple[SceneSpec, Picture]], num_shards: int
) -> tuple[float, ...]:
    """Microseconds an image in shuffled batches, by each of three ways."""
    shape = pairs[0][1].image.shape
    shards = [folder / "set" / f"shard-{k:05d}.h5" for k in range(num_shards)]
    for number, path in enumerate(shards):
        write_shard(
            path,
            pairs,
            count=len(pairs),
            size=(shape[1], shape[0]),
            max_objects=5,
            settings={},
            attributes={"shard": number},
        )
    build_index(shards, folder / "set.h5")
    total = len(pairs) * len(shards)
    batches = np.random.default_rng(0).integers(0, total, (40, BATCH))

    def from_shards() -> None:
        files = [h5py.File(path, "r") for path in shards]
        data = [file["images"] for file in files]
        for batch in batches:
            for i in batch:
                data[i // len(pairs)][i % len(pairs)]
        for file in files:
            file.close()

    def from_virtual_dataset() -> None:
        with h5py.File(folder / "set.h5", "r") as file:
            for batch in batches:
                rows, where = np.unique(batch, return_inverse=True)  # HDF5 wants rising rows
                file["images"][rows][where]

    reader = ImageReader(find_shards(folder / "set.h5"))

    def as_training_does() -> None:
        for batch in batches:
            reader.read(batch)

    def each(way: Callable[[], None]) -> float:
        return seconds(way, 3) * 1e6 / batches.size

    # every selection of a virtual dataset is compared with all of its shards: with many, for hours
    virtual = each(from_virtual_dataset) if num_shards <= 100 else float("nan")
    return each(from_shards), virtual, each(as_training_does)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=200)
    parser.add_argument("--shards", type=int, default=40, help="of the dataset that is read")
    parser.add_argument("--resolutions", type=int, nargs="+", default=[32, 64, 128])
    given = parser.parse_args()
    print(
        "resolution  codec                bytes  ratio  write us  ratio  read us  ratio", flush=True
    )
    reading = []
    for resolution in given.resolutions:
        pairs = pictures(resolution, given.images)
        images = np.stack([picture.image for _, picture in pairs])
        with tempfile.TemporaryDirectory() as folder:
            results = {
                name: measure_codec(Path(folder), images, storage)
                for name, storage in CODECS.items()
            }
            reading.append((resolution, *measure_index(Path(folder), pairs, given.shards)))
        base = results["gzip 4"]
        for name, result in results.items():
            cells = [f"{v:8.0f} {v / b:6.2f}" for v, b in zip(result, base, strict=True)]
            print(f"{resolution:10d}  {name:19s}{' '.join(cells)}", flush=True)
    print(
        "resolution  from shards us  through the virtual dataset  ratio  as training reads  ratio"
    )
    for resolution, shards, virtual, ours in reading:
        print(
            f"{resolution:10d}  {shards:14.0f}  {virtual:27.0f}  {virtual / shards:5.2f}"
            f"  {ours:17.0f}  {ours / shards:5.2f}"
        )


if __name__ == "__main__":
    main()
