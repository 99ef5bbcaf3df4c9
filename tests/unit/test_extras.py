"""The extras hold what their rooms import, and one that is missing is told in one line."""

import ast
import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path

import pytest
from known_config import known
from packaging.requirements import Requirement

from projcomp.extras import ALONE, EXTRAS, missing
from projcomp.plan import stages
from projcomp.plan.load import load
from projcomp.settings.stages import to_json

SOURCE = Path(__file__).parents[2] / "src" / "projcomp"
PROJECT = tomllib.loads((SOURCE.parents[1] / "pyproject.toml").read_text())["project"]

LIBRARY = ["composition", "samplers", "diffusion", "errors", "seeds", "words", "extras"]
LIBRARY += ["machine/memory"]
ROOMS = {
    "render": ["scenes", "render", "data"],
    "train": ["networks", "training", "sampling", "evaluation", "data", "machine/devices"],
    "workflow": [
        "cli",
        "commands",
        "config",
        "plan",
        "settings",
        "folder",
        "theory",
        "reporting",
        "playground",
        "prediction",
        "evaluation/summary",
        "evaluation/make_table",
        "evaluation/tables",
        "data/describe",
        "data/preview",
        "data/validate",
        "data/index",
        "files/outputs",
        "files/kinds",
    ],
    "molecules": ["molecules"],
    "diffusers": ["adapters/diffusers"],
}
UNIMPORTED = {"diffusers": {"transformers", "accelerate"}}
"""What is imported by what the project imports."""


def modules(room: str) -> list[Path]:
    """The files of a room, which may be one file."""
    folder = SOURCE / room
    return sorted(folder.rglob("*.py")) if folder.is_dir() else [folder.with_suffix(".py")]


def imported(node: ast.AST) -> list[str]:
    """What an import statement imports, names from the project as the modules they may be."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.module:
        return [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return []


@cache
def imports(path: Path) -> tuple[frozenset[str], frozenset[str]]:
    """The modules that ``path`` imports as it is imported itself, and all those in its functions.

    What only type checkers see is left out.
    """
    at_once: set[str] = set()
    later: set[str] = set()

    def look(node: ast.AST, found: set[str]) -> None:
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            return
        found.update(imported(node))
        inner = isinstance(node, ast.FunctionDef | ast.Lambda)
        for child in ast.iter_child_nodes(node):
            look(child, later if inner else found)

    look(ast.parse(path.read_text(encoding="utf-8")), at_once)
    return frozenset(at_once), frozenset(later)


def file_of(module: str) -> Path | None:
    """The file of one of the project's modules; None where ``module`` is something else."""
    place = SOURCE.parent / module.replace(".", "/")
    for path in (place.with_suffix(".py"), place / "__init__.py"):
        if path.is_file():
            return path
    return None


def outside(rooms: list[str], extra: str | None = None) -> set[str]:
    """The packages of others that rooms import, and the rooms that they need, and so on.

    With ``extra``, without those of other extras that stand alone, where a function imports them.
    """
    others = {name for name, (_, home) in EXTRAS.items() if home in ALONE - {extra}}
    todo, seen, found = [path for room in rooms for path in modules(room)], set(), set()
    while todo:
        path = todo.pop()
        if path in seen:
            continue
        seen.add(path)
        at_once, later = imports(path)
        todo += [file for module in at_once if (file := file_of(module))]
        found |= {module.split(".")[0] for module in at_once}
        found |= {module.split(".")[0] for module in later} - (others if extra else set())
    return found - set(sys.stdlib_module_names) - {"projcomp", "__main__"}


def names(requirements: list[str]) -> set[str]:
    """The packages that requirements name."""
    return {Requirement(line).name for line in requirements}


BASE = names(PROJECT["dependencies"])


def test_the_library_needs_three_packages() -> None:
    assert {"torch", "numpy", "jaxtyping"} == BASE
    assert outside([*LIBRARY, "__init__"]) == BASE


@pytest.mark.parametrize("extra", ROOMS)
def test_an_extra_holds_what_its_rooms_import_and_nothing_else(extra: str) -> None:
    needed = {EXTRAS[name][0] for name in outside(ROOMS[extra], extra) - BASE}
    declared = names(PROJECT["optional-dependencies"][extra]) - BASE
    assert declared == needed | UNIMPORTED.get(extra, set())


def test_all_is_every_extra_that_is_no_tool_and_for_more_than_one_command() -> None:
    (line,) = PROJECT["optional-dependencies"]["all"]
    assert Requirement(line).extras == set(ROOMS) - ALONE


def test_every_package_is_known_with_an_extra_that_has_it() -> None:
    for package, extra in EXTRAS.values():
        assert package == "pydantic" or package in names(PROJECT["optional-dependencies"][extra])
    every = [str(path.relative_to(SOURCE).with_suffix("")) for path in SOURCE.rglob("*.py")]
    assert outside(every) == set(EXTRAS) | BASE


RENDER = to_json(stages.render_settings(load(known()), "single"))


@pytest.mark.parametrize(
    ("absent", "arguments", "told"),
    [
        (
            "typer",
            ["--help"],
            "error: typer: expected the extra `workflow` of projcomp, got no package of that name; "
            "install it: pip install 'projcomp[workflow]', or all extras: "
            "pip install 'projcomp[all]'\n",
        ),
        (
            "pydantic",
            ["check"],
            "error: pydantic: expected the extra `workflow` of projcomp, got no package of that "
            "name; install it: pip install 'projcomp[workflow]', or all extras: "
            "pip install 'projcomp[all]'\n",
        ),
        (
            "rdkit",
            ["count", "--molecules", "molecules.txt", "--out", "a.csv"],
            "error: rdkit: expected the extra `molecules` of projcomp, got no package of that "
            "name; install it: pip install 'projcomp[molecules]'\n",
        ),
        (
            "bpy",
            ["render-shard", "--settings", RENDER, "--shard", "0", "--out", "shard.h5"],
            "error: bpy: expected the extra `render` of projcomp (Python 3.11 only), got no "
            "package of that name; install it: pip install 'projcomp[render]', or all extras: "
            "pip install 'projcomp[all]'\n",
        ),
    ],
)
def test_a_missing_extra_is_one_line(
    tmp_path: Path, absent: str, arguments: list[str], told: str
) -> None:
    code = f"import sys; sys.modules[{absent!r}] = None; from projcomp.__main__ import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (1, "", told)
    assert list(tmp_path.iterdir()) == []


def test_what_is_broken_is_not_called_missing() -> None:
    assert missing(ImportError("libGL.so.1: cannot open", name="bpy")) is None
    assert missing(ModuleNotFoundError("no", name="projcomp.nowhere")) is None
    assert missing(ModuleNotFoundError("no", name="torch")) is None
    assert missing(ModuleNotFoundError("no", name="lightning.pytorch")) is not None


def test_an_adapter_without_its_extra_says_which() -> None:
    code = "import sys; sys.modules['diffusers'] = None; import projcomp.adapters.diffusers"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr.splitlines()[-1] == (
        "ModuleNotFoundError: diffusers: expected the extra `diffusers` of projcomp, got no "
        "package of that name; install it: pip install 'projcomp[diffusers]'"
    )


def test_the_module_runs_as_the_command_does() -> None:
    assert PROJECT["scripts"] == {"projcomp": "projcomp.__main__:main"}
    done = subprocess.run(
        [sys.executable, "-m", "projcomp", "nosuch"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr.startswith("error: projcomp: No such command")
