"""The wheel, in an environment that has the library's dependencies and nothing else."""

import importlib.metadata as metadata
import os
import shutil
import subprocess
import sys
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

REPOSITORY = Path(__file__).parents[2]
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
EXAMPLES = sorted(path.name for path in (REPOSITORY / "examples").glob("*.py"))
NEEDS_AN_EXTRA = {"scene.py"}
ABSENT = ["bpy", "h5py", "lightning", "matplotlib", "pandas", "pydantic", "scipy", "typer", "yaml"]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from a copy of what the checkout has of it: a build leaves files."""
    source = tmp_path_factory.mktemp("source")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(REPOSITORY / name, source)
    ignore = shutil.ignore_patterns("__pycache__", "*.egg-info")
    shutil.copytree(REPOSITORY / "src", source / "src", ignore=ignore)
    pip("wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(source), str(source))
    (made,) = source.glob("*.whl")
    return made


def pip(*arguments: str) -> None:
    """Run pip, which asks no registry."""
    done = subprocess.run(
        [sys.executable, "-m", "pip", *arguments, "--no-index", "--quiet"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def needed(requirements: list[str]) -> set[str]:
    """The distributions that requirements need, and those that these need, and so on."""
    todo = [(Requirement(line), "") for line in requirements]  # and the extra that asks for it
    found: set[tuple[str, str]] = set()
    while todo:
        requirement, extra = todo.pop()
        if requirement.marker and not requirement.marker.evaluate({"extra": extra}):
            continue
        name = canonicalize_name(requirement.name)
        for wanted in {(name, extra) for extra in ("", *requirement.extras)} - found:
            found.add(wanted)
            todo += [(Requirement(line), wanted[1]) for line in metadata.requires(name) or []]
    return {name for name, _ in found}


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of a bare environment: the wheel, and links to what it requires."""
    folder = tmp_path_factory.mktemp("bare")
    venv.create(folder / "env", symlinks=True)
    interpreter = folder / "env" / "bin" / "python"
    pip("--python", str(interpreter), "install", "--no-deps", str(wheel))
    links = folder / "links"
    links.mkdir()
    for name in needed(PROJECT["dependencies"]):
        distribution = metadata.distribution(name)
        for first in {file.parts[0] for file in distribution.files or []} - {"..", "__pycache__"}:
            place = links / first
            if not place.exists():
                place.symlink_to(Path(str(distribution.locate_file(first))))
    (site,) = (folder / "env").glob("lib/python*/site-packages")
    (site / "links.pth").write_text(f"{links}\n")
    return interpreter


def run(*command: str | Path, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a command that sees nothing of this checkout."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "VIRTUAL_ENV"))}
    return subprocess.run(
        command, cwd=folder, env=kept, capture_output=True, text=True, check=False
    )


def test_the_wheel_holds_modules_the_marker_of_types_and_other_files(wheel: Path) -> None:
    inside = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    source = REPOSITORY / "src"
    assert inside == {
        *(str(path.relative_to(source)) for path in source.rglob("*.py")),
        *(str(path.relative_to(source)) for path in source.glob("projcomp/playground/page/*")),
        "projcomp/py.typed",
        "projcomp/data/label_sets.npz",
    }


def test_the_environment_is_bare(python: Path, tmp_path: Path) -> None:
    code = (
        "import importlib.util as u, torch, numpy, jaxtyping, projcomp;"
        f"print([m for m in {ABSENT} if u.find_spec(m)], projcomp.__file__)"
    )
    done = run(python, "-c", code, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    found, place = done.stdout.strip().rsplit(" ", 1)
    assert found == "[]"
    assert Path(place).is_relative_to(python.parents[1])


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_examples_run_on_the_library_alone(python: Path, tmp_path: Path, name: str) -> None:
    done = run(python, REPOSITORY / "examples" / name, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    if name in NEEDS_AN_EXTRA:
        assert len(lines) == 1
        assert lines[0].startswith("skipped: ")
    else:
        assert len(lines) >= 3
        assert "skipped" not in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_the_command_tells_the_missing_extra(python: Path, tmp_path: Path) -> None:
    done = run(python.parent / "projcomp", "check", folder=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: typer: expected the extra `workflow` of projcomp, got ")
    assert done.stderr.endswith("pip install 'projcomp[all]'\n")
    assert done.stderr.count("\n") == 1
