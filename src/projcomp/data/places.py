"""Where stages write, known by the path alone: what lies there a stage can make again."""

import os
import re
from pathlib import Path

_SHARD = re.compile(r"shard-\d{5,}\.h5")


def is_a_stages_place(path: str | os.PathLike[str]) -> bool:
    """Whether a stage of the workflow writes the HDF5 file ``path``.

    That is a shard by its name; ``<dataset>.h5`` beside the folder of its shards; or
    ``samples/<experiment>/<case>.h5`` of a run. Files of the user's own have other places.
    """
    path = Path(os.path.abspath(path))
    if _SHARD.fullmatch(path.name):
        return True
    if path.suffix != ".h5":
        return False
    if path.parent.parent.name == "samples":
        # beside what else a run makes
        return any((path.parents[2] / name).is_dir() for name in ("models", "logs"))
    try:
        return any(_SHARD.fullmatch(name) for name in os.listdir(path.with_suffix("")))
    except OSError:
        return False
