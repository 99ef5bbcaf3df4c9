"""Where stages write, known by the path alone: what lies there a stage can make again."""

import os
import re
from pathlib import Path

_SHARD = re.compile(r"shard-\d{5,}\.h5")


def is_a_stages_place(path: str | os.PathLike[str]) -> bool:
    """Whether a stage of the workflow writes the HDF5 file ``path``.

    That is a shard in a folder that has its index beside it, or that is ``data/<dataset>`` of a
    run; ``<dataset>.h5`` beside the folder of its shards; or ``samples/<experiment>/<case>.h5`` of
    a run. Files of the user's own have other places, whatever their names.
    """
    path = Path(os.path.abspath(path))
    if _SHARD.fullmatch(path.name):
        return os.path.isfile(f"{path.parent}.h5") or _is_in_a_run(path, "data")
    if path.suffix != ".h5":
        return False
    if _is_in_a_run(path, "samples"):
        return True
    try:
        return any(_SHARD.fullmatch(name) for name in os.listdir(path.with_suffix("")))
    except OSError:
        return False


def _is_in_a_run(path: Path, name: str) -> bool:
    """Whether a file lies in a folder of ``name``, beside what else a run makes."""
    if path.parent.parent.name != name:
        return False
    return any(os.path.isdir(path.parents[2] / made) for made in ("models", "logs"))
