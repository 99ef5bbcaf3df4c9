"""The JSON values of a file that a user brings: one, or one after the other, as text or gzip.

Nothing that a file can hold makes this fail but with one line that names the file and, where there
is one, the line in it.
"""

import gzip
import json
import os
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, cast

from projcomp.errors import FileFormatError
from projcomp.files.contents import EMPTY, GZIP, UNKNOWN, ZEROS, ZIP, what_is
from projcomp.files.inputs import check_input, unreadable
from projcomp.files.json_keys import RepeatedKey, once

PathLike = str | os.PathLike[str]

MAX_BYTES = 2**31
"""Longest text that is read; CLEVR's 70,000 training scenes are a seventh of it."""

_READ = (GZIP, EMPTY, ZEROS, UNKNOWN, "a JSON file", "a text file")
"""What a file of scenes may look like; UTF-16 is of unknown kind."""

_BLANKS = " \t\n\r\ufeff"
"""JSON's, and the mark that files may begin with; several files may have been put together."""

# Python refuses to read integers of some thousand digits; no float holds one of more than 308
_LONGEST_INTEGER = 308


def read_documents(path: PathLike) -> list[Any]:
    """The JSON values of a file in UTF-8, UTF-16 or UTF-32, packed by gzip or not.

    Integers too long for a float come as infinite floats, as JSON's ``1e400`` does.

    Raises:
        FileFormatError: there is no such file, it cannot be read, is too long or no JSON, or an
            object in it has the same key twice.
    """
    text = _text(path)
    try:
        return list(_documents(text, json.JSONDecoder(**_HOOKS)))
    except RepeatedKey:
        key, place = _second_key(text)
        line = text.count("\n", 0, place) + 1
        column = place - text.rfind("\n", 0, place)
        raise FileFormatError(
            f"{path}: every key once in an object expected, got {key!r} for the second time on "
            f"line {line}, column {column}: delete one of the two"
        ) from None
    except RecursionError:
        raise FileFormatError(
            f"{path}: scenes expected, got JSON nested too deeply to be any: "
            "write the file as CLEVR's generator does"
        ) from None
    except json.JSONDecodeError as error:
        raise FileFormatError(
            f"{path}: JSON expected, got a file that fails on line {error.lineno}, "
            f"column {error.colno}: {error.msg}; "
            f"{_cut_short(text, error)}write the file anew"
        ) from None


def _text(path: PathLike) -> str:
    check_input(path, "a file of scenes", "check its name")
    expected = f"{path}: a file of scenes expected, got"
    try:
        looks = what_is(path)
        if looks not in _READ:
            mend = "unpack it, and name the file in it" if looks == ZIP else "name another file"
            raise FileFormatError(f"{expected} {looks}: {mend}")
        with Path(path).open("rb") as file:
            unpacked = gzip.GzipFile(fileobj=file) if looks == GZIP else file
            data = cast(IO[bytes], unpacked).read(MAX_BYTES + 1)
        if len(data) > MAX_BYTES:
            raise FileFormatError(
                f"{expected} more than {MAX_BYTES / 2**30:g} GiB of text: cut it into several files"
            )
        return data.decode(json.detect_encoding(data))
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise FileFormatError(
            f"{expected} a damaged gzip file ({error}): copy it again, or unpack it yourself"
        ) from None
    except OSError as error:
        raise unreadable(path, "a file of scenes", error, "copy it again") from None
    except UnicodeDecodeError as error:
        raise FileFormatError(
            f"{expected} text that is no {error.encoding} from byte {error.start} on: "
            "save it as UTF-8"
        ) from None


def _documents(text: str, decoder: json.JSONDecoder) -> Iterator[Any]:
    """The values that stand one after the other, blanks or lines between them."""
    start = _past_blanks(text, 0)
    if start == len(text):
        raise json.JSONDecodeError("nothing there", text, start)
    while start < len(text):
        value, end = decoder.raw_decode(text, start)
        yield value
        start = _past_blanks(text, end)


def _past_blanks(text: str, start: int) -> int:
    while start < len(text) and text[start] in _BLANKS:
        start += 1
    return start


def _cut_short(text: str, error: json.JSONDecodeError) -> str:
    """A hint where nothing but blanks follows what was not understood, empty elsewhere."""
    at_end = _past_blanks(text, error.pos) == len(text) or error.msg.startswith("Unterminated")
    return "it may be cut short: " if at_end and text.strip(_BLANKS) else ""


def _integer(digits: str) -> int | float:
    return int(digits) if len(digits) <= _LONGEST_INTEGER else float(digits)


_HOOKS: dict[str, Any] = {"object_pairs_hook": once, "parse_int": _integer}


_TOKEN = re.compile(r'("(?:[^"\\]|\\.)*")([ \t\n\r]*:)?|[{}\[\]]', re.DOTALL)


def _second_key(text: str) -> tuple[str, int]:
    """The first key that stands for the second time in its object, and where it does.

    JSON's decoder tells its hooks no positions. ``text`` is known to be JSON up to there.
    """
    objects: list[set[str]] = []
    for token in _TOKEN.finditer(text):
        if token[0] in "{[":
            objects.append(set())
        elif token[0] in "}]":
            objects.pop()
        elif token[2]:
            key = json.loads(token[1])
            if key in objects[-1]:
                return key, token.start()
            objects[-1].add(key)
    raise AssertionError("no key stands twice")
