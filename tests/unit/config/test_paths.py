"""Where a run may lie: what a shell reads as itself, and the file system can hold."""

import os
import subprocess
from pathlib import Path

import pytest

from projcomp.config.paths import MAX_ROOT, normal_path, root_problem

REFUSED = [
    "a b",
    "a\tb",
    "a\nb",
    "a\u00a0b",
    "a\u2028b",
    "a\u200bb",
    "a\x7fb",
    "R&D",
    "a;id;b",
    "a|b",
    "a<b",
    "a>b",
    "new(1)",
    "a*",
    "a?",
    "[a]",
    "{a}",
    "$HOME",
    "`id`",
    "it's",
    'a"b',
    "a\\b",
    "x=~/y",
    "a=b:~/z",
    "-runs",
    "~",
    "~/runs",
    "~root/runs",
    "#runs",
    "https://host/runs",
    "s3://bucket/runs",
    "s3:/bucket",
    "file:/runs",
    "a" * 256,
    "a/" + "ä" * 128,
    "/".join(["a" * 100] * 20),
]

ACCEPTED = [
    ".",
    "..",
    "runs/smoke",
    "/tmp/runs",
    "../runs",
    "runs/größe",
    "runs/研究",
    "2026-11-25",
    "runs/a:b",
    "runs/T10:00",
    "a~b",
    "a!b",
    "a#b",
    "a@b",
    "a=b",
    "a,b",
    "a%b",
    "a+b",
    "a^b",
    "runs/-a",
    "a" * 255,
    "./-runs",
    "./~runs",
    "./#runs",
]


@pytest.mark.parametrize("root", REFUSED)
def test_a_root_that_would_break_is_refused(root: str) -> None:
    assert "expected" in str(root_problem(root))
    assert "\n" not in str(root_problem(root))


@pytest.mark.parametrize("root", ACCEPTED)
def test_a_root_that_works_is_accepted(root: str) -> None:
    assert root_problem(root) is None


def test_bash_reads_every_accepted_character_as_itself() -> None:
    accepted = [c for c in map(chr, range(1, 0x500)) if root_problem(f"a{c}b") is None]
    assert len(accepted) > 600
    words = [f"{start}a{c}b/c{c}" for c in accepted for start in ("", "/")]
    words += [root for root in ACCEPTED if len(root) < 30]
    line = "printf '%s\\n' " + " ".join(words)
    shown = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=True)
    assert shown.stdout.splitlines() == words


def test_what_is_there_already_is_a_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "gone").symlink_to(tmp_path / "nowhere")
    (tmp_path / "linked").symlink_to(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    for name, kind in {"file": "a file", "file/below": "a file", "pipe": "no folder"}.items():
        assert f"which is {kind}" in str(root_problem(str(tmp_path / name)))
    assert "which is no folder" in str(root_problem(str(tmp_path / "gone")))
    assert root_problem(str(tmp_path / "linked" / "new")) is None


def test_the_length_that_counts_is_the_whole_paths(tmp_path: Path, monkeypatch) -> None:
    folder = tmp_path / "/".join(["d" * 100] * 8)
    folder.mkdir(parents=True)
    monkeypatch.chdir(folder)
    inner = "/".join(["e" * 100] * ((MAX_ROOT - len(str(folder))) // 101))
    assert root_problem(inner) is None
    assert "shorten it" in str(root_problem(inner + "/" + "e" * 100))


@pytest.mark.parametrize(
    ("path", "normal"),
    [
        ("./x", "x"),
        ("./-x", "./-x"),
        (".//~x/", "./~x"),
        ("-x", "-x"),
        ("a//b", "a/b"),
        ("a/./b/", "a/b"),
        ("/a//b/", "/a/b"),
        ("./", "."),
        ("", "."),
        (".", "."),
        ("/", "/"),
        ("a/../b", "a/../b"),
        ("..", ".."),
    ],
)
def test_paths_lose_what_says_nothing(path: str, normal: str) -> None:
    assert normal_path(path) == normal
