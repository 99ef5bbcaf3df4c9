"""Folders of other people's pipelines: where they lie, and whether they look like one.

Without diffusers and torch: every dry run looks.
"""

import json
import os
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from projcomp.errors import FileFormatError, UserError
from projcomp.extras import missing
from projcomp.files.inputs import check_input
from projcomp.words import quoted, short

_INDEX = "model_index.json"
_WHAT = f"the folder of a pipeline, as save_pretrained writes it ({_INDEX})"
_WEIGHTS = ".safetensors"


def pipeline_folder(pipeline: str, revision: str | None) -> Path:
    """Where the files of a pipeline lie.

    Args:
        pipeline: a folder; with a revision the name of a repository of the hub, whose files are in
            the hub's cache on this machine (``models--owner--name/snapshots/<revision>``).
        revision: the commit of that repository, or None.
    """
    if revision is None:
        return Path(pipeline)
    return _hub_cache() / f"models--{pipeline.replace('/', '--')}" / "snapshots" / revision


def look_at_pipeline(pipeline: str, revision: str | None) -> None:
    """See that a pipeline is there and has what is composed, and that diffusers is installed.

    Raises:
        UserError: in one line, what to do about it.
    """
    _look_for_package()
    folder = pipeline_folder(pipeline, revision)
    if revision is not None and not folder.is_dir():
        raise FileFormatError(
            f"{short(pipeline)}: expected its files at {short(revision)} in the hub's cache, got "
            f"none; fetch them: hf download {short(pipeline)} --revision {short(revision)}"
        )
    if not folder.is_dir():
        hub = "; a repository of the hub needs a revision beside it" if _is_name(pipeline) else ""
        raise FileFormatError(f"{short(pipeline)}: expected {_WHAT}, got no folder{hub}")
    parts = _parts(folder / _INDEX)
    wanted = {"a scheduler": ["scheduler"], "a vae": ["vae"]}
    wanted["a unet or a transformer"] = ["unet", "transformer"]
    for told, names in wanted.items():
        if not any(parts.get(name) for name in names):
            raise FileFormatError(
                f"{folder / _INDEX}: expected a pipeline with {told}, got "
                f"{short(str(parts.get('_class_name')))} with {', '.join(parts) or 'nothing'}"
            )


def look_at_lora(path: str) -> None:
    """See that an adapter is there: a .safetensors file, or a folder with one.

    Raises:
        FileFormatError: it is not.
    """
    found = Path(path)
    files = sorted(found.glob(f"*{_WEIGHTS}")) if found.is_dir() else [found]
    if not files:
        raise FileFormatError(f"{short(path)}: expected a folder with {_WEIGHTS} files, got none")
    check_input(files[0], f"an adapter ({_WEIGHTS})", "check its name")
    if files[0].suffix != _WEIGHTS:
        raise FileFormatError(
            f"{short(path)}: expected an adapter ({_WEIGHTS}), got {quoted(files[0].suffix)}"
        )


def absent_parts(folder: Path) -> list[str]:
    """The parts that a pipeline's index names and does not have, such as a third text encoder."""
    return [name for name, part in _parts(folder / _INDEX).items() if part is None]


def _look_for_package() -> None:
    if find_spec("diffusers") is None:
        error = ModuleNotFoundError("no diffusers", name="diffusers")
        raise UserError(missing(error) or str(error))


def _parts(index: Path) -> dict[str, Any]:
    """What a pipeline is made of, by name: a class; None where it is left out."""
    check_input(index, _WHAT, "name the folder that holds this file")
    try:
        content = json.loads(index.read_text(encoding="utf-8"))
    except (ValueError, RecursionError):
        content = None
    if not isinstance(content, dict) or "_class_name" not in content:
        raise FileFormatError(f"{index}: expected {_WHAT}, got another file")
    found: dict[str, Any] = {"_class_name": content["_class_name"]}
    for name, part in content.items():
        if isinstance(part, list) and len(part) == 2 and not name.startswith("_"):
            found[name] = part[1]
    return found


def _hub_cache() -> Path:
    """The hub's cache, by the variables of the environment that its own programs follow."""
    caches = os.environ.get("XDG_CACHE_HOME") or os.path.join("~", ".cache")
    home = os.environ.get("HF_HOME") or os.path.join(caches, "huggingface")
    found = os.environ.get("HF_HUB_CACHE") or os.environ.get("HUGGINGFACE_HUB_CACHE")
    return Path(os.path.expandvars(os.path.expanduser(found or os.path.join(home, "hub"))))


def _is_name(pipeline: str) -> bool:
    """Whether it could be the name of a repository."""
    return pipeline.count("/") == 1 and not pipeline.startswith((".", "/"))
