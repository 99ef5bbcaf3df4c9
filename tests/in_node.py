"""Runs the playground's programs in Node, and repeats its noise in numpy."""

import json
import shutil
import subprocess
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

NODE = shutil.which("node")

needs_node = pytest.mark.skipif(
    NODE is None, reason="node: expected on the path, got none; install it (apt-get install nodejs)"
)


def in_node(expression: str, **given: Any) -> Any:
    """The value of a JavaScript expression, which sees the programs' names and ``given``."""
    assert NODE is not None
    asked = {
        "folder": str(files("projcomp.playground") / "page"),
        "expression": expression,
        "given": given,
    }
    script = Path(__file__).with_suffix(".js")
    done = subprocess.run(
        [NODE, str(script)], input=json.dumps(asked), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def normals(seed: int, sample: int, draw: int, count: int) -> NDArray[np.float32]:
    """``Engine.normals``: standard normal numbers ``(count,)`` by name."""
    key = _hash(np.uint32(seed) ^ _hash(np.uint32(sample) ^ _hash(np.uint32(draw ^ 0x9E3779B9))))
    uniform = (_hash(_hash(np.arange(count + count % 2)) ^ key) + 0.5) / 2**32
    radius, angle = np.sqrt(-2 * np.log(uniform[::2])), 2 * np.pi * uniform[1::2]
    pairs = np.stack([radius * np.cos(angle), radius * np.sin(angle)], 1)
    return pairs.reshape(-1)[:count].astype(np.float32)


def _hash(x: Any) -> NDArray[np.uint32]:
    x = np.asarray(x, dtype=np.uint32)
    with np.errstate(over="ignore"):
        x = (x ^ (x >> np.uint32(16))) * np.uint32(0x7FEB352D)
        x = (x ^ (x >> np.uint32(15))) * np.uint32(0x846CA68B)
    return x ^ (x >> np.uint32(16))
