"""The kinds of files that commands make, and how an existing one is known to be of a kind."""

import io
import json
import warnings
import zipfile
from collections.abc import Sequence
from pathlib import Path

from projcomp.errors import OutputError
from projcomp.files.contents import EMPTY, SAFETENSORS, SVG, UNKNOWN, ZEROS, ZIP, what_is
from projcomp.files.outputs import Kind, PathLike, hdf5_attributes
from projcomp.files.weights import SUM, read_metadata
from projcomp.folder import (
    CHECK,
    CHECKPOINT,
    METRICS,
    REFERENCE,
    RELIABILITY,
    STATE,
    STOPS,
    WEIGHTS,
)
from projcomp.folder import CLASSIFIER as CLASSIFIER_FILE
from projcomp.folder import DETECTOR as DETECTOR_FILE
from projcomp.folder import MODEL as MODEL_FILE

_LOOKS = {
    "PNG": "a PNG picture",
    "JPEG": "a JPEG picture",
    "MPO": "a JPEG picture",
    "WEBP": "a WebP picture",
    "TIFF": "a TIFF picture",
    "BMP": "a BMP picture",
    "GIF": "a GIF picture",
    "PDF": "a PDF file",
}
"""What files of some of Pillow's formats look like; the others are known by opening them."""

_SOME_SUFFIXES = (".png", ".jpg", ".webp", ".tif", ".pdf", "...")
_DAMAGED = (EMPTY, UNKNOWN, ZEROS)
"""What a damaged file may look like; anything else is somebody's file."""

_CHECKPOINT_HEAD = 2**24
"""Bytes of a checkpoint in which its settings are told: the tensors come after them."""

_MOST_JSON = 2**24


def picture(path: PathLike) -> Kind:
    """The kind of picture that the suffix of ``path`` asks for: whatever Pillow writes in colour.

    Raises:
        OutputError: it asks for none.
    """
    suffix = Path(path).suffix
    format_ = _picture_format(suffix.lower())
    if format_ is None:
        got = f"the suffix {suffix}" if suffix else "none"
        raise OutputError(
            f"{path}: a picture's suffix expected ({', '.join(_SOME_SUFFIXES)}), got {got}: "
            "the suffix decides which format is written"
        )
    looks = _LOOKS.get(format_, f"a picture of the format {format_}")
    return Kind(looks, lambda found: what_is(found) == looks or _opens(found, format_))


def _picture_format(suffix: str) -> str | None:
    """Pillow's name of the format of a suffix, in lower case; None where it writes none."""
    from PIL import Image

    format_ = Image.registered_extensions().get(suffix)
    if format_ not in Image.SAVE:
        return None
    try:
        # some formats hold no colours, and some have no more than a place for a writer
        Image.new("RGB", (8, 8)).save(io.BytesIO(), format_)
    except Exception:  # Pillow raises nearly everything
        return None
    return format_


def _opens(path: Path, format_: str) -> bool:
    from PIL import Image

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(path, formats=[format_]):
                return True
    except Image.DecompressionBombError:  # too large to be read is a picture all the same
        return True
    except Exception:  # Pillow raises nearly everything over foreign bytes
        return False


def table(*columns: str) -> Kind:
    """A table whose first columns are ``columns``."""

    def is_one(path: Path) -> bool:
        with path.open("rb") as file:
            header = file.readline(4096).decode("utf-8", "replace").strip().split(",")
        return tuple(header[: len(columns)]) == columns

    return Kind(f"a table ({', '.join(columns)}, ...)", is_one)


def table_like(columns: Sequence[str]) -> Kind:
    """A table that begins as one with ``columns`` does: the first four tell its kind."""
    return table(*columns[:4])


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
        found, names = hdf5_attributes(path)
        return (
            found == kind
            and (has is None or has in names)
            and (lacks is None or lacks not in names)
        )

    return Kind(name, is_one)


def html_with(name: str, mark: str) -> Kind:
    """An HTML file with ``mark`` in its head."""

    def is_one(path: Path) -> bool:
        with path.open("rb") as file:
            return mark.encode() in file.read(4096)

    return Kind(name, is_one)


def _weights(name: str, description: str, other: str) -> Kind:
    """Weights that have their description beside them, or our check sum and not the other's."""

    def is_one(path: Path) -> bool:
        if what_is(path) != SAFETENSORS:
            return False
        if path.with_name(description).exists():  # those of old have no sum
            return True
        return SUM in (read_metadata(path) or {}) and not path.with_name(other).exists()

    return Kind(name, is_one)


def _is_state(path: Path) -> bool:
    """Whether it is the state of a model's training; a damaged one is passed over."""
    looks = what_is(path)
    if looks != SAFETENSORS:
        return looks in _DAMAGED
    header = read_metadata(path)
    return header is None or "updates_made" in header or "average_count" in header


