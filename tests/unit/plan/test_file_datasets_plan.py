"""Pictures that were not rendered in a plan: they are read, learned and composed, never counted."""

import json
from pathlib import Path
from typing import Any

import pytest
from known_config import KNOWN, known, merged
from toy_files import SHAPES, write_all_kinds, write_idx_pair

from projcomp.errors import ConfigError
from projcomp.plan.load import load, look_at_files
from projcomp.plan.overview import overview
from projcomp.plan.plan import Plan
from projcomp.settings.case import TRUTH

MINE: dict[str, Any] = {
    "labels": {"form": list(SHAPES)},
    "datasets": {
        "mine": {"file": "mine.npz", "labels": {"form": "label"}},
        "some": {"file": "mine.npz", "labels": {"form": "label"}, "only": {"form": ["bar"]}},
    },
    "models": {
        "forms": {"datasets": {"mine": 1}, "condition": "form", "images_seen": 640},
        "all": {"datasets": {"mine": 1}, "condition": "none", "images_seen": 640},
        "bars": {"exact": "some", "condition": "none"},
        "learned": {"exact": "some", "condition": "form"},
    },
    "experiments": {
        "pairs": {
            "composed": [{"model": "forms", "told": "case"}],
            "background": {"model": "forms", "condition": "unconditional"},
            "cases": [{"for": {"form": "all"}}, {"asked": [{"form": "bar"}, {"form": "dot"}]}],
            "num_samples": 4,
            "exact": True,
        },
        "either": {
            "models": ["all", "bars"],
            "operator": "superposition_or",
            "num_samples": 4,
            "sampling": {"sampler": "sde"},
        },
    },
}

ALONE = {
    **MINE,
    "sweeps": {},
    "theory": {"experiments": []},
    "detector": {"dataset": "none"},
}
"""A config of nothing else: no scene is rendered in it."""


def plan(change: dict[str, Any] | None = None, *, alone: bool = False) -> Plan:
    return Plan(load(merged(ALONE if alone else known(MINE), change or {})))


def test_pictures_are_read_and_composed_beside_renders_which_are_counted_as_before() -> None:
    before, both = Plan(load(KNOWN)), plan()
    assert both.counted() == before.counted()
    assert json.loads(both.summary_settings()) == json.loads(before.summary_settings())
    assert both.samples(TRUTH) == before.samples(TRUTH)
    counts, known_counts = both.job_counts(), before.job_counts()
    assert counts.pop("read_dataset") == 2
    cases = 2 * (3 + 1) + 1
    assert counts["sample_case"] == known_counts["sample_case"] + cases
    for rule in ("render_shard", "evaluate_case", "render_reference", "make_table"):
        assert counts[rule] == known_counts[rule], rule
    shown = {"pictures", "pictures_pairs", "pictures_pairs-exact"}  # first samples of each
    assert set(both.figures) == set(before.figures) | shown
    assert "models/forms/check.csv" in both.figure_inputs("denoising")


def test_pictures_alone_need_no_render_no_detector_and_no_summary() -> None:
    alone = plan(alone=True)
    counts = {rule: count for rule, count in alone.job_counts().items() if count}
    assert counts == {
        "read_dataset": 2,
        "preview_dataset": 2,
        "train_model": 2,
        "check_model": 2,
        "sample_case": 9,
        "draw_figure": 4,
        "all": 1,
    }
    wanted = [*alone.targets(), *alone.intermediates()]
    assert not any("detector" in path or "truth" in path or "summary" in path for path in wanted)
    assert "dataset mine: pictures of mine.npz, by form" in overview(alone)
    assert "ground truth" not in overview(alone)


def test_stages_are_told_a_label_with_its_values() -> None:
    found = plan()
    kind = "form:cross|bar|dot"
    assert json.loads(found.train_settings("forms"))["condition"] == kind
    sampled = json.loads(found.sample_settings("pairs-exact", "bar_dot"))
    assert sampled["exact"]["forms-exact"]["condition"] == kind
    told = [one["condition"] for one in sampled["composed"]]
    assert told == [{"form": "bar"}, {"form": "dot"}]
    anything = json.loads(found.sample_settings("either", "any"))
    assert anything["case"]["name"] == "any"
    read = json.loads(found.read_settings("some"))
    assert read["labels"] == {"form": {"column": "label", "values": list(SHAPES)}}
    assert read["only"] == {"form": ["bar"]}
    assert found.read_inputs("some") == ["mine.npz"]


def test_a_file_of_labels_and_what_a_folder_holds_are_what_a_job_depends_on(tmp_path: Path) -> None:
    pair, folder = write_idx_pair(tmp_path), write_all_kinds(tmp_path)["folders"]
    files = {"mine": {"file": str(pair)}, "some": {"file": str(folder)}}
    found = plan({"datasets": files})
    labels = str(tmp_path / "train-labels-idx1-ubyte.gz")
    assert found.read_inputs("mine") == [str(pair), labels]
    assert found.read_inputs("some") == []
    before = found.read_settings("some")
    (folder / "dot" / "more.png").write_bytes(b"")
    assert plan({"datasets": files}).read_settings("some") != before
    look_at_files(plan({"datasets": {"some": None, "mine": {"file": str(pair)}}, **REST}).run)


