"""YAML without surprises: what readers lose, or take for something else, is an error with its line.

YAML 1.1 says that a repeated key is an error, but readers let the last one win; that ``1:30`` is
90, ``010`` is 8 and ``no`` is false; and an alias may hold itself, or ten lines a billion entries.
Snakemake reads with such a reader, so what is refused here is what the two would see differently.
"""

import json
import os
import re
import stat
from importlib import import_module
from pathlib import Path
from typing import Any

import yaml
from yaml.composer import Composer
from yaml.constructor import SafeConstructor
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from yaml.resolver import Resolver

from projcomp.errors import ConfigError
from projcomp.words import short

PathLike = str | os.PathLike[str]

MAX_BYTES = 2**20
"""A config has some kilobytes; whatever is larger is something else."""

MAX_DEPTH = 50
MAX_ENTRIES = 20_000
"""Entries with every alias written out."""

MAX_DIGITS = 128

_MARKS = {
    b"\xff\xfe\x00\x00": "UTF-32",
    b"\x00\x00\xfe\xff": "UTF-32",
    b"\xff\xfe": "UTF-16",
    b"\xfe\xff": "UTF-16",
}

_TAG = "tag:yaml.org,2002:"
_SCALARS = ("str", "int", "float", "bool", "null")
_RESOLVER = yaml.SafeLoader("")
_READ_AS = {"timestamp": "a date", "bool": "true or false", "null": "nothing", "merge": "a merge"}


class _Odd(Exception):
    """Something is wrong at a line (from 0); the message says what, without file and line."""

    def __init__(self, line: int, message: str):
        super().__init__(message)
        self.line = line


class _Shallow(Composer):
    """Composes nodes down to ``MAX_DEPTH``: the composer calls itself for every level."""

    depth = entries = 0
    peek_event: Any  # the parser's

    def compose_node(self, parent: Node | None, index: Any) -> Node | None:
        self.depth += 1
        self.entries += 1
        line = self.peek_event().start_mark.line
        if self.depth > MAX_DEPTH:
            raise _Odd(line, f"at most {MAX_DEPTH} levels expected, got more brackets or blanks")
        if self.entries > MAX_ENTRIES:
            raise _Odd(line, f"at most {MAX_ENTRIES:,} entries expected, got more")
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node


class _Loader(_Shallow, yaml.SafeLoader):
    """PyYAML's own reader, which takes most of a plan's time."""


def _fast_loader() -> Any:
    """The same by libyaml's parser, ten times as fast, where PyYAML has been built with it."""
    try:
        parser: Any = import_module("yaml.cyaml").CParser
    except ImportError:
        return _Loader

    class FastLoader(_Shallow, parser, SafeConstructor, Resolver):
        def __init__(self, text: str) -> None:
            parser.__init__(self, text)
            Composer.__init__(self)
            SafeConstructor.__init__(self)
            Resolver.__init__(self)

    return FastLoader


_FastLoader = _fast_loader()


def read_yaml(path: PathLike) -> dict[str, Any]:
    """The mapping in the YAML (or JSON) file at ``path``; an empty file is an empty mapping.

    Raises:
        ConfigError: there is no such file, it is not UTF-8, not YAML, no mapping, or says something
            that is lost or read as something else; one line with the file's line.
    """
    text = _text(path)
    try:
        content = _content(text)
    except _Odd as error:
        raise ConfigError(f"{path}, line {error.line + 1}: {error}") from None
    except yaml.YAMLError as error:
        raise ConfigError(f"{path}: expected YAML, got: {_reason(error)}") from None
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise ConfigError(f"{path}: expected keys and values, got {short(repr(content))}")
    return content


def _content(text: str) -> Any:
    values = _json(text)
    # JSON may be indented by tabs, YAML may not; within JSON's texts there are none
    text = text if values is None else text.replace("\t", " ")
    try:
        loader = _FastLoader(text)
        node = loader.get_single_node()
    except yaml.YAMLError:  # PyYAML says what is wrong, and takes some of what libyaml refuses
        loader = _Loader(text)
        node = loader.get_single_node()
    if node is None:
        return None
    _check(node, [], {})
    # YAML takes JSON's 5e3 for text, and two halves of a sign for two signs
    return loader.construct_document(node) if values is None else values


