"""Reading YAML: what is lost or misread elsewhere is refused with its line, the rest is read."""

import json
import os
from pathlib import Path

import pytest

from projcomp.config.strict_yaml import read_yaml
from projcomp.errors import ConfigError

ODD: dict[str, tuple[str | bytes, str]] = {
    "a key again": ("seed: 1\nroot: a\nseed: 2\n", ", line 3: every key once"),
    "a key again, in quotes": ("seed: 1\n'seed': 2\n", ", line 2: every key once"),
    "a key again, below": ("a:\n  b: 1\n  c: {d: 1, d: 2}\n", ", line 3: every key once"),
    "a key again, in a list": ("a:\n - {b: 1,\n    b: 2}\n", ", line 3: every key once"),
    "a key again, in JSON": ('{\n\t"a": 1,\n\t"a": 2\n}', ", line 3: every key once"),
    "no digits": ("a: 0b_\n", "a number expected, got 0b_, which has no digits"),
    "no hexadecimal digits": ("a: -0x__\n", "which has no digits"),
    "aliases that are deep together": (
        "a0: &a0 [x]\n" + "".join(f"a{i}: &a{i} [[[[*a{i - 1}]]]]\n" for i in range(1, 20)),
        "and 50 levels expected, got more (aliases",
    ),
    "too many entries": ("a: [" + "1, " * 30_000 + "1]", "at most 20,000 entries expected"),
    "a key of 1,000 letters, again": (f"{'k' * 1000}: 1\n" * 2, ", line 2: every key once"),
    "a key with escapes": ('"\\e[31mred": {a: 1, a: 2}\n', ", line 1: every key once"),
    "base 60": ("a: 1:30\n", "line 1: a number or text expected, got 1:30, which YAML reads to"),
    "base 60 with a point": ("a: 190:20:30.15\n", "base 60"),
    "base 8": ("a:\n  - 010\n", ", line 2: a number without leading zeros expected, got 010"),
    "bytes": ("a: !!binary aGVsbG8=\n", "which YAML reads as !!binary"),
    "a set": ("a: !!set {b, c}\n", "a plain value, list or mapping expected, got !!set"),
    "ordered pairs": ("a: !!omap [b: 1]\n", "got !!omap"),
    "a date": ("a: 2026-11-25\n", "which YAML reads as a date; put it in quotes"),
    "no date": ("a: 2026-02-30\n", "which YAML reads as a date; put it in quotes"),
    "a time": ("a: 2026-11-25 10:00:00\n", "which YAML reads as a date"),
    "an equals sign": ("a: =\n", "put it in quotes"),
    "no": ("a:\n  no: {b: 1}\n", ", line 2: a name as key expected, got no, which YAML reads as"),
    "on": ("on: 1\n", "got on, which YAML reads as true or false"),
    "1": ("1: 1\n", "got 1, which YAML reads as a number; put it in quotes"),
    "null": ("null: 1\n", "got null, which YAML reads as nothing"),
    "no name": ("? \n: 1\n", "which YAML reads as nothing"),
    "a dated name": ("2026-11-25: 1\n", "which YAML reads as a date"),
    "a list as name": ("? [a, b]\n: 1\n", "a name as key expected, got a list"),
    "an alias of itself": ("a: &a\n  b: *a\n", "an alias of something else expected"),
    "a list in itself": ("a: &a [1, [*a]]\n", "an alias of something else expected"),
    "an alias bomb": (
        "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
        + "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 9)),
        "at most 20,000 entries and 50 levels expected",
    ),
    "brackets": ("a: " + "[" * 5000, "levels expected"),
    "braces": ("{a: " * 5000, "levels expected"),
    "blanks": ("\n".join(" " * i + "a:" for i in range(200)), ", line 50: at most 50 levels"),
    "5,000 digits": ("a: " + "1" * 5000, "got one of 5,000 digits"),
    "5,000 hexadecimal digits": ("a: 0x" + "f" * 5000, "digits"),
    "a tag that lies": ("a: !!int abc\n", "a value of the kind !!int expected, got abc"),
    "truth that is none": ("a: !!bool perhaps\n", "a value of the kind !!bool expected"),
    "Latin-1": ("a: 1\nb: größe\n".encode("latin-1"), ", line 2: expected UTF-8, got the byte"),
    "UTF-16": ("a: 1\n".encode("utf-16"), "expected UTF-8, got UTF-16; save it as UTF-8"),
    "UTF-32": ("a: 1\n".encode("utf-32"), "expected UTF-8, got UTF-32"),
    "UTF-16 without a mark": ("a: 1\n".encode("utf-16-le"), "expected YAML"),
    "NUL": (b"a: \0\n", "expected YAML"),
    "two documents": ("a: 1\n---\nb: 2\n", "expected YAML"),
    "a foreign tag": ("a: !foo 1\n", "put it in quotes"),
    "Python's tag": ("a: !!python/object/apply:os.system [ls]\n", "a plain value, list or mapping"),
    "a merge of a number": ("<<: 3\n", "expected YAML"),
    "too large": ("#" * 2_000_000, "expected a config of at most"),
    "a list": ("- 1\n", "expected keys and values"),
}

