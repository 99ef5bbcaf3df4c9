"""How large a dataset's features are by each built-in map, and how exactly they lead back.

A map's gain should leave the deviation where RGB's is: then noise levels, of training and sampling,
mean what they mean there. Where a map of your own has another one, change the map.

    python benchmarks/features.py data/single.h5
"""

import argparse
from pathlib import Path

import torch

from projcomp.config.features import Luminance, Palette, Whitened
from projcomp.data.dataset import RenderedImages
from projcomp.diffusion.pixels import encode
from projcomp.features.make import make_features


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("dataset", type=Path, help="index of a dataset")
    parser.add_argument("--images", type=int, default=1000)
    asked = parser.parse_args()
    images = RenderedImages(asked.dataset, "none")
    x = encode(images.read(torch.arange(min(asked.images, len(images)))))
    chosen = {"RGB": None, "luminance": Luminance(), "whitened": Whitened(), "palette": Palette()}
    for name, settings in chosen.items():
        features = make_features(settings)
        f = features.encode(x)
        error = float((features.decode(f) - x).abs().max())
        print(f"{name:10} deviation {f.square().mean().sqrt():.3f}, error of return {error:.1g}")


if __name__ == "__main__":
    main()
