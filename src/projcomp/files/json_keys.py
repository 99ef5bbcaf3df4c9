"""Objects of JSON whose keys stand once: its readers let the last of two equal keys win."""

from typing import Any


class RepeatedKey(Exception):
    """An object has the same key twice; the message is the key."""


def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """The object of ``pairs``, as the ``object_pairs_hook`` of Python's JSON reader.

    Raises:
        RepeatedKey: a key stands twice.
    """
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise RepeatedKey(key)
        found[key] = value
    return found
