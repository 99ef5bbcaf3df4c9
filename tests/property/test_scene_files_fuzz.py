"""Whatever stands in a file of scenes, it is read or refused in one line."""

import copy
import gzip
import json
from typing import Any

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from projcomp.errors import FileFormatError
from projcomp.scenes.clevr_json import read_scenes

OBJECT = {
    "shape": "cube",
    "size": "large",
    "material": "rubber",
    "color": "red",
    "3d_coords": [1.0, -0.5, 0.699999988079071],
    "rotation": 200.5,
    "pixel_coords": [170, 120, 10.5],
}
GOOD = {
    "info": {"version": "1.0"},
    "scenes": [
        {
            "image_index": 0,
            "objects": [OBJECT, {**OBJECT, "shape": "sphere", "3d_coords": [-2, 2, 0.7]}],
        },
        {"objects": [OBJECT], "camera": [7, -6, 5], "lights": {"Lamp_Key": [6, -3, 4]}},
    ],
}


def _deep(depth: int, start: str = "[") -> str:
    return start * depth


NASTY = st.one_of(
    st.sampled_from(
        [
            None,
            True,
            False,
            "",
            "x",
            "\ud800",
            "\n\x1b[31m",
            "NaN",
            [],
            {},
            [[]],
            {"a": {}},
            0,
            -0.0,
            -1,
            5,
            255,
            1e5,
            1e7,
            1e154,
            -1e308,
            5e-324,
            10**30,
            10**400,
            -(10**3000),
            float("nan"),
            float("inf"),
            float("-inf"),
            [0, 0, 0],
            [7.481132, -6.50764, 5.343665],
            [0, 0, 5],
            [1e6, -1e6, 1e6],
            [1, 2],
            "cube",
            "sphere",
            "cylinder",
            "small",
            "metal",
            "orange",
        ]
    ),
    st.floats(),
    st.integers(),
    st.text(max_size=8),
    st.lists(st.floats(-20, 20), min_size=3, max_size=3),
    st.dictionaries(st.text(max_size=4), st.none(), max_size=3),
)


def _paths(value: Any, path: tuple = ()) -> list[tuple]:
    """The paths to everything in a document."""
    inner: Any = ()
    if isinstance(value, dict):
        inner = value.items()
    elif isinstance(value, list):
        inner = enumerate(value)
    return [path, *(p for key, part in inner for p in _paths(part, (*path, key)))]


def _at(document: Any, path: tuple) -> Any:
    for key in path:
        document = document[key]
    return document


@st.composite
def documents(draw: st.DrawFn) -> Any:
    """The good document with a few things replaced, taken away, added or doubled."""
    document: Any = copy.deepcopy(GOOD)
    for _ in range(draw(st.integers(0, 3))):
        path = draw(st.sampled_from(_paths(document)))
        how = draw(st.sampled_from(["replace", "delete", "add", "double", "lift"]))
        value = copy.deepcopy(draw(NASTY))
        if how == "lift":
            document = copy.deepcopy(_at(document, path))
        elif not path:
            document = value if how == "replace" else document
        else:
            parent, key = _at(document, path[:-1]), path[-1]
            if how == "replace":
                parent[key] = value
            elif how == "delete":
                del parent[key]
            elif isinstance(parent, dict):
                parent[draw(st.sampled_from(["camera", "lights", "scenes", "objects", "x"]))] = (
                    value
                )
            else:
                parent.append(value if how == "add" else copy.deepcopy(parent[key]))
    return document


@st.composite
def files(draw: st.DrawFn) -> bytes:
    """A file around a document: an encoding, damage, nesting, several of them."""
    text = json.dumps(draw(documents()), ensure_ascii=draw(st.booleans()))
    how = draw(
        st.sampled_from(["as it is", "twice", "cut", "insert", "deep", "digits", "same key"])
    )
    place = draw(st.integers(0, len(text)))
    if how == "twice":
        text = f"{text}\n{text}"
    elif how == "cut":
        text = text[:place]
    elif how == "insert":
        text = (
            text[:place]
            + draw(st.sampled_from(["\0", ",", "}", '"', "\\", "é", "\n"]))
            + text[place:]
        )
    elif how == "deep":
        text = (
            text[:place] + _deep(draw(st.sampled_from([10, 900, 100_000])), '{"a":[') + text[place:]
        )
    elif how == "digits":
        text = text.replace("200.5", "9" * draw(st.sampled_from([300, 400, 5000])))
    elif how == "same key":
        text = text.replace('"size"', '"shape"', 1)
    encoding = draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32", "latin-1"]))
    data = text.encode(encoding, errors="replace" if encoding == "latin-1" else "surrogatepass")
    packed = draw(st.sampled_from(["no", "no", "yes", "cut"]))
    if packed != "no":
        data = gzip.compress(data)
    return data[: len(data) // 2] if packed == "cut" else data


@settings(
    max_examples=200,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    data=st.one_of(files(), st.binary(max_size=40)), view=st.sampled_from([(4, 3), (3, 2), (1, 9)])
)
def test_a_file_is_read_or_refused_in_one_line(tmp_path, data, view) -> None:
    path, notes = tmp_path / "scenes.json", []
    path.write_bytes(data)
    try:
        with np.errstate(all="raise", under="ignore"):
            scenes = read_scenes(path, view, [(32, 24)], note=notes.append)
    except FileFormatError as error:
        told = [str(error)]
    else:
        told = notes
        for scene in scenes:
            numbers = [n for item in scene.objects for n in (*item.xyz, *item.pixel, item.depth)]
            assert np.isfinite([*scene.camera, *numbers]).all()
    for line in told:
        assert line.isprintable()
        assert line.startswith(f"{path}: ")
        assert len(line) < 1000 + len(str(path))