REST: dict[str, Any] = {
    "models": {"bars": None, "learned": None},
    "experiments": {"either": None},
}


def test_a_missing_file_says_how_to_get_it() -> None:
    found = plan({"datasets": {"mine": {"file": "/nowhere/x.npz", "get": "ask me"}}})
    told = r"^config: datasets.mine.file: /nowhere/x.npz: .* got no file: ask me$"
    with pytest.raises(ConfigError, match=told):
        look_at_files(found.run)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"labels": {"color": ["a", "b"]}}, "labels: expected names .* other than position, color"),
        ({"labels": {"a-b": ["a", "b"]}}, "labels: expected names of letters, digits and _ other"),
        (
            {"labels": {"form": ["hot dog", "bar"]}},
            "labels.form.0: expected a name of letters a to z or A to Z, digits, _ and -, got "
            "'hot dog'; rename the folder, or map the values of the file's column, to such names",
        ),
        ({"labels": {"form": ["bar", "bar"]}}, "labels.form: expected every entry once, got bar"),
        (
            {"datasets": {"mine": {"labels": {"shape": "label"}}}},
            r"datasets.mine.labels: expected a name under labels \(form, position\), got 'shape'",
        ),
        (
            {"datasets": {"some": {"only": {"form": ["ring"]}}}},
            r"datasets.some.only.form: expected a name under labels.form .*, got 'ring'",
        ),
        (
            {"datasets": {"some": {"only": {"kind": ["bar"]}}}},
            r"datasets.some.only: expected a name under datasets.some.labels \(form\), got 'kind'",
        ),
        (
            {"datasets": {"mine": {"num_images": 10}}},
            "datasets.mine.num_images: expected one of the keys file, labels, only, part, fit, get",
        ),
        (
            {"models": {"forms": {"condition": "kind"}}},
            "models.forms.condition: expected one of none, position, .*, form, or a list of them",
        ),
        (
            {"models": {"forms": {"condition": "color"}}},
            "models.forms.condition: expected a label of each of its datasets, got color, which",
        ),
        (
            {"models": {"single": {"condition": "form"}}},
            "models.single.condition: expected .* because single is rendered, got form, a label of",
        ),
        (
            {"models": {"all": {"datasets": {"single": 1}}}},
            "models.all.datasets: expected datasets that are all rendered, or all from files, got",
        ),
        (
            {
                "experiments": {"either": {"models": ["all", "one"]}},
                "models": {
                    "one": {"datasets": {"single": 1}, "condition": "none", "images_seen": 640}
                },
            },
            "experiments.either: expected models of renders, or models of pictures from files, got",
        ),
        (
            {"experiments": {"either": {"num_objects": [1]}}},
            "experiments.either.num_objects: expected cases, or nothing, because dataset mine was "
            "not rendered: nothing is counted in its pictures and there is no rendered truth, got",
        ),
        (
            {"experiments": {"pairs": {"num_composed": [2], "cases": None}}},
            "experiments.pairs.num_composed: expected cases, or nothing, because dataset mine was",
        ),
        (
            {"experiments": {"pairs": {"cases": None}}},
            "experiments.pairs.cases: expected what is asked for, got nothing",
        ),
        (
            {"experiments": {"pairs": {"cases": [{"asked": [{"form": "ring"}]}]}}},
            "experiments.pairs.cases.0.asked.0.form: expected one of cross, bar, dot, got 'ring'",
        ),
        (
            {"experiments": {"pairs": {"cases": [{"asked": [{"color": "red"}]}]}}},
            r"experiments.pairs.composed: expected a model that is told color \(case red\), got",
        ),
        (
            {
                "experiments": {
                    "pairs": {
                        "composed": [{"model": "learned", "told": "case"}],
                        "background": {"model": "learned", "condition": "unconditional"},
                        "exact": False,
                    }
                }
            },
            r"experiments.pairs.composed.0: expected a form that learned learns \(bar\), got cross",
        ),
        (
            {"experiments": {"pairs": {"background": {"model": "forms", "condition": "empty"}}}},
            "expected unconditional or what is told, because mine was not rendered and has no",
        ),
        (
            {"experiments": {"A": {"conditionals": "forms"}}},
            "experiments.A: expected models of renders, or models of pictures from files, got both",
        ),
        ({"detector": {"dataset": "mine"}}, "detector.dataset: expected a name under datasets"),
    ],
)
def test_what_does_not_fit_is_one_line(change: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError, match=told) as error:
        plan(change)
    assert "\n" not in str(error.value)
