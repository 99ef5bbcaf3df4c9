"""Combinations of settings that cannot work, each changed in one place from a config that does."""

import sys
from typing import Any

import pytest
from known_config import KNOWN, known

from projcomp.config.root import Config
from projcomp.errors import ConfigError
from projcomp.plan.checks import problems
from projcomp.plan.load import load
from projcomp.plan.run import Run

POSITION = {"conditionals": "single", "num_composed": [2], "num_samples": 4}
COLOR = {"conditionals": "colored", "num_samples": 4}
SWEEP = {**POSITION, "operators": {"b": "bayes"}, "samplers": {"heun": {}}}
BAYES = {"operator": "bayes", "background": None}


def experiment(**settings: Any) -> dict[str, Any]:
    return {"experiments": {"X": settings}}


IMPOSSIBLE: dict[str, tuple[dict[str, Any], str]] = {
    "more objects than fit": (
        {"datasets": {"counting": {"max_objects": 20}}},
        "datasets.counting.max_objects: expected at most 14 objects",
    ),
    "more objects than the margin lets": (
        {"scene": {"margin": 2.0}},
        "datasets.cluttered.max_objects: expected at most 3 objects",
    ),
    "fewer than the least": (
        {"datasets": {"cluttered": {"min_objects": 6}}},
        "datasets.cluttered.min_objects: expected at most max_objects = 5, got 6",
    ),
    "a broken shard": (
        {"datasets": {"empty": {"num_images": 15}}},
        "datasets.empty.num_images: expected a multiple of render.shard_size = 10, got 15",
    ),
    "a name that is no file name": (
        {"datasets": {"a/b": {"num_images": 10, "min_objects": 0, "max_objects": 0}}},
        "datasets: expected names of letters, digits, _ and -, got 'a/b'",
    ),
    "the detector's name": (
        {
            "models": {
                "detector": {"datasets": {"single": 1}, "condition": "none", "images_seen": 640}
            }
        },
        "models.detector: expected another name",
    ),
    "the truth's name": (
        {"experiments": {"truth": {**POSITION, **BAYES}}},
        "experiments.truth: expected another name",
    ),
    "the name of the exact experiments' folder": (
        {"experiments": {"theory": {**POSITION, **BAYES}}},
        "experiments.theory: expected another name",
    ),
    "an exact experiment twice": (
        {"theory": {"experiments": ["repair", "repair"]}},
        "theory.experiments: expected every entry once, got repair twice",
    ),
    "a root that the shell would split": ({"root": "my runs"}, "root: expected a path without"),
    "files of CLEVR that are not there": (
        {"render": {"assets": "absent"}},
        "render.assets: expected a folder with CLEVR's base_scene.blend in it, got 'absent'",
    ),
    "a batch that cannot be shared": (
        {"compute": {"training": {"devices": 3, "nodes": 2}}},
        "training.batch_size: expected a multiple of 6, the number of processes",
    ),
    "a key that has moved": (
        {"training": {"device": "gpu"}},
        "training.device: expected compute.training.device, and compute.sampling.device for ",
    ),
    "a key of rendering that has moved": (
        {"render": {"threads": 4}},
        "render.threads: expected compute.rendering.threads instead, ",
    ),
    "a shape twice": (
        {"scene": {"shapes": ["cube", "cube"]}},
        "scene.shapes: expected every entry once, got cube twice",
    ),
    "a resolution that cannot be halved": (
        {"resolution": 34},
        "resolution: expected a multiple of 4",
    ),
    "attention at no level": (
        {"network": {"attention_resolutions": [5]}},
        "network.attention_resolutions: expected some of [32, 16, 8]",
    ),
    "less than a batch": (
        {"models": {"single": {"images_seen": 10}}},
        "models.single.images_seen: expected at least training.batch_size = 64, got 10",
    ),
    "a model of an unknown dataset": (
        {"models": {"single": {"datasets": {"nowhere": 1.0}}}},
        "models.single.datasets: expected a name under datasets",
    ),
    "a model of no dataset": (
        {"models": {"single": {"datasets": {"single": None, "empty": None}}}},
        "models.single.datasets: expected",
    ),
    "a condition where some images have no object": (
        {"models": {"single": {"datasets": {"counting": 1.0}}}},
        "models.single.datasets: expected datasets with an object in every image or in none",
    ),
    "a condition without any object": (
        {"models": {"single": {"datasets": {"single": None}}}},
        "models.single.datasets: expected a dataset with objects",
    ),
    "an experiment of an unknown model": (
        experiment(**{**POSITION, **BAYES, "conditionals": "nobody"}),
        "experiments.X.conditionals: expected a name under models",
    ),
    "an unknown background": (
        experiment(**POSITION, background={"model": "nobody", "condition": "empty"}),
        "experiments.X.background.model: expected a name under models",
    ),
    "a product without a background": (
        experiment(**POSITION),
        "experiments.X.background: expected a model and a condition",
    ),
    "bayes with a background": (
        experiment(
            **POSITION, operator="bayes", background={"model": "single", "condition": "empty"}
        ),
        "experiments.X.background: expected none, because operator bayes",
    ),
    "colours of a position model": (
        experiment(**{**POSITION, **BAYES, "num_composed": None}, color_pairs="all"),
        "experiments.X.color_pairs: expected num_composed instead",
    ),
    "places of a colour model": (
        experiment(**COLOR, **BAYES, num_composed=[1]),
        "experiments.X.num_composed: expected color_pairs instead",
    ),
    "no cases": (
        experiment(**{**POSITION, **BAYES, "num_composed": []}),
        "experiments.X.num_composed: expected a list of cases, got none",
    ),
    "a case twice": (
        experiment(**{**POSITION, **BAYES, "num_composed": [2, 2]}),
        "experiments.X.num_composed: expected every entry once, got 2 twice",
    ),
    "a colour with itself": (
        experiment(**COLOR, **BAYES, color_pairs=[["red", "red"]]),
        "experiments.X.color_pairs: expected two different colours, got ['red', 'red']",
    ),
    "a single colour twice": (
        experiment(**COLOR, **BAYES, color_pairs=[["red", "blue"]], single_colors=["red", "red"]),
        "experiments.X.single_colors: expected every entry once, got red twice",
    ),
    "single colours of a position model": (
        experiment(**{**POSITION, **BAYES, "num_composed": None}, single_colors="all"),
        "experiments.X.single_colors: expected num_composed instead",
    ),
    "neither pairs nor single colours": (
        experiment(**COLOR, **BAYES, color_pairs=[], single_colors=[]),
        "experiments.X.color_pairs: expected a list of cases, got none",
    ),
    "an empty condition that was never learned": (
        experiment(**POSITION, background={"model": "cluttered", "condition": "empty"}),
        "experiments.X.background.condition: expected a model that also learns from empty scenes",
    ),
    "unconditional without dropout": (
        {"training": {"condition_dropout": 0}},
        "experiments.B.conditionals: expected a model that can be unconditional",
    ),
    "noise levels the wrong way round": (
        {"sampling": {"sigma_min": 90, "sigma_max": 80}},
        "sampling.sigma_min: expected less than sampling.sigma_max = 80, got 90",
    ),
    "an unknown detector dataset": (
        {"detector": {"dataset": "nowhere"}},
        "detector.dataset: expected a name under datasets",
    ),
    "all images held out": (
        {"detector": {"holdout": 20}},
        "detector.holdout: expected less than the 20 images",
    ),
    "a number of objects of conditions and models": (
        experiment(
            **{**POSITION, **BAYES, "num_composed": None}, models=["single"], num_objects=[1]
        ),
        "experiments.X.num_objects: expected num_composed instead, because model single has",
    ),
    "an unknown model beside conditionals": (
        experiment(**POSITION, **BAYES, models=["nobody"]),
        "experiments.X.models: expected a name under models",
    ),
    "weights that forget the models": (
        experiment(**POSITION, models=["single"], operator={"name": "average", "weights": [1]}),
        "experiments.X.operator.weights: expected a number, or one for each of 3 composed",
    ),
    "nothing to compose": (
        experiment(num_objects=[1], num_samples=4, operator="average"),
        "experiments.X.conditionals: expected conditionals, models or both, got neither",
    ),
    "an unknown model of a mixture": (
        experiment(models=["single", "nobody"], num_objects=[1], num_samples=4, operator="average"),
        "experiments.X.models: expected a name under models",
    ),
    "places of unconditional models": (
        experiment(models=["single"], num_composed=[1], num_samples=4, operator="average"),
        "experiments.X.num_composed: expected num_objects instead, because models are uncondit",
    ),
    "two kinds of cases": (
        experiment(**POSITION, **BAYES, location_pairs="all"),
        "experiments.X.location_pairs: expected one kind of cases, got num_composed and location",
    ),
    "a place with itself": (
        experiment(**{**POSITION, **BAYES, "num_composed": None}, location_pairs=[[2, 2]]),
        "experiments.X.location_pairs: expected two different places, got [2, 2]",
    ),
    "bayes of unconditional models": (
        experiment(models=["single"], num_objects=[1], num_samples=4, operator="bayes"),
        "experiments.X.conditionals: expected a model for operator bayes, got models",
    ),
    "an average over a background": (
        experiment(
            **POSITION, operator="average", background={"model": "single", "condition": "empty"}
        ),
        "experiments.X.background: expected none, because operator average takes no background",
    ),
    "a control that is the background": (
        {"experiments": {"A": {"control": {"model": "single", "condition": "empty"}}}},
        "experiments.A.control: expected another model of the background than background",
    ),
    "weights of another number": (
        {"experiments": {"A": {"operator": {"name": "product", "weights": [1, 1]}}}},
        "experiments.A.operator.weights: expected a number, or one for each of 0 composed",
    ),
    "weights without a start": (
        experiment(**POSITION, operator={"name": "simple_product", "weights": [1, -1]}),
        "experiments.X.operator.weights: expected a positive sum",
    ),
    "an average of nothing": (
        experiment(**{**POSITION, "num_composed": [0, 1]}, operator="average"),
        "experiments.X.operator: expected product or bayes where nothing is composed, got average",
    ),
    "a lift too many": (
        experiment(
            **POSITION,
            operator={"name": "superposition_and", "lift": [1, 2]},
            sampling={"sampler": "sde"},
        ),
        "experiments.X.operator.lift: expected 1 numbers or none, got 2",
    ),
    "guidance over nothing": (
        experiment(
            **POSITION,
            operator={"name": "superposition_and", "guidance": 2},
            sampling={"sampler": "sde"},
        ),
        "experiments.X.background: expected a model and a condition, because operator "
        "superposition_and needs a background, got nothing",
    ),
    "guidance of nothing": (
        experiment(
            **{**POSITION, "num_composed": [0, 1]},
            background={"model": "single", "condition": "empty"},
            operator={"name": "superposition_or", "guidance": 2},
            sampling={"sampler": "sde"},
        ),
        "experiments.X.operator: expected product or bayes where nothing is composed, got "
        "superposition_or",
    ),
    "noise levels of one experiment the wrong way round": (
        experiment(**POSITION, **BAYES, sampling={"sigma_max": 0.001}),
        "experiments.X.sampling.sigma_min: expected less than experiments.X.sampling.sigma_max",
    ),
    "a window the wrong way round": (
        {"sampling": {"corrector": {"name": "mala", "sigma_min": 3, "sigma_max": 2}}},
        "sampling.corrector.sigma_min: expected less than its sigma_max = 2, got 3",
    ),
    "a window without noise levels": (
        {"sampling": {"corrector": {"name": "mala", "sigma_max": 0.001}}},
        "sampling.corrector.sigma_min: expected a window with a noise level of the path in it, "
        "but for the first (nearest: 0.01 and",
    ),
    "a window between two levels of 18 steps from 20 to 0.01": (
        {"sampling": {"corrector": {"name": "mala", "sigma_min": 4.5, "sigma_max": 6}}},
        "sampling.corrector.sigma_min: expected a window with a noise level of the path in it, "
        "but for the first (nearest: 6.109 and 4.388), got 4.5 to 6",
    ),
    "a window with the first level alone": (
        {"sampling": {"corrector": {"name": "mala", "sigma_min": 18}}},
        "sampling.corrector.sigma_min: expected a window with a noise level of the path in it",
    ),
    "a swarm's window the wrong way round": (
        {"sampling": {"sampler": "sde", "swarm": {"sigma_min": 3, "sigma_max": 2}}},
        "sampling.swarm.sigma_min: expected less than its sigma_max = 2, got 3",
    ),
    "a swarm's window between two levels": (
        {"sampling": {"sampler": "sde", "swarm": {"sigma_min": 4.5, "sigma_max": 6}}},
        "sampling.swarm.sigma_min: expected a window with a noise level of the path in it, but "
        "for the first (nearest: 6.109 and 4.388), got 4.5 to 6: the swarm would never be weighed",
    ),
    "a swarm's window below the path": (
        {"sampling": {"sampler": "sde", "swarm": {"sigma_max": 0.001}}},
        "sampling.swarm.sigma_min: expected a window with a noise level of the path in it, but "
        "for the first (nearest: 0.01 and 0.02148), got 0 to 0.001",
    ),
    "a swarm's window in an experiment of its own": (
        experiment(**POSITION, **BAYES, sampling={"sampler": "sde", "swarm": {"sigma_min": 18}}),
        "experiments.X.sampling.swarm.sigma_min: expected a window with a noise level",
    ),
    "a corrector that runs only above the swarm's window": (
        experiment(
            **POSITION,
            **BAYES,
            sampling={
                "swarm": {"sigma_max": 1},
                "corrector": {"name": "langevin", "sigma_min": 2},
            },
        ),
        "experiments.X.sampling.swarm: expected a sampler that injects noise (sde, ancestral) or a "
        "corrector, because copies of a particle stay copies, got heun and a corrector above the "
        "swarm's window; set sampler to sde",
    ),
    "a corrector of a single step": (
        {"sampling": {"num_steps": 1, "corrector": "mala"}},
        "sampling.num_steps: expected at least 2 with a corrector or a swarm",
    ),
    "a filter without an unconditional model": (
        {
            "training": {"condition_dropout": 0},
            "experiments": {
                **dict.fromkeys(KNOWN["experiments"]),
                "X": {**KNOWN["experiments"]["A"], "sampling": {"complift": {}}},
            },
        },
        "experiments.X.sampling.complift: expected a model that can be unconditional",
    ),
    "a sweep of which nothing goes together": (
        {"sweeps": {"S": {**SWEEP, "operators": {"and": "superposition_and"}}}},
        "sweeps.S.samplers: expected one that is compatible with an operator, got none",
    ),
    "a member with an experiment's name": (
        {
            "sweeps": {"S": SWEEP},
            "experiments": {"S-b-heun": {**POSITION, **BAYES}},
        },
        "sweeps.S (operator b, sampler heun): expected experiments of different names, got "
        "S-b-heun from it and from experiments.S-b-heun; rename one of them",
    ),
    "a sweep with an experiment's name": (
        {"sweeps": {"A": SWEEP}},
        "sweeps.A: expected another name than an experiment's or its exact twin's, got A; rename",
    ),
    "a name of a sweep's part that is no file name": (
        {"sweeps": {"S": {**SWEEP, "samplers": {"a b": {}}}}},
        "sweeps.S.samplers: expected names of letters, digits, _ and -, got 'a b'",
    ),
    "a dataset's colour twice": (
        {"datasets": {"single": {"colors": ["red", "red"]}}},
        "datasets.single.colors: expected every entry once, got red twice",
    ),
    "a dataset's size twice": (
        {"datasets": {"single": {"sizes": ["small", "small"]}}},
        "datasets.single.sizes: expected every entry once, got small twice",
    ),
    "a place where a dataset's own size shows too little": (
        {
            "scene": {"sizes": ["large"]},
            "places": {"far": [[0.574, 0.246]]},
            "datasets": {"single": {"places": "far", "sizes": ["small"]}},
        },
        "datasets.single.places: expected places where objects show at least",
    ),
    "two sweeps with a member of one name": (
        {
            "sweeps": {
                "a": {**SWEEP, "operators": {"b-c": "bayes"}, "samplers": {"d": {}}},
                "a-b": {**SWEEP, "operators": {"c": "bayes"}, "samplers": {"d": {}}},
            }
        },
        "sweeps.a-b (operator c, sampler d): expected experiments of different names, got a-b-c-d "
        "from it and from sweeps.a (operator b-c, sampler d)",
    ),
    "two members of one sweep": (
        {
            "sweeps": {
                "S": {
                    **SWEEP,
                    "operators": {"b": "bayes", "b-c": "bayes"},
                    "samplers": {"c-d": {}, "d": {}},
                }
            }
        },
        "sweeps.S (operator b-c, sampler d): expected experiments of different names, got S-b-c-d",
    ),
    "a name longer than a file's": (
        {"datasets": {"d" * 201: {"num_images": 10, "min_objects": 0, "max_objects": 0}}},
        "datasets: expected names of at most 200 letters",
    ),
    "names that are too long together": (
        {"sweeps": {"S" * 150: {**SWEEP, "samplers": {"h" * 150: {}}}}},
        f"sweeps.{'S' * 150} (operator b, sampler {'h' * 150}): expected names that together",
    ),
    "the same number of places twice": (
        {"experiments": {"A": {"num_composed": [2, 2]}}},
        "experiments.A.num_composed: expected every entry once, got 2 twice",
    ),
    "more objects than a true composition can hold": (
        {
            "experiments": {
                "X": {
                    "models": ["single"],
                    "operator": "average",
                    "num_objects": [1, 18],
                    "num_samples": 4,
                }
            }
        },
        "experiments.X.num_objects: expected at most 14 objects, which is what fits",
    ),
    "two colours where one object fits": (
        {
            "scene": {"extent": 0.1},
            "datasets": dict.fromkeys(["cluttered", "counting"])
            | {"two": {"num_images": 10, "min_objects": 1, "max_objects": 1}},
            "models": {"cluttered": None},
            "experiments": {"C": None},
            "detector": {"dataset": "two"},
        },
        "experiments.colors.color_pairs: expected at most 1 objects",
    ),
    "a detector that sees no object": (
        {"detector": {"dataset": "empty"}},
        "detector.dataset: expected a dataset with objects, got empty (max_objects 0)",
    ),
    "pictures too small for the detector": (
        {"resolution": 8},
        "resolution: expected at least 16, which the detector's network needs, got 8",
    ),
    "a project's name that wandb does not take": (
        {"wandb": {"enabled": True, "project": "a/b:c"}},
        "wandb.project: expected a name of 1 to 128 printable characters",
    ),
    "colours that the model never saw": (
        {"scene": {"colors": ["red", "gray"]}},
        "experiments.colors.color_pairs: expected colours that colored learns (gray, red), got "
        "blue; list pairs of these",
    ),
    "a single colour that the model never saw": (
        {
            "datasets": {"colored": {"colors": ["red", "blue"]}},
            "experiments": {"colors": {"single_colors": ["green"]}},
        },
        "experiments.colors.single_colors: expected colours that colored learns (red, blue), got "
        "green; list some of these",
    ),
    "all colours, of which the model saw some": (
        {
            "datasets": {"colored": {"colors": ["red", "gray"]}},
            "experiments": {"colors": {"color_pairs": "all"}},
        },
        "experiments.colors.color_pairs: expected colours that colored learns (gray, red), got all",
    ),
    "a network of too many channels": (
        {"network": {"channels": 4096, "multipliers": [1, 2, 4]}},
        "network.channels: expected at most 8,192 channels at any level, got 16,384",
    ),
    "a model's own network that does not halve so often": (
        {"models": {"single": {"network": {"multipliers": [1] * 7}}}},
        "resolution: expected a multiple of 64, because models.single.network.multipliers has 7",
    ),
    "a model's own network without the level that attends": (
        {"models": {"single": {"network": {"multipliers": [1]}}}},
        "models.single.network.attention_resolutions: expected some of [32], the sides of the",
    ),
    "an exact model with a network": (
        {
            "models": {
                "cluttered": {
                    "datasets": {"cluttered": None},
                    "images_seen": None,
                    "exact": "cluttered",
                    "network": {"channels": 8},
                }
            }
        },
        "models.cluttered.network: expected none, because models.cluttered is exact, got one",
    ),
    "a window of churn that never opens": (
        {"sampling": {"sampler": {"name": "heun", "churn": 0.2, "churn_min": 50, "churn_max": 1}}},
        "sampling.sampler.churn_min: expected at most churn_max = 1, got 50",
    ),
    "a name of 6,000 signs": (
        {"datasets": {"a b" * 2000: {"num_images": 10, "min_objects": 0, "max_objects": 0}}},
        "datasets: expected names of letters, digits, _ and -, got 'a ba ba b",
    ),
    "more pixels than any object shows": (
        {"scene": {"min_visible_pixels": 40_000}},
        "scene.min_visible_pixels: expected at most 1",
    ),
    "more shards than five digits number": (
        {"render": {"shard_size": 1}, "datasets": {"single": {"num_images": 100_001}}},
        "render.shard_size: expected at most 100,000 shards of a dataset, got 100,001 of",
    ),
    "no experiments": (
        {"experiments": dict.fromkeys(KNOWN["experiments"])},
        "experiments: expected at least one experiment",
    ),
}


