"""What goes into a message is one short line that prints."""

import pytest

from projcomp.words import first_line


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (ValueError("  one\ntwo"), "one"),
        (ValueError("not 'a'"), "not 'a'"),
        (ValueError("\n \n"), "ValueError"),
        (RuntimeError(), "RuntimeError"),
        (KeyError("network"), "no network"),
        (KeyError("Unable to open object (object 'x' doesn't exist)"), None),
        (KeyError(), "KeyError"),
        (KeyError(""), "KeyError"),
        (KeyError(3), "no 3"),
        (OSError("a\x1b[2Jb\x85c"), "a\\x1b[2Jb"),
        (OSError("x" * 1000), "x" * 297 + "..."),
    ],
)
def test_the_first_line_of_an_error(error: Exception, told: str | None) -> None:
    assert first_line(error) == (error.args[0] if told is None else told)
