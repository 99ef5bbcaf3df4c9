"""Real dry runs of Snakemake after a change of the config: the exact set of jobs."""

from driver import Job

ALL_FIGURES = {
    *("counts", "rates", "grid_A", "grid_B", "grid_C", "grid_truth"),
    *("pairs_colors", "pairs_truth", "rgb_colors", "interaction_colors", "unconditional"),
    *("detector", "denoising", "overlap"),
}
SAMPLED = {"A/k0", "A/k2", "B/k2", "C/k2", "colors/red-blue"}
TRUE = {"k0", "k2", "red-blue"}
SUMMARIZE: set[Job] = {("summarize", "")}
INTERACTION: set[Job] = {("tabulate", "interaction_colors")}


def jobs(rule: str, names: set[str]) -> set[Job]:
    return {(rule, name) for name in names}


def test_nothing_runs_again_when_nothing_changed(planned_after: dict[str, set[Job]]) -> None:
    assert planned_after["nothing"] == set()


def test_operational_settings_run_nothing_again(planned_after: dict[str, set[Job]]) -> None:
    assert planned_after["operational"] == set()


def test_a_training_setting_renders_nothing(planned_after: dict[str, set[Job]]) -> None:
    assert planned_after["learning_rate"] == (
        jobs("train_model", {"single", "cluttered", "colored"})
        | jobs("check_model", {"single", "cluttered", "colored"})
        | jobs("sample_case", SAMPLED)
        | jobs("evaluate_case", SAMPLED)
        | SUMMARIZE
        | INTERACTION
        | jobs("draw_figure", ALL_FIGURES - {"grid_truth", "pairs_truth", "detector"})
    )


def test_a_new_case_samples_that_case_only(planned_after: dict[str, set[Job]]) -> None:
    assert planned_after["new_case"] == (
        {("sample_case", "A/k3"), ("render_reference", "k3")}
        | jobs("evaluate_case", {"A/k3", "truth/k3"})
        | SUMMARIZE
        | jobs("draw_figure", {"counts", "rates", "grid_A", "grid_truth", "overlap"})
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
        | jobs("draw_figure", {"counts", "rates", "grid_A", "grid_B", "overlap"})
        | jobs("draw_figure", {"unconditional", "denoising"})
    )


def test_the_radius_counts_again_only(planned_after: dict[str, set[Job]]) -> None:
    truth = {f"truth/{name}" for name in TRUE}
    assert planned_after["radius"] == (
        jobs("evaluate_case", SAMPLED | truth)
        | SUMMARIZE
        | INTERACTION
        | jobs("draw_figure", ALL_FIGURES - {"rgb_colors", "overlap", "denoising", "detector"})
    )


def test_the_detector_renders_and_samples_nothing(planned_after: dict[str, set[Job]]) -> None:
    truth = {f"truth/{name}" for name in TRUE}
    assert planned_after["detector"] == (
        {("train_detector", "")}
        | jobs("evaluate_case", SAMPLED | truth)
        | SUMMARIZE
        | INTERACTION
        | jobs("draw_figure", ALL_FIGURES - {"rgb_colors", "overlap", "denoising"})
    )


def test_one_experiment_does_not_touch_the_others(planned_after: dict[str, set[Job]]) -> None:
    assert planned_after["samples"] == (
        jobs("sample_case", {"colors/red-blue"})
        | jobs("evaluate_case", {"colors/red-blue"})
        | SUMMARIZE
        | INTERACTION
        | jobs(
            "draw_figure", {"counts", "rates", "pairs_colors", "rgb_colors", "interaction_colors"}
        )
    )


def test_a_sweep_samples_its_members_only(planned_after: dict[str, set[Job]]) -> None:
    sampled = {"S-p-heun/k2", "S-p-sde/k2"}
    assert planned_after["sweep"] == (
        jobs("sample_case", sampled)
        | jobs("evaluate_case", sampled)
        | SUMMARIZE
        | jobs("tabulate", {"sweep_S"})
        | jobs("draw_figure", {"counts", "rates", "sweep_S"})
    )


def test_a_sampler_of_one_experiment_touches_no_other(planned_after: dict[str, set[Job]]) -> None:
    assert planned_after["sampler"] == (
        jobs("sample_case", {"B/k2"})
        | jobs("evaluate_case", {"B/k2"})
        | SUMMARIZE
        | jobs("draw_figure", {"counts", "rates", "grid_B", "overlap"})
    )


def test_a_theory_setting_runs_theory_only(planned_after: dict[str, set[Job]]) -> None:
    assert planned_after["theory_samples"] == (
        jobs("theory_experiment", {"backgrounds"}) | jobs("draw_figure", {"theory_backgrounds"})
    )


def test_a_theory_experiment_more_runs_that_one_only(planned_after: dict[str, set[Job]]) -> None:
    assert planned_after["more_theory"] == (
        jobs("theory_experiment", {"rotations"}) | jobs("draw_figure", {"theory_rotations"})
    )


def test_a_render_setting_runs_everything_again(planned_after: dict[str, set[Job]]) -> None:
    again = planned_after["cycles_samples"]
    shards = {"empty/00000", "cluttered/00000", "colored/00000"}
    shards |= {f"{name}/0000{number}" for name in ("single", "counting") for number in range(2)}
    assert jobs("render_shard", shards) | jobs("render_reference", TRUE) <= again
    assert jobs("draw_figure", ALL_FIGURES) <= again
    assert len(again) == 7 + 3 + 5 + 5 + 3 + 3 + 1 + 5 + 8 + 1 + 1 + 14
