"""The kinds of files that commands make, and how an existing one is known to be of a kind."""

import json
from pathlib import Path

from projcomp.contents import NOTHING_OF_ANYONE, SAFETENSORS, SVG, ZIP, what_is
from projcomp.errors import OutputError
from projcomp.outputs import Kind, PathLike, hdf5_attributes

PICTURES = {
    ".png": "a PNG picture",
    ".jpg": "a JPEG picture",
    ".jpeg": "a JPEG picture",
    ".webp": "a WebP picture",
    ".tif": "a TIFF picture",
    ".tiff": "a TIFF picture",
    ".bmp": "a BMP picture",
    ".gif": "a GIF picture",
    ".pdf": "a PDF file",
}
"""Suffixes of contact sheets, and what such a file looks like."""

_MOST_JSON = 2**24


def picture(path: PathLike) -> Kind:
    """The kind of picture that the suffix of ``path`` asks for.

    Raises:
        OutputError: it asks for none.
    """
    suffix = Path(path).suffix
    if suffix.lower() not in PICTURES:
        got = f"the suffix {suffix}" if suffix else "none"
        raise OutputError(
            f"{path}: a picture's suffix expected ({', '.join(PICTURES)}), got {got}: "
            "the suffix decides which format is written"
        )
    looks = PICTURES[suffix.lower()]
    return Kind(looks, lambda found: what_is(found) == looks)


def table(*columns: str) -> Kind:
    """A table whose first columns are ``columns``."""

    def is_one(path: Path) -> bool:
        with path.open("rb") as file:
            header = file.readline(4096).decode("utf-8", "replace").strip().split(",")
        return tuple(header[: len(columns)]) == columns

    return Kind(f"a table ({', '.join(columns)}, ...)", is_one)


def json_with(name: str, *keys: str) -> Kind:
    """A JSON file with ``keys``."""

    def is_one(path: Path) -> bool:
        if path.stat().st_size > _MOST_JSON:
            return False
        content = json.loads(path.read_text(encoding="utf-8"))
        return isinstance(content, dict) and all(key in content for key in keys)

    return Kind(name, is_one)


def hdf5(name: str, kind: str, has: str | None = None, lacks: str | None = None) -> Kind:
    """An HDF5 file with projcomp's attribute ``kind``, and with or without another attribute."""

    def is_one(path: Path) -> bool:
        names = hdf5_attributes(path)
        return (
            names.get("kind") == kind
            and (has is None or has in names)
            and (lacks is None or lacks not in names)
        )

    return Kind(name, is_one)


SHARD = hdf5("a dataset's shard", "projcomp shard", has="shard")
SCENES = hdf5("a file of rendered scenes", "projcomp shard", lacks="shard")
INDEX = hdf5("a dataset's index", "projcomp dataset")
SAMPLES = hdf5("a samples file", "projcomp samples")
FIGURE_PNG = Kind("a PNG picture", lambda path: what_is(path) == "a PNG picture")
FIGURE_SVG = Kind("an SVG picture", lambda path: what_is(path) == SVG)
WEIGHTS = Kind("a safetensors file", lambda path: what_is(path) == SAFETENSORS)
STATE = Kind(
    "a training's state",
    # a damaged one is passed over
    lambda path: what_is(path) in (SAFETENSORS, ZIP, *NOTHING_OF_ANYONE),
)

TABLES = {
    "check-model": table("dataset", "part", "told", "sigma"),
    "evaluate": table("experiment", "case", "num_composed", "index"),
    "summarize": table("experiment", "case", "num_composed", "num_samples"),
    "theory": table("experiment", "panel", "setting", "quantity"),
    "sweep": table("case", "operator", "sampler", "num_samples"),
    "interaction": table("case", "num_samples", "interaction", "interaction_low"),
    "mixture": table("experiment", "case", "num_samples", "measure"),
    "selected": table("experiment", "case", "num_samples", "num_accepted"),
}
"""The first columns of each command's table, and of each kind of table of ``tabulate``."""

MODEL = {
    "weights.safetensors": WEIGHTS,
    "model.json": json_with("a model's description", "network", "resolution", "condition"),
    "metrics.csv": table("images_seen", "loss"),
}
"""What a training writes into its folder."""

MODEL_STATE = {"state.safetensors": STATE, "metrics.csv": MODEL["metrics.csv"]}
"""What a training keeps in the folder of its state."""

DETECTOR_STATE = {"detector.ckpt": STATE}
"""What the detector's training keeps in the folder of its state."""

DETECTOR = {
    "weights.safetensors": WEIGHTS,
    "detector.json": json_with("a detector's description", "architecture", "settings"),
    "metrics.csv": table("update", "images_seen", "loss"),
    "check.csv": table("num_objects", "images", "exact_count"),
}
"""What the detector's training writes into its folder."""
