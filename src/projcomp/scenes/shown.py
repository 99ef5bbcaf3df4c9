"""Values of a user's JSON file in a message of one short line."""

import math
from typing import Any

from projcomp.words import short

_LONGEST = 40
_MOST_KEYS = 8


def shown(value: Any) -> str:
    """What ``value`` is, in a few words: keys of objects, lengths of lists, texts cut short."""
    if isinstance(value, dict):
        keys = [short(repr(key), _LONGEST) for key in list(value)[:_MOST_KEYS]]
        more = ["..."] if len(value) > _MOST_KEYS else []
        return f"an object with the keys {', '.join(keys + more)}" if keys else "an empty object"
    if isinstance(value, list | tuple):
        simple = len(value) <= 4 and not any(isinstance(v, dict | list | tuple) for v in value)
        if simple and value:
            return f"[{', '.join(shown(part) for part in value)}]"
        return f"a list of {len(value)}" if value else "an empty list"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, float) and math.isinf(value):
        return f"{'-' if value < 0 else ''}Infinity or a number too large to be one"
    return short(repr(value), _LONGEST)
