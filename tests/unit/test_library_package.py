"""The names of the package, that importing it is light, and that Python 3.10 can read it all."""

import ast
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import projcomp

SOURCE = Path(__file__).parents[2] / "src" / "projcomp"

NEWER = {
    "asyncio": {"Runner", "TaskGroup", "timeout"},
    "contextlib": {"chdir"},
    "copy": {"replace"},
    "datetime": {"UTC"},
    "enum": {"EnumCheck", "FlagBoundary", "ReprEnum", "StrEnum", "member", "nonmember", "verify"},
    "functools": {"Placeholder"},
    "hashlib": {"file_digest"},
    "inspect": {"getmembers_static", "markcoroutinefunction"},
    "itertools": {"batched"},
    "math": {"cbrt", "exp2", "fma", "sumprod"},
    "operator": {"call", "is_none", "is_not_none"},
    "random": {"binomialvariate"},
    "re": {"NOFLAG"},
    "statistics": {"kde"},
    "typing": {
        "LiteralString",
        "Never",
        "NotRequired",
        "ReadOnly",
        "Required",
        "Self",
        "TypeAliasType",
        "TypeIs",
        "TypeVarTuple",
        "Unpack",
        "assert_never",
        "assert_type",
        "dataclass_transform",
        "NoDefault",
        "override",
        "reveal_type",
    },
    "warnings": {"deprecated"},
}
"""What standard modules have only since Python 3.11, 3.12 or 3.13."""

NEW_MODULES = {"tomllib", "wsgiref.types"}
NEW_BUILTINS = {"BaseExceptionGroup", "ExceptionGroup", "PythonFinalizationError"}


def too_new(text: str) -> list[str]:
    """What a module uses that Python 3.10 does not have.

    Raises:
        SyntaxError: its grammar is newer.
    """
    tree = ast.parse(text, feature_version=(3, 10))
    found = []
    called = {}  # local name -> standard module
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names if alias.name in NEW_MODULES]
            called |= {alias.asname or alias.name: alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            newer = NEWER.get(node.module, set())
            found += [node.module] if node.module in NEW_MODULES else []
            found += [f"{node.module}.{a.name}" for a in node.names if a.name in newer]
        elif isinstance(node, ast.Name) and node.id in NEW_BUILTINS:
            found.append(node.id)
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            module = called.get(ast.unparse(node.value), "")
            found += [f"{module}.{node.attr}"] if node.attr in NEWER.get(module, set()) else []
            found += ["add_note"] if node.attr == "add_note" else []
    return found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("from enum import Enum, StrEnum", ["enum.StrEnum"]),
        ("import hashlib as h\nh.file_digest(1, 'md5')", ["hashlib.file_digest"]),
        ("import math\nmath.exp2(1.0) + math.exp(1.0)", ["math.exp2"]),
        ("import tomllib", ["tomllib"]),
        ("raise ExceptionGroup('', [])", ["ExceptionGroup"]),
        ("from itertools import pairwise\nmatch 1:\n    case int(): pass", []),
    ],
)
def test_what_is_too_new_is_found(text: str, found: list[str]) -> None:
    assert too_new(text) == found


def test_a_newer_grammar_is_found() -> None:
    with pytest.raises(SyntaxError):
        too_new("try:\n    pass\nexcept* ValueError:\n    pass\n")


@pytest.mark.parametrize(
    "path", sorted(SOURCE.rglob("*.py")), ids=lambda path: str(path.relative_to(SOURCE))
)
def test_every_module_is_written_for_python_3_10(path: Path) -> None:
    assert too_new(path.read_text(encoding="utf-8")) == []


def test_the_three_lists_of_names_agree() -> None:
    tree = ast.parse((SOURCE / "__init__.py").read_text(encoding="utf-8"))
    (checked,) = (node for node in tree.body if isinstance(node, ast.If))
    homes = {
        alias.name: node.module.removeprefix("projcomp.")
        for node in checked.body
        if isinstance(node, ast.ImportFrom) and node.module
        for alias in node.names
    }
    assert homes == projcomp._HOMES
    assert sorted(homes) == projcomp.__all__


@pytest.mark.parametrize("name", projcomp.__all__)
def test_a_name_is_the_one_of_its_room(name: str) -> None:
    home = import_module(f"projcomp.{projcomp._HOMES[name]}")
    assert getattr(projcomp, name) is getattr(home, name)
    assert name in dir(projcomp)


def test_no_other_name_is_there() -> None:
    with pytest.raises(AttributeError, match="module 'projcomp' has no attribute 'compose'"):
        _ = projcomp.compose  # pyright: ignore[reportAttributeAccessIssue]


def test_importing_the_package_is_light() -> None:
    code = (
        "import sys; before = set(sys.modules); import projcomp; dir(projcomp);"
        "new = {m.split('.')[0] for m in set(sys.modules) - before};"
        "print(sorted(new - set(sys.stdlib_module_names)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "['projcomp']\n"