@pytest.mark.parametrize("name", IMPOSSIBLE)
def test_an_impossible_combination_names_its_key(name: str) -> None:
    change, expected = IMPOSSIBLE[name]
    with pytest.raises(ConfigError) as caught:
        load(known(change))
    message = str(caught.value)
    assert message.startswith(f"config: {expected}"), message
    assert "\n" not in message
    assert len(message) < 800


def test_a_corrector_at_the_greatest_level_of_a_swarms_window_parts_its_copies() -> None:
    parts = {
        "swarm": {"sigma_min": 0.5, "sigma_max": 6.2},  # 6.109 is in it, and the corrector's least
        "corrector": {"name": "langevin", "sigma_min": 6},
    }
    load(known(experiment(**POSITION, **BAYES, sampling=parts)))


@pytest.mark.parametrize("platform", ["darwin", "win32", "linux"])
def test_capitals_make_no_other_name_where_the_file_system_does_not_see_them(
    platform: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    change = known({"datasets": {"Single": KNOWN["datasets"]["single"]}})
    if platform == "linux":
        assert "Single" in load(change).config.datasets
        return
    with pytest.raises(ConfigError, match="differ not only in capitals, got single, Single"):
        load(change)


def test_the_default_config_fits_together() -> None:
    assert problems(Run(Config())) == []


def test_further_problems_are_counted() -> None:
    with pytest.raises(ConfigError, match=r"\(and 1 more\)$"):
        load(known({"sampling": {"sigma_min": 90}, "root": "my runs"}))


def test_a_background_of_its_own_is_unconditional_without_dropout() -> None:
    change = {
        "training": {"condition_dropout": 0},
        "models": {
            "background": {"datasets": {"empty": 1}, "condition": "none", "images_seen": 1000}
        },
        "experiments": {
            **dict.fromkeys(KNOWN["experiments"]),
            "X": {
                **POSITION,
                "background": {"model": "background", "condition": "unconditional"},
            },
        },
    }
    assert load(known(change)).config.experiments["X"].background is not None


def test_a_change_of_a_dataset_that_is_gone_says_so() -> None:
    with pytest.raises(ConfigError) as caught:
        load({"datasets": {"colored": {"num_images": 500}}})
    assert "the demo has no dataset colored any more" in str(caught.value)