def _is_checkpoint(path: Path) -> bool:
    """Whether it is the state of the detector's training; a damaged one is passed over."""
    looks = what_is(path)
    if looks != ZIP:
        return looks in _DAMAGED
    with path.open("rb") as file:
        ours = b"projcomp_settings" in file.read(_CHECKPOINT_HEAD)
    return ours or not zipfile.is_zipfile(path)


def _members(path: Path) -> list[str]:
    """Names of the files in a zip file; none where it is damaged."""
    try:
        with zipfile.ZipFile(path) as file:
            return file.namelist()
    except zipfile.BadZipFile:
        return []


def _is_log(path: Path) -> bool:
    """Whether it is the metrics.csv of a state: a training that starts anew passes over damage."""
    if what_is(path) in _DAMAGED:
        return True
    with path.open("rb") as file:
        head = file.read(4096).strip()
    # a header may have been cut, with all that followed it
    return b"images_s" in head.partition(b"\n")[0] or b"images_seen".startswith(head)


def _is_stops(path: Path) -> bool:
    """Whether it lists what stopped a training; a damaged one is only told again."""
    if what_is(path) in _DAMAGED:
        return True
    with path.open("rb") as file:
        return b" images: stopped by " in file.readline(4096)


SHARD = hdf5("a dataset's shard", "projcomp shard", has="shard")
SCENES = hdf5("a file of rendered scenes", "projcomp shard", lacks="shard")
INDEX = hdf5("a dataset's index", "projcomp dataset")
PICTURES = hdf5("a dataset of pictures", "projcomp pictures")
SAMPLES = hdf5("a samples file", "projcomp samples")
PLAYGROUND_MARK = '<meta name="generator" content="projcomp playground">'
"""By which a page of ours is known."""

PLAYGROUND = html_with("a playground's page", PLAYGROUND_MARK)
FIGURE_PNG = Kind("a PNG picture", lambda path: what_is(path) == "a PNG picture")
FIGURE_SVG = Kind("an SVG picture", lambda path: what_is(path) == SVG)

LABELS = Kind("label sets (.npz)", lambda path: "coords_labels.npy" in _members(path))

CLASSIFIED = Kind(
    "what a classifier says (.npz)", lambda path: "probabilities.npy" in _members(path)
)

SCORED = Kind("scores of pictures (.npz)", lambda path: "scores.npy" in _members(path))

TABLES = {
    "check-model": table("dataset", "part", "told", "sigma"),
    "locality": table("model", "background", "sigma", "distance"),
    "evaluate": table("experiment", "case", "num_composed", "index"),
    "evaluate --labels": table("num_composed", "images", "places_hit", "places_hit_low"),
    "summarize": table("experiment", "case", "num_composed", "num_samples"),
    "count": table("image", "num_objects", "unsure", "doubt"),
    "count --objects": table("image", "object", "x", "y"),
    "count --molecules": table("file", "molecules", "validity", "uniqueness"),
    "count --molecules --objects": table("file", "index", "smiles", "canonical"),
    "predict": table("first", "second", "cosine", "interaction"),
    "theory": table("experiment", "panel", "setting", "quantity"),
}
"""The first columns of each command's table."""

MODEL = {
    WEIGHTS: _weights("a model's weights", MODEL_FILE, DETECTOR_FILE),
    MODEL_FILE: json_with("a model's description", "network", "resolution", "condition"),
    METRICS: table("images_seen", "loss"),
}
"""What a training writes into its folder."""

CLASSIFIER = {
    WEIGHTS: _weights("a classifier's weights", CLASSIFIER_FILE, MODEL_FILE),
    CLASSIFIER_FILE: json_with("a classifier's description", "architecture", "settings"),
    CHECK: table("pictures", "class", "images", "right"),
    REFERENCE: CLASSIFIED,
}
"""What the training of a classifier writes into its folder."""

MODEL_STATE = {
    STATE: Kind("a training's state", _is_state),
    METRICS: Kind("a training's table (images_seen, loss, ...)", _is_log),
    STOPS: Kind("a training's list of what stopped it", _is_stops),
}
"""What a training keeps in the folder of its state."""

DETECTOR_STATE = {CHECKPOINT: Kind("a training's state", _is_checkpoint)}
"""What the detector's training keeps in the folder of its state."""

DETECTOR = {
    WEIGHTS: _weights("a detector's weights", DETECTOR_FILE, MODEL_FILE),
    DETECTOR_FILE: json_with("a detector's description", "architecture", "settings"),
    METRICS: table("update", "images_seen", "loss"),
    CHECK: table("num_objects", "images", "exact_count"),
    RELIABILITY: table("low", "high", "peaks", "height"),
}
"""What the detector's training writes into its folder."""
