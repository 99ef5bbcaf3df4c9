"""Real dry runs of Snakemake after a change of the config: the exact set of jobs."""

from driver import Job
from known_config import KNOWN

DATASETS, MODELS = set(KNOWN["datasets"]), set(KNOWN["models"])
SAMPLED = {"A/k0", "A/k2", "B/k2", "C/k2", "colors/red-blue"}
TRUE = {"k0", "k2", "red-blue"}
COUNTED = SAMPLED | {f"truth/{case}" for case in TRUE}

OF_THE_SUMMARY = {"counts", "rates"}
OF_COUNTED_IMAGES = {
    "grid_A",
    "grid_B",
    "grid_C",
    "grid_truth",
    "pairs_colors",
    "pairs_truth",
    "unconditional",
}
OF_IMAGES_ALONE = {"overlap"}
GALLERIES = {"gallery_A", "gallery_B", "gallery_C", "gallery_colors", "gallery_truth"}
PROJECTED = {"projection_A", "projection_B", "projection_C"}
DISTANT, MEMORISED = {"distance_A", "distance_B"}, {"memorised_A", "memorised_B"}
OF_PLACES = PROJECTED | DISTANT | MEMORISED
"""Tables of experiments at places; the truth is not what C should make."""

OVER_K = {"confusion", "leaderboard"}
OF_TABLES = {"interaction_colors"} | OVER_K
OF_MODELS, OF_THE_DETECTOR = {"denoising"}, {"detector"}
OF_THE_TRUTH_ALONE = {"grid_truth", "gallery_truth", "pairs_truth"}
OF_COUNTS = OF_THE_SUMMARY | OF_COUNTED_IMAGES | GALLERIES | OF_TABLES
DRAWN_OF_PLACES = PROJECTED | DISTANT | {"memorised"}
ALL_FIGURES = OF_COUNTS | DRAWN_OF_PLACES | OF_IMAGES_ALONE | OF_MODELS | OF_THE_DETECTOR
"""But for the exact experiments', which have their own tests below."""

DETECTOR: set[Job] = {("train_detector", "")}
SUMMARIZE: set[Job] = {("summarize", "")}
TABLES_OF_COLORS: set[Job] = {("make_table", "interaction_colors"), ("make_table", "pairs_colors")}
TABLES_OVER_K: set[Job] = {("make_table", name) for name in OVER_K}
LEADERBOARD: set[Job] = {("make_table", "leaderboard"), ("draw_figure", "leaderboard")}
COLORS_AND_TRUTH: set[Job] = {
    ("make_table", "projection_colors"),
    ("make_table", "distance_colors"),
}
PAIRS_OF_THE_TRUTH: set[Job] = {("make_table", "pairs_truth")}
CLUTTER: set[Job] = {("make_table", "clutter")}
PLAYGROUND: set[Job] = {("playground", "")}


def jobs(rule: str, names: set[str]) -> set[Job]:
    return {(rule, name) for name in names}


def drawn(names: set[str]) -> set[Job]:
    """Tables with the figures that draw them: one each, and one of all that is memorised."""
    return jobs("make_table", names) | jobs("draw_figure", figures_of(names))


def figures_of(tables: set[str]) -> set[str]:
    return {"memorised" if name.startswith("memorised") else name for name in tables}


def of_places(experiment: str) -> set[str]:
    return {f"{kind}_{experiment}" for kind in ("projection", "distance", "memorised")}


def test_nothing_runs_again_when_nothing_changed(planned_after: dict[str, set[Job]]) -> None:
    assert planned_after["nothing"] == set()


def test_operational_settings_run_nothing_again(planned_after: dict[str, set[Job]]) -> None:
    assert planned_after["operational"] == set()


def test_a_training_setting_renders_nothing(planned_after: dict[str, set[Job]]) -> None:
    assert planned_after["learning_rate"] == (
        jobs("train_model", MODELS)
        | jobs("check_model", MODELS)
        | jobs("sample_case", SAMPLED)
        | jobs("evaluate_case", SAMPLED)
        | SUMMARIZE
        | TABLES_OF_COLORS
        | COLORS_AND_TRUTH
        | jobs("make_table", OF_PLACES)
        | TABLES_OVER_K
        | jobs("draw_figure", ALL_FIGURES - OF_THE_TRUTH_ALONE - OF_THE_DETECTOR)
    )


def test_a_new_case_samples_that_case_only(planned_after: dict[str, set[Job]]) -> None:
    assert planned_after["new_case"] == (
        {("sample_case", "A/k3"), ("render_reference", "k3")}
        | jobs("evaluate_case", {"A/k3", "truth/k3"})
        | SUMMARIZE
        | drawn(of_places("A"))
        | TABLES_OVER_K
        | jobs("draw_figure", {"counts", "rates", "grid_A", "grid_truth", "overlap"} | OVER_K)
        | jobs("draw_figure", {"gallery_A", "gallery_truth"})
    )


