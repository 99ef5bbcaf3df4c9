"""One HTML file of everything: pictures, style and programs, for a browser without a network."""

import base64
import html
import json
import re
import zlib
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from projcomp.config.demo import places
from projcomp.config.features import Luminance, Palette
from projcomp.config.learning import ModelConfig
from projcomp.config.samplers import SamplingConfig
from projcomp.config.section import defaults
from projcomp.errors import OutputError
from projcomp.features.colors import GROUND, clevr_colors
from projcomp.files.atomic import write_text
from projcomp.files.kinds import PLAYGROUND_MARK
from projcomp.playground.collection import Collection
from projcomp.prediction import composing, sentences, strict_reader

MOST_BYTES = 8 * 2**20
"""Of a page: what a browser opens at once, and a static host serves gladly."""

LEAST, MOST = 24, 120
"""Pictures of a condition: the nearest ones where fewer lie within the bandwidth; the nearest ones
where more do, so that a composition takes well under a second."""

EMPTY_SHARE = 0.15
"""Of the empty pictures among the unconditional ones, as the demo's models draw them."""

BUNDLE = 64
"""Pictures that are packed together: a page unpacks a bundle when it first needs it."""

PAIR_SAMPLES = 8
"""Exact compositions of every pair, for the line that predicts."""

_PROGRAMS = ("engine", "reader", "pool", "words", "state", "worker", "draw", "app")
_INERT = ("worker",)
"""Programs that only the worker runs; the page hands them over as text."""


def describe(found: Collection, by: str, run: Mapping[str, Any] | None) -> dict[str, Any]:
    """What the programs are told beside the pictures; every constant from the place that has it.

    Args:
        found: the pictures.
        by: what a new object asks for.
        run: the run's names for YAML (``PlaygroundSettings``); None where there is no run.
    """
    count, height, width = found.images.shape[:3]
    luminance, palette = defaults(Luminance)(), defaults(Palette)()
    return {
        "count": count,
        "height": height,
        "width": width,
        "backgrounds": len(found.backgrounds),
        "bundle": BUNDLE,
        "by": by,
        "labels": {
            name: {"names": names, "values": values.tolist()}
            for name, (names, values) in found.labels.items()
        },
        "points": None if found.points is None else found.points.round(4).flatten().tolist(),
        "places": {name: [list(place) for place in some] for name, some in places().items()},
        "features": {
            "rgb": {},
            "luminance": luminance.model_dump(exclude={"name"}),
            "palette": palette.model_dump(exclude={"name"}),
            "colors": [*clevr_colors().tolist(), list(GROUND)],
        },
        "reader": {
            "differs": strict_reader.DIFFERS,
            "explained": strict_reader.EXPLAINED,
            "overlap": strict_reader.OVERLAP,
            "leftover": strict_reader.LEFTOVER,
        },
        "choice": {
            "least": LEAST,
            "most": MOST,
            "bandwidth": ModelConfig.model_fields["bandwidth"].default,
            "empty_share": EMPTY_SHARE,
            "rho": SamplingConfig.model_fields["rho"].default,
            "composes": sentences.COMPOSES,
            "recipe": {
                "samples": PAIR_SAMPLES,
                "steps": composing.NUM_STEPS,
                "least": composing.SIGMA_MIN,
                "greatest": composing.SIGMA_MAX,
            },
        },
        "run": run,
    }


def arranged(found: Collection, by: str) -> Collection:
    """The same pictures in an order in which those that are asked for together lie together.

    By place: those nearest to the first of the places that examples use, the nearest first, then
    those nearest to the second; else by the label that new objects ask for.
    """
    if found.points is not None and by == "position":
        apart = np.linalg.norm(found.points[:, None] - np.array(places()["apart"]), axis=-1)
        order = np.lexsort([apart.min(1), apart.argmin(1)])
    elif by in found.labels:
        order = np.argsort(found.labels[by][1], kind="stable")
    else:
        order = np.arange(len(found.images))
    labels = {name: (names, values[order]) for name, (names, values) in found.labels.items()}
    points = None if found.points is None else found.points[order]
    return Collection(found.images[order], labels, points, found.backgrounds)


def pack(found: Collection) -> list[str]:
    """The pictures, those with an object and then the backgrounds, in bundles: a line each.

    A line is its number and base64 of deflated rows. Every row is stored less the one above it,
    which deflates to a third of the bytes where a picture as it is deflates to two fifths.
    """
    images = np.concatenate([found.images, found.backgrounds])
    rows = images.copy()
    rows[:, 1:] -= images[:, :-1]  # modulo 256
    packed = []
    for number, start in enumerate(range(0, len(rows), BUNDLE)):
        deflated = zlib.compress(rows[start : start + BUNDLE].tobytes(), 9)
        packed.append(f"{number} {base64.b64encode(deflated).decode()}")
    return packed


def shown_first(found: Collection, by: str) -> set[int]:
    """The bundles of :func:`pack` that a page needs for what it shows first.

    By place: of the pictures nearest to the first five places of ``apart``, as ``app.js`` starts
    with a large object at each. Else all of them.
    """
    number = len(found.images)
    chosen = np.arange(number)
    if found.points is not None and by == "position":
        names, values = found.labels.get("size", ([], chosen))
        if {"small", "large"} <= set(names):
            chosen = np.flatnonzero(values == names.index("large"))
        away = found.points[chosen, None] - np.array(places()["apart"][:5])
        nearest = np.argsort(np.linalg.norm(away, axis=-1), axis=0, kind="stable")
        chosen = chosen[nearest[:MOST].flatten()]
    ground = np.arange(number, number + len(found.backgrounds))
    return set((np.concatenate([chosen, ground]) // BUNDLE).tolist())


def make_page(found: Collection, title: str, by: str, run: Mapping[str, Any] | None = None) -> str:
    """The whole page.

    Args:
        found: the pictures.
        title: what they are.
        by: what a new object asks for.
        run: as of :func:`describe`.
    """
    folder = files("projcomp.playground") / "page"
    found = arranged(found, by)
    packed, first = pack(found), shown_first(found, by)
    parts = {
        "mark": PLAYGROUND_MARK,
        "title": html.escape(title),
        "style": (folder / "style.css").read_text(encoding="utf-8"),
        "meta": _json(describe(found, by, run)),
        "first_pictures": "\n".join(line for n, line in enumerate(packed) if n in first),
        "other_pictures": "\n".join(line for n, line in enumerate(packed) if n not in first),
    }
    for name in _PROGRAMS:
        kind = ' type="text/plain"' if name in _INERT else ""
        text = (folder / f"{name}.js").read_text(encoding="utf-8")
        parts[name] = f'<script{kind} id="{name}">\n{text}</script>'
    template = (folder / "page.html").read_text(encoding="utf-8")
    return re.sub(r"\{\{ (\w+) \}\}", lambda match: parts[match[1]], template)


def write_page(path: Path, text: str) -> None:
    """Write a page, complete or not at all.

    Raises:
        OutputError: it is larger than :data:`MOST_BYTES`.
    """
    size = len(text.encode())
    if size > MOST_BYTES:
        raise OutputError(
            f"{path}: a page of at most {MOST_BYTES / 2**20:g} MiB expected, got "
            f"{size / 2**20:.1f}: lower --most, or take smaller pictures"
        )
    write_text(path, text)


def _json(value: Any) -> str:
    """JSON that no browser takes for an end of its script."""
    return json.dumps(value, separators=(",", ":")).replace("<", "\\u003c")
