"""Profiles name rules that there are, and what must stand in a profile stands in no rule."""

import re
from pathlib import Path

import pytest
import yaml

REPOSITORY = Path(__file__).parents[2]
PROFILES = sorted(path.parent.name for path in REPOSITORY.glob("profiles/*/config.yaml"))
RULES = {path.name: path.read_text() for path in (REPOSITORY / "workflow/rules").glob("*.smk")}


def profile(name: str) -> dict:
    return yaml.safe_load((REPOSITORY / f"profiles/{name}/config.yaml").read_text())


def blocks() -> dict[str, str]:
    """The text of every rule by its name."""
    found = {}
    for text in RULES.values():
        for block in re.split(r"^(?=rule )", text, flags=re.MULTILINE)[1:]:
            found[block.split(":")[0].removeprefix("rule ")] = block
    return found


@pytest.mark.parametrize("name", PROFILES)
def test_a_profile_names_rules_that_there_are(name: str) -> None:
    found = profile(name)
    named = {*found.get("set-resources", {}), *found.get("groups", {})}
    assert named <= set(blocks())
    assert set(found.get("groups", {}).values()) == set(found.get("group-components", {}))
    assert found["retries"] >= 1
    assert found["show-failed-logs"]


def test_memory_and_time_grow_with_the_attempt_and_no_profile_fixes_them() -> None:
    for name, block in blocks().items():
        if "    shell:" in block:
            for resource in ("mem_mb", "runtime"):
                assert f"{resource}=lambda w, attempt:" in block, name
    for chosen in profile("slurm")["set-resources"].values():
        assert not {"mem_mb", "runtime", "gpu"} & set(chosen)


def test_every_rule_on_a_gpu_has_its_partition_in_the_slurm_profile() -> None:
    on_gpus = {name for name, block in blocks().items() if re.search(r"gpu=|_resources\(", block)}
    chosen = profile("slurm")["set-resources"]
    rendering = {"render_shard", "render_reference"}  # on processors unless render.device says so
    assert set(chosen) == on_gpus - rendering
