"""What a user's JSON file can be, and what each kind of it says."""

import gzip
import json
import os
from pathlib import Path

import pytest

from projcomp.errors import FileFormatError
from projcomp.scenes import json_documents
from projcomp.scenes.json_documents import read_documents
from projcomp.scenes.shown import shown

DOCUMENT = {"scenes": [{"objects": [], "note": "grün"}]}
TEXT = json.dumps(DOCUMENT, ensure_ascii=False, indent=1)


def _written(folder: Path, content: bytes) -> Path:
    path = folder / "scenes.json"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    "content",
    [
        TEXT.encode(),
        TEXT.replace("\n", "\r\n").encode(),
        TEXT.encode("utf-8-sig"),
        TEXT.encode("utf-16"),
        TEXT.encode("utf-16-le"),
        TEXT.encode("utf-32"),
        b"\n\t " + TEXT.encode() + b"\n\n",
        gzip.compress(TEXT.encode("utf-8-sig"), mtime=0),
    ],
)
def test_encodings_and_gzip(tmp_path, content) -> None:
    assert read_documents(_written(tmp_path, content)) == [DOCUMENT]


def test_several_values_stand_one_after_the_other(tmp_path) -> None:
    assert read_documents(_written(tmp_path, b'{"a": 1}\n\n{"b": 2}\n[3]')) == [
        {"a": 1},
        {"b": 2},
        [3],
    ]


def test_numbers_too_long_are_infinite(tmp_path) -> None:
    digits = b"9" * 5000
    found = read_documents(_written(tmp_path, b"[%s, -%s, 1e400, 12]" % (digits, digits)))
    assert found == [[float("inf"), float("-inf"), float("inf"), 12]]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "line 1, column 1: nothing there"),
        (b" \n ", "line 2, column 2: nothing there"),
        (TEXT.encode()[:30], "cut short"),
        (b'{"a": "b', "cut short"),
        (b'{"a": 1,\n "b": x}', "line 2, column 7"),
        (b'{"a": 1}\x00', "line 1, column 9"),
        (b'{"a": "\xe4"}', "utf-8 from byte 7 on: save it as UTF-8"),
        (b"\xff\xfe{", "utf-16"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"a":' * 100_000, "nested too deeply"),
        (gzip.compress(b"{}", mtime=0)[:-9], "damaged gzip"),
        (b"\x1f\x8bnothing of it", "damaged gzip"),
        (b'{"a": {"b": 1,\n "c": [2], "b": 3}}', "'b' for the second time on line 2, column 12"),
        (b'{"b": {"b": 1}, "c": "b", "d": ["b", "b"],\n"b": 1}', "'b' .* line 2, column 1"),
        (b'{"a": 1}\n{"x\\"}{": 1,\n"x\\"}{": 2}', "line 3, column 1"),
        (b'{"a": 1, "\\u0061": 2}', "'a' for the second time on line 1, column 10"),
        (b'{"k":' * 900 + b'{"a": 1, "a": 2}' + b"}" * 900, "'a' for the second time"),
    ],
)
def test_what_is_no_json_is_one_line_that_says_where(tmp_path, content, message) -> None:
    with pytest.raises(FileFormatError, match=message) as caught:
        read_documents(_written(tmp_path, content))
    assert str(caught.value).startswith(str(tmp_path / "scenes.json"))
    assert "\n" not in str(caught.value)


def test_what_is_no_file_is_not_waited_for(tmp_path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to("loop")
    for path, message in [
        (tmp_path / "pipe", "a (pipe|device)"),
        (Path("/dev/zero"), "a (pipe|device)"),
        (tmp_path, "a folder"),
        (tmp_path / "absent", "no file"),
        (tmp_path / "loop", "cannot be read"),
        (tmp_path / ("n" * 300), "no file"),
    ]:
        with pytest.raises(FileFormatError, match=message):
            read_documents(path)


def test_a_gzip_file_that_unpacks_without_end_is_refused(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(json_documents, "MAX_BYTES", 1000)
    with pytest.raises(FileFormatError, match="cut it into several"):
        read_documents(_written(tmp_path, gzip.compress(b" " * 1001, mtime=0)))


def test_values_are_shown_in_few_words() -> None:
    deep: list = []
    for _ in range(10_000):
        deep = [deep]
    values = [
        None,
        True,
        1.5,
        "x\n" * 99,
        {},
        {"a": deep, "b": 1},
        [],
        deep,
        [1, "b"],
        float("-inf"),
    ]
    assert [shown(value) for value in values] == [
        "null",
        "true",
        "1.5",
        "'" + "x\\n" * 12 + "...",
        "an empty object",
        "an object with the keys 'a', 'b'",
        "an empty list",
        "a list of 1",
        "[1, 'b']",
        "-Infinity or a number too large to be one",
    ]
    assert len(shown({str(i) * 99: i for i in range(99)})) < 450


def test_files_put_together_keep_their_marks(tmp_path) -> None:
    one = b"\xef\xbb\xbf" + b'{"objects": []}\n'
    assert read_documents(_written(tmp_path, one + one)) == [{"objects": []}] * 2


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 9, "got a PNG picture: name another file"),
        (b"PK\x03\x04" + b"\0" * 9, "got a zip file: unpack it, and name the file in it"),
        (b"\x89HDF\r\n\x1a\n" + b"\0" * 9, "got an HDF5 file: name another file"),
    ],
)
def test_files_of_another_kind_are_called_by_it(tmp_path, content: bytes, told: str) -> None:
    with pytest.raises(FileFormatError, match=told):
        read_documents(_written(tmp_path, content))