def _text(path: PathLike) -> str:
    try:
        # one that a shell has made, as in <(...), has somebody who writes into it
        if stat.S_ISFIFO(os.stat(path).st_mode) and not str(path).startswith(("/dev/", "/proc/")):
            raise ConfigError(f"{path}: expected a YAML file, got a pipe; name a file")
        with Path(path).open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = getattr(error, "strerror", None) or error
        raise ConfigError(f"{path}: expected a YAML file, got: {reason}") from None
    if len(raw) > MAX_BYTES:
        raise ConfigError(f"{path}: expected a config of at most {MAX_BYTES:,} bytes, got more")
    for mark, name in _MARKS.items():
        if raw.startswith(mark):
            raise ConfigError(f"{path}: expected UTF-8, got {name}; save it as UTF-8")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise ConfigError(
            f"{path}, line {line}: expected UTF-8, got the byte 0x{raw[error.start]:02x} "
            "(Latin-1?); save it as UTF-8"
        ) from None


def _json(text: str) -> Any:
    """The values of an object in JSON; None where the text is none."""
    if not text.lstrip().startswith("{"):
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _check(node: Node, above: list[Node], known: dict[int, tuple[int, int]]) -> tuple[int, int]:
    """Raise what is odd in or below ``node``; returns its entries and levels, aliases written out.

    Args:
        node: what to look at.
        above: the nodes that it lies in.
        known: the answers so far, by the node's identity.
    """
    line = node.start_mark.line
    if any(node is one for one in above):
        raise _Odd(line, "an alias of something else expected, got one of itself")
    if id(node) in known:
        return known[id(node)]
    tag = node.tag.removeprefix(_TAG)
    below: list[Node] = []
    if isinstance(node, ScalarNode):
        _check_scalar(node, tag)
    elif isinstance(node, SequenceNode) and tag == "seq":
        below = node.value
    elif isinstance(node, MappingNode) and tag == "map":
        _check_keys(node)
        below = [value for _, value in node.value]
    else:
        raise _Odd(line, f"a plain value, list or mapping expected, got !!{short(tag)}")
    found = [_check(one, [*above, node], known) for one in below]
    entries = 1 + sum(count for count, _ in found)
    levels = 1 + max((depth for _, depth in found), default=0)
    if entries > MAX_ENTRIES or levels > MAX_DEPTH:
        raise _Odd(
            line,
            f"at most {MAX_ENTRIES:,} entries and {MAX_DEPTH} levels expected, got more (aliases "
            "of aliases)",
        )
    known[id(node)] = entries, levels
    return entries, levels


def _check_scalar(node: ScalarNode, tag: str) -> None:
    line, value = node.start_mark.line, node.value
    if tag not in _SCALARS:
        read = _READ_AS.get(tag, f"!!{tag}")
        raise _Odd(
            line,
            f"a number or text expected, got {short(value)}, which YAML reads as {read}; "
            "put it in quotes",
        )
    meant = _RESOLVER.resolve(ScalarNode, value, (True, False)).removeprefix(_TAG)
    digits = value.replace("_", "").lstrip("+-").lower()
    if tag not in ("str", meant) and not (tag == "float" and _is_float(digits)):
        raise _Odd(line, f"a value of the kind !!{tag} expected, got {short(value)}")
    if tag not in ("int", "float"):
        return
    if ":" in digits:
        raise _Odd(
            line,
            f"a number or text expected, got {short(value)}, which YAML reads to the base 60; "
            "write the number out, or put it in quotes",
        )
    if tag == "int" and re.fullmatch(r"0\d+", digits):
        raise _Odd(
            line,
            f"a number without leading zeros expected, got {short(value)}, which YAML reads to "
            "the base 8",
        )
    if tag == "int" and digits in ("", "0b", "0x"):
        raise _Odd(line, f"a number expected, got {short(value)}, which has no digits")
    if tag == "int" and len(digits) > MAX_DIGITS:
        raise _Odd(line, f"a number expected, got one of {len(digits):,} digits")


def _is_float(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _check_keys(node: MappingNode) -> None:
    lines: dict[str, int] = {}
    for key, _ in node.value:
        line, tag = key.start_mark.line, key.tag.removeprefix(_TAG)
        if tag == "merge":
            continue  # several are merged, and nothing is lost
        if not isinstance(key, ScalarNode):
            raise _Odd(line, "a name as key expected, got a list or a mapping")
        if tag != "str":
            read = "a number" if tag in ("int", "float") else _READ_AS.get(tag, f"!!{tag}")
            raise _Odd(
                line,
                f"a name as key expected, got {short(key.value) or 'nothing'}, which YAML reads "
                f"as {read}; put it in quotes or choose another",
            )
        name = key.value
        if name in lines:
            raise _Odd(
                line,
                f"every key once expected, got {short(name)} again (line {lines[name] + 1} has "
                "it); remove one of the two",
            )
        lines[name] = line


def _reason(error: yaml.YAMLError) -> str:
    return short(" ".join(str(error).replace("<unicode string>", "the file").split()), 300)
