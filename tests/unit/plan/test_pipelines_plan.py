"""Pipelines in a plan: they are told prompts; nothing is rendered, trained or counted for them."""

import json
from pathlib import Path
from typing import Any

import pytest
from known_config import KNOWN, known, merged

from projcomp.config.pipelines import PipelineConfig
from projcomp.errors import ConfigError, UserError
from projcomp.files.pipeline_folder import look_at_pipeline, pipeline_folder
from projcomp.plan.load import load, look_at_files
from projcomp.plan.overview import overview
from projcomp.plan.plan import Plan
from projcomp.plan.stages import read_settings
from projcomp.settings.stages import FORMATS, PipelineSettings

PAIR = ["an otter", "a heron"]
NAME = "an-otter_a-heron-73d4e6d9"
HASH = "0123456789" * 4

MINE: dict[str, Any] = {
    "models": {
        "xl": {"pipeline": "xl"},
        "dog": {"pipeline": "xl", "lora": "dog"},
    },
    "experiments": {
        "both": {
            "conditionals": "xl",
            "background": {"model": "xl", "condition": {"prompt": ""}},
            "operator": {"name": "product", "weights": 2},
            "prompts": [PAIR, ["a fox"]],
            "num_samples": 4,
            "sampling": {"sampler": "ancestral", "num_steps": 30},
        },
    },
    "sweeps": {
        "ways": {
            "composed": [
                {"model": "xl", "told": "case"},
                {"model": "dog", "told": {"prompt": "x"}},
            ],
            "operators": {"and": "superposition_and", "mean": "average"},
            "samplers": {"sde": {"sampler": "sde"}},
            "prompts": [PAIR],
            "num_samples": 4,
        }
    },
    "evaluation": {"judge": {"name": "own", "file": "judge.py"}},
}

ALONE = {**MINE, "datasets": {}, "theory": {"experiments": []}}


def plan(change: dict[str, Any] | None = None, *, alone: bool = False) -> Plan:
    return Plan(load(merged(ALONE if alone else known(MINE), change or {})))


def test_pipelines_alone_are_sampled_scored_and_shown_and_nothing_else() -> None:
    alone = plan(alone=True)
    counts = {rule: count for rule, count in alone.job_counts().items() if count}
    drawn = {"draw_figure": 3, "make_table": 1}
    assert counts == {"sample_case": 4, "score_case": 4, **drawn, "all": 1}
    assert set(alone.tables) == {"prompts"}
    shown = {"prompts_both", "prompts_ways-and-sde", "prompts_ways-mean-sde"}
    assert set(alone.figures) == shown
    wanted = [*alone.targets(), *alone.intermediates()]
    assert not any(word in path for path in wanted for word in ("detector", "truth", "summary"))
    assert "model dog: the pipeline xl with dog, told prompts" in overview(alone)
    assert alone.sample_inputs("both") == []


def test_pipelines_beside_renders_leave_these_as_they_were() -> None:
    before, both = Plan(load(KNOWN)), plan()
    assert both.counted() == before.counted()
    assert json.loads(both.summary_settings()) == json.loads(before.summary_settings())
    for name in before.tables:
        assert both.table_settings(name) == before.table_settings(name)
    for experiment, cases in before.run.cases.items():
        for case in cases if experiment != "truth" else ():
            settings = before.sample_settings(experiment, case)
            assert both.sample_settings(experiment, case) == settings
            assert "pipelines" not in settings
    added = {rule: count for rule, count in both.job_counts().items() if count}
    for rule, count in before.job_counts().items():
        if rule not in ("sample_case", "make_table", "draw_figure"):
            assert added.get(rule, 0) == count, rule


def test_a_stage_is_told_prompts_and_what_the_pipeline_decides_is_no_setting() -> None:
    told = json.loads(plan().sample_settings("both", NAME))
    assert [one["condition"] for one in told["composed"]] == [{"prompt": text} for text in PAIR]
    assert told["conditionals"] is None
    assert told["background"] == {"model": "xl", "condition": {"prompt": ""}}
    assert told["pipelines"]["xl"]["chosen"]["pipeline"] == "xl"
    other = {"sampling": {"sigma_max": 80.0, "precision": "fp32", "chunk_size": 7}}
    assert plan(other).sample_settings("both", NAME) == plan().sample_settings("both", NAME)
    swept = json.loads(plan().sample_settings("ways-and-sde", NAME))
    assert [one["model"] for one in swept["composed"]] == ["xl", "xl", "dog"]
    assert swept["stream"] == "ways"


