"""What each stage's settings hold, the cases, the figures, and the plan of a run."""

import json
import shlex
from typing import Any

import pytest
from known_config import known

from projcomp.config.root import Config
from projcomp.config.section import Section
from projcomp.plan import stages
from projcomp.plan.cases import all_color_pairs
from projcomp.plan.figures import figures
from projcomp.plan.load import load, merge
from projcomp.plan.plan import Plan
from projcomp.scenes.locations import default_locations
from projcomp.settings.stages import to_json

ALL = {"num_composed": [0, 1, 2, 3, 4]}
RUN = load(known({"experiments": {"A": ALL, "B": ALL, "C": ALL, "colors": {"color_pairs": "all"}}}))


def changed(change: dict[str, Any]) -> Config:
    return load(merge(RUN.config.model_dump(mode="json"), change))


def test_all_28_pairs_of_colours() -> None:
    pairs = all_color_pairs()
    assert len(pairs) == len({frozenset(pair) for pair in pairs}) == 28


def test_a_location_case_asks_for_the_first_places() -> None:
    (case,) = [RUN.cases["A"]["k3"]]
    assert case.locations == [tuple(point) for point in default_locations()[:3].tolist()]
    assert case.num_composed == 3
    assert case.colors == []


def test_k0_asks_for_nothing() -> None:
    case = RUN.cases["A"]["k0"]
    assert (case.name, case.locations, case.colors) == ("k0", [], [])


def test_the_truth_has_every_case_once() -> None:
    names = list(RUN.truth)
    assert len(names) == len(set(names)) == 5 + 28
    assert RUN.cases["truth"] == RUN.truth


def test_shard_settings_do_not_know_the_number_of_images() -> None:
    larger = changed({"datasets": {"single": {"num_images": 400}}})
    assert Plan(larger).render_settings("single") == Plan(RUN).render_settings("single")
    assert len(Plan(larger).shards("single")) == 40


def test_training_settings_leave_out_what_does_not_change_the_result() -> None:
    how = {"threads": 7, "device": "cpu", "checkpoint_minutes": 9, "log_images": 1}
    how |= {"devices": 2, "nodes": 2, "microbatch": 8}
    other = changed({"compute": {"training": how}, "wandb": {"enabled": True}})
    text = Plan(other).train_settings("single")
    assert text == Plan(RUN).train_settings("single")
    assert not set(how) & set(json.loads(text)["training"])
    options = Plan(other).training_options()
    flags = dict(zip(*[iter(shlex.split(options))] * 2, strict=True))
    assert how.items() <= json.loads(flags["--compute"]).items()
    assert json.loads(flags["--wandb"])["enabled"]


def test_training_settings_hold_what_does() -> None:
    for key, value in {"learning_rate": 0.5, "precision": "fp32", "average_updates": 9}.items():
        other = Plan(changed({"training": {key: value}})).train_settings("single")
        assert other != Plan(RUN).train_settings("single")
        assert json.loads(other)["training"][key] == value


@pytest.mark.parametrize(
    "settings",
    [
        stages.render_settings(RUN, "single"),
        stages.train_settings(RUN, "single"),
        stages.detector_settings(RUN),
        stages.sample_settings(RUN, "A", list(RUN.cases["A"])[2]),
        stages.evaluate_settings(RUN, "A", list(RUN.cases["A"])[2]),
        stages.reference_settings(RUN, next(iter(RUN.cases["colors"]))),
        stages.summary_settings(RUN),
        stages.theory_settings(RUN, "backgrounds"),
        figures(RUN)["grid_A"].settings,
    ],
)
def test_settings_survive_json(settings: Section) -> None:
    assert type(settings).model_validate_json(to_json(settings)) == settings


def test_bayes_takes_its_own_unconditional_model() -> None:
    settings = stages.sample_settings(RUN, "B", list(RUN.cases["B"])[1])
    assert settings.background.model == settings.conditionals == "single"
    assert settings.background.condition == "unconditional"