def test_an_exact_twin_trains_nothing_and_samples_itself_alone(
    planned_after: dict[str, set[Job]],
) -> None:
    twin = {"A-exact/k0", "A-exact/k2"}
    assert planned_after["twin"] == (
        jobs("sample_case", twin)
        | jobs("evaluate_case", twin)
        | drawn({"ceiling_A", *of_places("A-exact")})
        | SUMMARIZE
        | jobs("draw_figure", {"counts", "rates", "grid_A-exact", "overlap"})
        | TABLES_OVER_K
        | jobs("draw_figure", {"unconditional", "gallery_A-exact"} | OVER_K)
    )


def test_a_larger_dataset_renders_the_new_shards_only(planned_after: dict[str, set[Job]]) -> None:
    sampled = {"A/k0", "A/k2", "B/k2"}
    assert planned_after["larger_dataset"] == (
        jobs("render_shard", {"single/00002", "single/00003"})
        | jobs("index_dataset", {"single"})
        | jobs("preview_dataset", {"single"})
        | jobs("train_model", {"single"})
        | jobs("check_model", {"single"})
        | jobs("sample_case", sampled)
        | jobs("evaluate_case", sampled)
        | SUMMARIZE
        | drawn(of_places("A") | of_places("B"))
        | PLAYGROUND
        | jobs("draw_figure", {"counts", "rates", "grid_A", "grid_B", "overlap"})
        | TABLES_OVER_K
        | jobs("draw_figure", {"unconditional", "denoising", "gallery_A", "gallery_B"} | OVER_K)
    )


def test_the_radius_counts_again_only(planned_after: dict[str, set[Job]]) -> None:
    assert planned_after["radius"] == (
        jobs("evaluate_case", COUNTED)
        | SUMMARIZE
        | TABLES_OF_COLORS
        | TABLES_OVER_K
        | PAIRS_OF_THE_TRUTH
        | CLUTTER
        | {("make_table", "distance_colors")}  # which says what is doubted, as was counted
        | drawn(OF_PLACES)
        | jobs("draw_figure", OF_COUNTS)
    )


def test_the_locality_is_measured_of_what_is_there(planned_after: dict[str, set[Job]]) -> None:
    assert planned_after["locality"] == (
        jobs("measure_locality", MODELS) | jobs("draw_figure", {"locality"})
    )


def test_the_detector_renders_and_samples_nothing(planned_after: dict[str, set[Job]]) -> None:
    assert planned_after["detector"] == (
        DETECTOR
        | jobs("evaluate_case", COUNTED)
        | SUMMARIZE
        | TABLES_OF_COLORS
        | {("make_table", "distance_colors")}  # whose features are the detector's
        | TABLES_OVER_K
        | PAIRS_OF_THE_TRUTH
        | drawn(OF_PLACES)
        | jobs("draw_figure", OF_COUNTS | OF_THE_DETECTOR)
    )


def test_one_experiment_does_not_touch_the_others(planned_after: dict[str, set[Job]]) -> None:
    assert planned_after["samples"] == (
        jobs("sample_case", {"colors/red-blue"})
        | jobs("evaluate_case", {"colors/red-blue"})
        | SUMMARIZE
        | TABLES_OF_COLORS
        | COLORS_AND_TRUTH
        | jobs("draw_figure", {"counts", "rates", "pairs_colors", "interaction_colors"})
        | jobs("draw_figure", {"gallery_colors"})
        | LEADERBOARD
    )


def test_a_sweep_samples_its_members_only(planned_after: dict[str, set[Job]]) -> None:
    sampled = {"S-p-heun/k2", "S-p-sde/k2"}
    assert planned_after["sweep"] == (
        jobs("sample_case", sampled)
        | jobs("evaluate_case", sampled)
        | SUMMARIZE
        | jobs("make_table", {"sweep_S", "distance_S"})
        | jobs("draw_figure", {"counts", "rates", "sweep_S"})
        | LEADERBOARD
    )


def test_a_sampler_of_one_experiment_touches_no_other(planned_after: dict[str, set[Job]]) -> None:
    assert planned_after["sampler"] == (
        jobs("sample_case", {"B/k2"})
        | jobs("evaluate_case", {"B/k2"})
        | SUMMARIZE
        | drawn(of_places("B"))
        | TABLES_OVER_K
        | jobs("draw_figure", {"counts", "rates", "grid_B", "overlap", "gallery_B"} | OVER_K)
    )


def test_a_theory_setting_runs_theory_only(planned_after: dict[str, set[Job]]) -> None:
    assert planned_after["theory_samples"] == (
        jobs("theory_experiment", {"backgrounds"}) | jobs("draw_figure", {"theory_backgrounds"})
    )


def test_a_theory_experiment_more_runs_that_one_only(planned_after: dict[str, set[Job]]) -> None:
    assert planned_after["more_theory"] == (
        jobs("theory_experiment", {"rotations"}) | jobs("draw_figure", {"theory_rotations"})
    )


def test_a_render_setting_runs_everything_but_exact_experiments_again(
    planned_after: dict[str, set[Job]],
) -> None:
    assert planned_after["cycles_samples"] == {
        (rule, name)
        for rule, name in planned_after["from_nothing"]
        if rule != "theory_experiment" and not name.startswith("theory_")
    }
