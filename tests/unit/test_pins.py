"""Ranges and versions that stand in several files: pyproject.toml, constraints.txt, envs/*.yaml."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

REPOSITORY = Path(__file__).parents[2]
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]
LINES = [
    line
    for line in (REPOSITORY / "constraints.txt").read_text().splitlines()
    if not line.startswith("#")
]


def ranges(lines: list[str]) -> dict[str, SpecifierSet]:
    """Version ranges by package; those of a package that stands in several lines together."""
    found: dict[str, SpecifierSet] = {}
    for requirement in map(Requirement, lines):
        name = canonicalize_name(requirement.name)
        if name != "projcomp":
            found[name] = found.get(name, SpecifierSet()) & requirement.specifier
    return found


def versions() -> dict[str, Version]:
    """The versions of constraints.txt by package."""
    pairs = (line.split("==") for line in LINES)
    return {canonicalize_name(name): Version(version) for name, version in pairs}


def test_a_constraint_is_a_name_and_a_version() -> None:
    for line in LINES:
        assert re.fullmatch(r"[A-Za-z0-9][\w.-]*==[0-9][\w.!]*", line), line
        assert not any(sign in line for sign in ("://", "@", "+"))
    assert len(versions()) == len(LINES)


@pytest.mark.parametrize("extra", ["dependencies", *EXTRAS])
def test_the_constraints_are_within_the_ranges(extra: str) -> None:
    pinned = versions()
    for package, allowed in ranges(EXTRAS.get(extra) or PROJECT["dependencies"]).items():
        assert package in pinned, f"{package}: run `make constraints`"
        assert pinned[package] in allowed, f"{package}: run `make constraints`"


def environment(name: str) -> dict[str, SpecifierSet]:
    """The packages of an environment and their ranges."""
    read = yaml.safe_load((REPOSITORY / f"envs/{name}.yaml").read_text())
    assert "python=3.11" in read["dependencies"]
    assert (REPOSITORY / f"envs/{name}.post-deploy.sh").is_file()
    return ranges(next(item["pip"] for item in read["dependencies"] if isinstance(item, dict)))


WIDER = {"pydantic": ["<3,>=2.8"]}
"""Ranges that an environment may keep though an extra's is narrower by now: a new one is made with
the newest versions, and another text would run everything again for those who have one."""


def check_environment(name: str, needed: list[str]) -> None:
    """An environment has what is needed, each in the range of some extra.

    It may have more, and the narrower of two ranges: whoever runs with conda renders and trains
    everything again when the text of its file changes.
    """
    found = environment(name)
    assert set(ranges(needed)) <= set(found)
    everything = [PROJECT["dependencies"], *EXTRAS.values()]
    for package, allowed in found.items():
        known = [ranges(lines)[package] for lines in everything if package in ranges(lines)]
        if package == "torch":
            known = [SpecifierSet(f"=={versions()['torch']}")]
        known += [SpecifierSet(wider) for wider in WIDER.get(package, [])]
        assert allowed in known, package


def test_the_render_environment_is_the_extra_and_a_command_line() -> None:
    tools = [line for line in EXTRAS["workflow"] if line.startswith(("pyyaml", "typer"))]
    check_environment("render", [*EXTRAS["render"], *tools])


def test_the_torch_environment_is_the_library_and_the_extras_without_blender() -> None:
    extras = [*EXTRAS["train"], *EXTRAS["workflow"], *EXTRAS["wandb"]]
    needed = [line for line in extras if not line.startswith("snakemake")]
    check_environment("torch", [*PROJECT["dependencies"], *needed])