def test_samples_of_pipelines_and_pictures_of_archives_have_formats_of_their_own() -> None:
    """What is made in another way than before is made again, and nothing else."""
    settings = PipelineSettings(chosen=PipelineConfig(pipeline="folder"))
    assert settings.model_dump()["format"] == FORMATS["pipeline"] == 3
    told = {"models": ["m"], "operator": "average", "num_samples": 2}
    mine = {"labels": {"form": ["a", "b"]}, "models": {"m": {"exact": "d", "condition": "none"}}}
    for file, known_as in (("cifar-10-python.tar.gz", "archive"), ("pictures.npz", "read")):
        datasets = {"d": {"file": file, "labels": {"form": "label"}}}
        run = load({**mine, "datasets": datasets, "experiments": {"E": told}, "sweeps": {}})
        assert read_settings(run, "d").format == FORMATS[known_as]


def test_what_pictures_should_show_is_what_is_composed_and_not_what_is_avoided() -> None:
    asked = json.loads(plan().score_settings("ways-and-sde", NAME))
    assert asked["prompts"] == [*PAIR, "x"]
    joined = {
        "experiments": {
            "both": {
                "conditionals": None,
                "background": None,
                "operator": "average",
                "composed": [{"model": "xl", "told": "case", "joined": "and"}],
            }
        }
    }
    found = plan(joined)
    told = json.loads(found.sample_settings("both", NAME))
    assert [one["condition"] for one in told["composed"]] == [{"prompt": "an otter and a heron"}]
    assert json.loads(found.score_settings("both", NAME))["prompts"] == PAIR
    avoided = {"experiments": {"both": {"operator": {"weights": [1, -1]}, "prompts": [PAIR]}}}
    assert json.loads(plan(avoided).score_settings("both", NAME))["prompts"] == PAIR[:1]


def test_a_folder_is_a_setting_by_what_it_holds_and_the_hub_by_its_revision(tmp_path) -> None:
    (tmp_path / "xl").mkdir()
    change = {"models": {"xl": {"pipeline": str(tmp_path / "xl")}}}
    before = plan(change).sample_settings("both", NAME)
    (tmp_path / "xl" / "more").write_bytes(b"")
    assert plan(change).sample_settings("both", NAME) != before
    pinned = {"models": {"xl": {"pipeline": "owner/name", "revision": HASH}}}
    told = json.loads(plan(pinned).sample_settings("both", NAME))["pipelines"]["xl"]
    assert told["chosen"]["revision"] == HASH
    assert told["listing"] is None