FINE: dict[str, tuple[str | bytes, dict]] = {
    "nothing": ("", {}),
    "comments": ("# a: 1\n", {}),
    "a byte order mark": (b"\xef\xbb\xbfa: 1\n", {"a": 1}),
    "Windows' lines": (b"a: 1\r\nb: 2\r\n", {"a": 1, "b": 2}),
    "numbers": ("[1, -2, 0, 1_000, 0x1f, 1.5, 1e-4, 1.0e-4]", {}),
    "quoted": ("a: '1:30'\n'no': \"010\"\nb: !!str 2026-11-25\n", {"a": "1:30", "no": "010"}),
    "a merge that is overridden": (
        "x: &x {a: 1, b: 2}\ny: {<<: *x, b: 3}\nz: {<<: [*x, {c: 4}]}\n",
        {"x": {"a": 1, "b": 2}, "y": {"a": 1, "b": 3}, "z": {"a": 1, "b": 2, "c": 4}},
    ),
    "two merges": (
        "x: &x {a: 1}\ny: &y {b: 1}\nz:\n  <<: *x\n  <<: *y\n",
        {"z": {"a": 1, "b": 1}},
    ),
    "a float by its tag": ("a: !!float 1e-3\nb: !!float 3\n", {"a": 0.001, "b": 3.0}),
    "JSON's numbers and signs": (
        '{"a": 5e3, "b": "\\ud83d\\ude00"}',
        {"a": 5000.0, "b": "\U0001f600"},
    ),
    "a merge of a merge": (
        "x: &x {a: 1}\ny: &y {<<: *x, a: 2}\nz: {<<: *y, a: 3}\n",
        {"x": {"a": 1}, "y": {"a": 2}, "z": {"a": 3}},
    ),
    "the same alias twice": ("a: &a [1]\nb: [*a, *a]\n", {"a": [1], "b": [[1], [1]]}),
    "JSON with tabs": ('{\n\t"a": [1, 2.5, null, true, "\\u00e9"]\n}', {}),
}


def written(folder: Path, text: str | bytes) -> Path:
    path = folder / "x.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@pytest.mark.parametrize("name", ODD)
def test_what_is_lost_or_misread_is_refused_in_one_line(name: str, tmp_path: Path) -> None:
    text, expected = ODD[name]
    path = written(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        read_yaml(path)
    message = str(caught.value)
    assert message.startswith(str(path))
    assert expected in message
    assert "\n" not in message
    assert len(message) < len(str(path)) + 400


@pytest.mark.parametrize("name", FINE)
def test_what_is_plain_is_read(name: str, tmp_path: Path) -> None:
    text, expected = FINE[name]
    if isinstance(text, str) and text.startswith("["):
        text, expected = f"a: {text}", {"a": [1, -2, 0, 1000, 31, 1.5, "1e-4", 1e-4]}
    content = read_yaml(written(tmp_path, text))
    if name == "JSON with tabs":
        expected = json.loads(text)
    assert {key: content[key] for key in expected} == expected


def test_a_repeated_key_names_both_lines(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"line 3: .* got seed again \(line 1 has it\)"):
        read_yaml(written(tmp_path, "seed: 1\nroot: a\nseed: 2\n"))


def test_a_pipe_that_nobody_writes_into_is_no_config(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ConfigError, match="got a pipe; name a file"):
        read_yaml(tmp_path / "pipe")


def test_a_pipe_of_the_shells_is_read() -> None:
    reading, writing = os.pipe()
    os.write(writing, b"seed: 3\n")
    os.close(writing)
    assert read_yaml(f"/dev/fd/{reading}") == {"seed": 3}
    os.close(reading)


@pytest.mark.parametrize("name", [".", "none.yaml", "a\0b"])
def test_what_is_no_file_is_named(name: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="expected a YAML file, got: "):
        read_yaml(f"{tmp_path}/{name}")