def test_sampling_waits_for_its_own_models_only() -> None:
    plan = Plan(RUN)
    assert plan.models_of("C") == [
        "models/cluttered/weights.safetensors",
        "models/cluttered/model.json",
    ]


def test_every_path_lies_under_the_root() -> None:
    plan = Plan(changed({"root": "runs/x/"}))
    paths = [*plan.targets(), *plan.counted(), *plan.shards("single"), *plan.models_of("A")]
    assert all(path.startswith("runs/x/") and "//" not in path for path in paths)
    assert RUN.folder.index("single") == "data/single.h5"


def test_figures_of_the_default_run() -> None:
    names = figures(RUN)
    assert len(names) == len(set(names))
    grids = {"grid_A", "grid_B", "grid_C", "grid_truth"}
    four = {"samples4_A", "samples4_B", "samples4_C", "samples4_truth"}
    rest = {"counts", "rates", "pairs_colors", "pairs_truth", "unconditional"}
    galleries = {f"gallery_{name}" for name in ("A", "B", "C", "colors", "truth")}
    projected = {f"projection_{name}" for name in ("A", "B", "C")}
    # the rendered truth is not what C should make
    true = {"distance_A", "distance_B", "memorised"}
    rest |= galleries | projected | true | {"confusion", "leaderboard"}
    assert set(names) == grids | four | rest | {
        "overlap",
        "denoising",
        "detector",
        "interaction_colors",
        "theory_backgrounds",
    }


def test_figures_follow_the_experiments() -> None:
    without = {"A": None, "B": None, "C": None}
    only = changed({"experiments": without, "theory": {"experiments": []}})
    names = set(figures(only))
    shown = {"pairs_colors", "pairs_truth", "interaction_colors"}
    shown |= {"gallery_colors", "gallery_truth"}
    assert names == shown | {"denoising", "detector"}


def test_a_figure_reads_what_it_shows() -> None:
    plan = Plan(RUN)
    assert plan.figure_inputs("counts") == ["results/summary.csv", "results/clutter.csv"]
    without_clutter = Plan(changed({"experiments": {"C": None}}))
    assert without_clutter.figure_inputs("counts") == ["results/summary.csv"]
    assert "models/single/check.csv" in plan.figure_inputs("denoising")
    assert plan.figure_inputs("theory_backgrounds") == ["results/theory/backgrounds.csv"]
    detector = [f"models/detector/{name}.csv" for name in ("check", "reliability")]
    assert plan.figure_inputs("detector") == detector
    assert plan.figure_inputs("samples4_B") == ["samples/B/k4.h5", "results/B/k4.csv"]
    controls = Plan(changed({"experiments": {"colors": {"single_colors": ["red"]}}}))
    samples = ["samples/colors/red.h5", "samples/truth/red.h5"]
    assert controls.figure_inputs("rgb_colors") == [*samples, "data/empty.h5"]
    overlap = plan.figure_inputs("overlap")
    assert overlap[:2] == ["samples/A/k2.h5", "samples/A/k3.h5"]
    images = [f"samples/{name}/k0.h5" for name in ("A", "B", "C", "truth")]
    assert plan.figure_inputs("unconditional")[:4] == images


def test_a_figures_settings_change_with_its_own_cases_only() -> None:
    more = Plan(changed({"experiments": {"A": {"num_composed": [0, 1, 2, 3, 4, 5]}}}))
    before = Plan(RUN)
    same = {n for n in before.figures if before.figure_settings(n) == more.figure_settings(n)}
    of_places = {"projection_A", "distance_A", "memorised", "gallery_A"}
    over_k = {"counts", "rates", "overlap", "confusion", "leaderboard"}
    changed_ones = of_places | over_k | {"grid_A", "grid_truth", "gallery_truth"}
    assert set(before.figures) - same == changed_ones