def test_the_hubs_cache_is_where_the_hubs_own_program_finds_it(tmp_path, monkeypatch) -> None:
    hub = pytest.importorskip("huggingface_hub")
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    folder = pipeline_folder("owner/name", HASH)
    folder.mkdir(parents=True)
    index = {"_class_name": "P", "scheduler": ["a", "S"], "vae": ["a", "V"], "unet": ["a", "U"]}
    (folder / "model_index.json").write_text(json.dumps(index))
    found = hub.try_to_load_from_cache(
        "owner/name", "model_index.json", cache_dir=tmp_path, revision=HASH
    )
    assert Path(found) == folder / "model_index.json"
    look_at_pipeline("owner/name", HASH)
    with pytest.raises(UserError, match=f"hf download owner/name --revision {HASH[::-1]}"):
        look_at_pipeline("owner/name", HASH[::-1])


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (
            {"models": {"xl": {"images_seen": 10}}},
            "models.xl.images_seen: expected one of the keys pipeline, revision, .*, got an unkn",
        ),
        (
            {"models": {"xl": {"revision": HASH}}},
            "models.xl.pipeline: expected the name of a repository of the hub such as owner/name",
        ),
        (
            {"models": {"xl": {"pipeline": "owner/name", "revision": "main"}}},
            "models.xl.revision: expected the hash of a commit, 40 digits, .*, got 'main'",
        ),
        (
            {"experiments": {"both": {"background": {"model": "single", "condition": "empty"}}}},
            "experiments.both: expected pipelines alone, because one is composed, got single too",
        ),
        (
            {"experiments": {"both": {"conditionals": "xxl"}}},
            r"experiments.both: expected a name under models \(.*\), got 'xxl'",
        ),
        (
            {"experiments": {"both": {"background": {"model": "xl", "condition": "empty"}}}},
            "background.condition: expected unconditional, or {prompt: a text}, of a pipeline, got",
        ),
        (
            {"experiments": {"both": {"background": None}}},
            "experiments.both.background: expected a model and a condition, because operator prod",
        ),
        (
            {"experiments": {"both": {"num_composed": [2]}}},
            "experiments.both.num_composed: expected prompts, because a pipeline is composed, got",
        ),
        (
            {"experiments": {"both": {"exact": True}}},
            "experiments.both.exact: expected prompts, because a pipeline is composed, got exact",
        ),
        (
            {"experiments": {"both": {"prompts": None}}},
            r"experiments.both.prompts: expected cases such as \[\[an otter, a heron\]\], got not",
        ),
        (
            {"experiments": {"both": {"prompts": [PAIR, PAIR]}}},
            "experiments.both.prompts: expected every entry once, got .* twice",
        ),
        (
            {"experiments": {"both": {"sampling": {"sigma_max": 20}}}},
            "experiments.both.sampling.sigma_max: expected none of a pipeline, got one; its sched",
        ),
        (
            {"experiments": {"both": {"sampling": {"complift": {}}}}},
            "experiments.both.sampling.complift: expected none of a pipeline, got one; leave it",
        ),
        (
            {"sweeps": {"ways": {"composed": [{"model": "xl", "told": {"color": "red"}}]}}},
            "sweeps.ways.composed.0.told: expected unconditional, or {prompt: a text}, of a pipel",
        ),
        (
            {"sweeps": {"ways": {"composed": [{"model": "xl"}]}}},
            "sweeps.ways.composed: expected a model with told: case beside prompts, got none",
        ),
        (
            {"sweeps": {"ways": {"composed": [{"model": "xl", "told": "case", "weight": 2}]}}},
            "sweeps.ways.operator: expected one with weights for what is weighed in composed",
        ),
        (
            {
                "experiments": {
                    "A": {
                        "conditionals": None,
                        "composed": [{"model": "single", "told": "case", "joined": "and"}],
                    }
                }
            },
            "experiments.A.composed.0.joined: expected none, because no model of it has a pipe",
        ),
        (
            {"experiments": {"A": {"prompts": [PAIR]}}},
            "experiments.A.prompts: expected none, because no model of it has a pipeline, got so",
        ),
    ],
)
def test_what_does_not_fit_is_one_line(change: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError, match=told) as error:
        plan(change)
    assert "\n" not in str(error.value)


def test_a_missing_pipeline_or_judge_is_one_line(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    found = plan().run

    def refused(told: str) -> None:
        with pytest.raises(ConfigError, match=f"^config: {told}") as error:
            look_at_files(found)
        assert "\n" not in str(error.value)

    refused("models.xl.pipeline: xl: expected the folder of a pipeline, .*, got no folder$")
    unpinned = plan({"models": {"xl": {"pipeline": "owner/name"}}}).run
    with pytest.raises(ConfigError, match="a repository of the hub needs a revision beside it"):
        look_at_files(unpinned)
    Path("xl").mkdir()
    refused(r"models.xl.pipeline: xl/model_index.json: .*, got no file: name the folder that")
    Path("xl/model_index.json").write_text("[]")
    refused("models.xl.pipeline: xl/model_index.json: expected .*, got another file")
    index = {"_class_name": "Other", "scheduler": ["a", "S"], "vae": ["a", "V"]}
    Path("xl/model_index.json").write_text(json.dumps(index))
    refused("models.xl.pipeline: .*: expected a pipeline with a unet or a transformer, got Other")
    Path("xl/model_index.json").write_text(json.dumps({**index, "unet": ["a", "U"]}))
    refused(r"models.dog.lora: dog: an adapter \(.safetensors\) expected, got no file")
    Path("dog").mkdir()
    refused("models.dog.lora: dog: expected a folder with .safetensors files, got none")
    Path("dog/x.safetensors").write_bytes(b"")
    refused("evaluation.judge.file: judge.py: a Python file expected, got no file")
    monkeypatch.setattr("projcomp.files.pipeline_folder.find_spec", lambda _: None)
    refused("models.xl.pipeline: diffusers: expected the extra `diffusers` of projcomp, got no")
