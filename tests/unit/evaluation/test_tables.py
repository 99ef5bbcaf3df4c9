"""Tables that set cases side by side, from hand-made results."""

import numpy as np
import pandas as pd
import pytest

from projcomp.config.scenes import SceneConfig
from projcomp.data.images import write_samples
from projcomp.data.index import build_index
from projcomp.data.picture import Picture
from projcomp.data.shards import write_shard
from projcomp.errors import ConfigError, FileFormatError
from projcomp.evaluation.evaluate import COLUMNS
from projcomp.evaluation.intervals import bootstrap_spearman
from projcomp.evaluation.make_table import KINDS, kind_module, make_table
from projcomp.evaluation.summary import summarize
from projcomp.plan.cases import color_case
from projcomp.scenes.placement import generate_scene_with_colors
from projcomp.scenes.vocabulary import COLORS
from projcomp.settings.report import TableSettings
from projcomp.settings.stages import SummarySettings

SIGMAS = np.array([10.0, 2.0, 0.5, 0.1, 0.0])


def settings(kind, cases, **changes):
    values = {"name": kind, "kind": kind, "seed": 0, "confidence": 0.9, "bootstrap": 400}
    return TableSettings(format=1, **{**values, "cases": cases, **changes})


def made(root, kind, cases, **changes):
    out = root / "results" / f"{kind}.csv"
    make_table(kind, settings(kind, cases, **changes), root, out)
    return pd.read_csv(out)


def write_table(root, experiment, case, **columns):
    path = root / "results" / experiment / f"{case}.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    table = pd.DataFrame({"experiment": experiment, "case": case, "num_composed": 2, **columns})
    table.reindex(columns=pd.Index(COLUMNS)).to_csv(path, index=False)
    return path


def write_pair(root, name, gram, success, share=(0.2, 0.5, 0.3)):
    """A pair with these inner products of its deltas, split over three levels."""
    gram = np.asarray(gram, dtype=float)
    recorded = np.stack([gram[None] * part for part in share], 1).repeat(len(success), 0)
    samples = root / "samples" / "pairs" / f"{name}.h5"
    images = np.zeros((len(success), 4, 4, 3), np.uint8)
    case = color_case(name.split("-"))
    write_samples(samples, images, case, {"sigmas": SIGMAS}, {"interaction": recorded})
    write_table(root, "pairs", name, index=range(len(success)), success=success)


def test_what_complift_accepts_stands_alone(tmp_path):
    judged = {"network_evaluations": 120, "index": range(4)}
    write_table(tmp_path, "A", "k2", **judged, success=[1, 1, 0, 0], accepted=[1, 0, 1, 0])
    write_table(tmp_path, "A", "k3", **judged, success=[1, 1, 0, 0], accepted=[0, 0, 0, 0])
    table = made(tmp_path, "selected", {"A": ["k2", "k3"]})
    some, none = table.to_dict("records")
    assert (some["num_accepted"], some["acceptance"], some["selected_success"]) == (2, 0.5, 0.5)
    assert some["network_evaluations_per_accepted"] == 240
    assert 0 < some["selected_success_low"] < 0.5 < some["selected_success_high"] < 1
    assert none["acceptance"] == 0
    assert np.isinf(none["network_evaluations_per_accepted"])
    assert np.isnan(none["selected_success"])
    assert "success" not in table.columns


def test_the_interaction_of_a_pair_is_a_cosine(tmp_path):
    write_pair(tmp_path, "red-blue", [[4, 3, 0.2], [3, 9, 0.4], [0.2, 0.4, 0.6]], [0, 0, 0, 1])
    write_pair(tmp_path, "red-green", [[4, -1, 0], [-1, 1, 0], [0, 0, 0.2]], [1, 1, 1, 1])
    write_pair(tmp_path, "blue-cyan", [[1, 0, 0], [0, 1, 0], [0, 0, 0]], [1, 0, 1, 1])
    table = made(tmp_path, "interaction", {"pairs": ["red-blue", "red-green", "blue-cyan"]})
    assert table["case"].tolist() == ["red-blue", "red-green", "blue-cyan", "all"]
    assert table["interaction"][:3].tolist() == pytest.approx([0.5, -0.5, 0])
    assert table["zero"][:3].tolist() == pytest.approx([0.3 / 6, 0, 0])
    assert table["error"][:3].tolist() == pytest.approx([0.1, 0.1, 0])
    # (3 - 0.2 - 0.4 + 0.6) / sqrt((4 - 0.4 + 0.6) (9 - 0.8 + 0.6))
    assert table["replaced"][0] == pytest.approx(3 / (4.2 * 8.8) ** 0.5, rel=1e-5)
    assert table["peak_sigma"][0] == 2.0
    assert table["success"][:3].tolist() == [0.25, 1, 0.75]
    assert (table["success_low"] <= table["success"])[:3].all()
    total = table.iloc[3]
    assert total["num_samples"] == 12
    assert total["spearman"] == pytest.approx(-1)
    assert total["spearman_low"] >= -1


def test_parts_of_either_sign_do_not_cancel_in_the_absolute_interaction(tmp_path):
    write_pair(tmp_path, "red-blue", [[4, 2], [2, 9]], [0, 0], share=(1.0, -1.0, 0.5))
    write_pair(tmp_path, "red-green", [[4, -1], [-1, 1]], [1, 1])
    table = made(tmp_path, "interaction", {"pairs": ["red-blue", "red-green"]})
    assert table["absolute"][:2].tolist() == pytest.approx([5.0, 1.0])
    assert table["absolute_spearman"][2] == pytest.approx(-1)
    assert table["spearman"][2] == pytest.approx(-1)


def test_without_a_control_there_is_no_zero(tmp_path):
    write_pair(tmp_path, "red-blue", [[4, 3], [3, 9]], [1, 0])
    table = made(tmp_path, "interaction", {"pairs": ["red-blue"]})
    assert table[["replaced", "zero", "error"]].isna().all(axis=None)
    assert np.isnan(table["spearman"][1])  # one pair has no rank correlation


def test_samples_without_an_interaction_are_named(tmp_path):
    path = tmp_path / "samples" / "pairs" / "red-blue.h5"
    write_samples(path, np.zeros((2, 4, 4, 3), np.uint8), color_case(["red", "blue"]), {})
    with pytest.raises(FileFormatError, match=r"red-blue\.h5: expected the interaction of two"):
        made(tmp_path, "interaction", {"pairs": ["red-blue"]})


def test_spearman_is_of_ranks():
    rng = np.random.default_rng(0)
    x = rng.normal(size=200)
    rho, low, high = bootstrap_spearman(x, np.exp(3 * x), 0.95, 200, rng=rng)
    assert (rho, low, high) == pytest.approx((1, 1, 1))
    from scipy.stats import spearmanr

    y = (x + rng.normal(size=200)).round()  # with ties
    rho, low, high = bootstrap_spearman(x, y, 0.95, 400, rng=rng)
    assert rho == pytest.approx(spearmanr(x, y).statistic)
    assert low < rho < high
    # the bootstrap's spread is near the asymptotic one
    assert high - low == pytest.approx(2 * 1.96 * (1 - rho**2) / 200**0.5, rel=0.4)
    assert np.isnan(bootstrap_spearman(x, np.ones(200), 0.95, 100, rng=rng)).all()


def test_few_pairs_tell_no_correlation_from_none():
    rng = np.random.default_rng(0)
    gaps, locality = np.array([0, 0, 0.5, 0]), np.array([0.1, 0.2, 0.9, 0.3])
    rho, low, high = bootstrap_spearman(locality, gaps, 0.95, 300, rng=rng)
    assert rho > 0.7
    assert (low, high) == (-1, 1)  # a quarter of all orders of these four agree as well
    assert bootstrap_spearman(np.arange(4), np.arange(4), 0.95, 300, rng=rng)[1:] == (-1, 1)
    assert bootstrap_spearman(np.arange(5), np.arange(5), 0.95, 300, rng=rng)[1] > 0


def test_a_sweep_joins_the_summary_with_its_names(tmp_path):
    costs = {"network_evaluations": 100, "seconds": 0.5}
    cheap = {"network_evaluations": 50, "seconds": 0.2}
    columns = {"index": range(4), "num_objects": 2, "exact_count": 1, "extra_objects": 0}
    paths = [
        write_table(tmp_path, "S-p-heun", "k2", success=[1, 1, 0, 0], **columns, **costs),
        write_table(tmp_path, "S-p-sde", "k2", success=[1, 1, 1, 0], **columns, **cheap),
        write_table(tmp_path, "other", "k2", success=[1, 1, 1, 0], **columns, **cheap),
    ]
    cases = {"S-p-heun": ["k2"], "S-p-sde": ["k2"]}
    rule = SummarySettings(seed=0, confidence=0.9, bootstrap=100, cases=cases)
    write_check(tmp_path)
    check = tmp_path / "models" / "detector" / "check.csv"
    summarize(paths, rule, tmp_path / "results" / "summary.csv", check)
    names = {"S-p-heun": ("p", "heun"), "S-p-sde": ("p", "sde")}
    table = made(tmp_path, "sweep", cases, members=names)
    assert table["sampler"].tolist() == ["sde", "heun"]
    assert table["success"].tolist() == [0.75, 0.5]
    assert table["network_evaluations"].tolist() == [50, 100]
    assert table["exact_count_corrected"].tolist() == [1, 1]
    assert (table["exact_count_corrected_low"] < 1).all()


def test_a_mixture_tells_shares_and_their_distance_from_uniform(tmp_path):
    chosen = ["red", "blue", "green", "cyan"]
    write_table(tmp_path, "half", "n1", index=range(80), exact_count=1, colors=["red", "blue"] * 40)
    write_table(tmp_path, "whole", "n1", index=range(80), exact_count=1, colors=chosen * 20)
    write_table(tmp_path, "none", "n1", index=range(3), exact_count=0, colors=None)
    cases = {"half": ["n1"], "whole": ["n1"], "none": ["n1"]}
    table = made(tmp_path, "mixture", cases, colors=chosen)
    value = table.set_index(["experiment", "measure"])["value"]
    assert value["half", "total_variation"] == pytest.approx(0.5)
    assert value["whole", "total_variation"] == 0
    assert value["half", "share_red"] == 0.5
    assert value["half", "share_gray"] == 0
    assert 0.02 < value["whole", "total_variation_of_uniform"] < 0.12
    assert value["none", "exact_count"] == 0
    assert ("none", "total_variation") not in value.index
    assert sum(value["half", f"share_{color}"] for color in COLORS) == pytest.approx(1)
    rows = table[table["measure"] == "share_red"]
    assert (rows["low"] < rows["value"]).all()
    assert (rows["value"] < rows["high"]).all()


def test_colours_outside_the_wanted_ones_count_as_distance(tmp_path):
    write_table(tmp_path, "X", "n1", index=range(4), exact_count=0, colors="red;gray")
    table = made(tmp_path, "mixture", {"X": ["n1"]}, colors=["red"])
    assert table.set_index("measure")["value"]["total_variation"] == pytest.approx(0.5)


def write_masks(root, name, masks, colors):
    """A dataset of single objects of these colours, seen at these pixels ``(N, H, W)``."""
    shard = root / "data" / name / "shard-00000.h5"
    scene = SceneConfig(min_visible_pixels=0)
    rng = np.random.default_rng(0)
    scenes = [generate_scene_with_colors(rng, scene, [color]) for color in colors]
    images = np.zeros((*masks.shape, 3), np.uint8)
    pictures = [(s, Picture(i, m)) for s, i, m in zip(scenes, images, masks, strict=True)]
    write_shard(
        shard,
        pictures,
        count=len(masks),
        size=masks.shape[:0:-1],  # width and height
        max_objects=1,
        settings={"dataset": name},
        attributes={"seed": 0, "shard": 0},
    )
    build_index([shard], root / "data" / f"{name}.h5")


def test_an_image_of_two_colours_has_one_of_four_outcomes(tmp_path):
    images = {
        "num_objects": [2, 3, 1, 1, 2, 2, 0],
        "colors_hit": [2, 2, 1, 0, 1, 0, 0],
        "success": [1, 0, 0, 0, 0, 0, 0],
    }
    write_table(tmp_path, "X", "red-blue", index=range(7), **images)
    write_table(tmp_path, "X", "red-green", index=range(7), **images)
    write_table(tmp_path, "X", "red", index=range(3), colors_hit=[1, 1, 0], success=[1, 0, 0])
    write_table(tmp_path, "X", "red-not-blue", index=range(2), colors_hit=[1, 0], success=[1, 0])
    requested = {"red-blue": ["red", "blue"], "red-green": ["red", "green"], "red": ["red"]}
    cases = {"X": ["red-blue", "red-green", "red", "red-not-blue"]}
    table = made(tmp_path, "pairs", cases, requested=requested).set_index("case")
    pair, rest = table.loc["red-blue"], ["both", "together", "one", "neither"]
    found = pair[["success", *rest, "mixed"]] * 7
    assert found.tolist() == pytest.approx([1, 2, 2, 1, 2, 1], rel=1e-5)
    assert pair[rest].sum() == pytest.approx(1, rel=1e-5)
    assert 0 < pair["both_low"] < pair["both"] < pair["both_high"] < 1
    alone = table.loc["red"]
    assert alone[["one", "neither", "success"]].tolist() == pytest.approx([2 / 3, 1 / 3, 1 / 3])
    assert alone[["second", "both", "together", "mixed", "apart"]].isna().all()
    avoiding = table.loc["red-not-blue"]
    assert avoiding["success"] == 0.5
    assert avoiding[["first", *rest]].isna().all()
    total = table.loc["all"]
    assert (total["num_samples"], total["both"]) == (14, pytest.approx(2 / 7, rel=1e-5))
    assert np.isnan(total["apart"])  # no dataset says how objects lie


def test_pairs_are_apart_where_no_pixel_shows_both_objects(tmp_path):
    masks = np.zeros((5, 2, 3), np.uint8)
    masks[0, 0], masks[1, 1] = 1, 1  # red: the first row; the second
    masks[2, 0, 0], masks[3, :, 2], masks[4] = 1, 1, 1  # blue: a corner; a column; green: all
    write_masks(tmp_path, "learned", masks, ["red", "red", "blue", "blue", "green"])
    columns = {"index": range(2), "num_objects": 2, "colors_hit": 2, "success": 1}
    requested = {f"red-{other}": ["red", other] for other in ("blue", "green", "cyan")}
    for name in requested:
        write_table(tmp_path, "X", name, **columns)
    asked = {"requested": requested, "datasets": {"learned": 0.5}}
    table = made(tmp_path, "pairs", {"X": list(requested)}, **asked).set_index("case")
    assert table["apart"][["red-blue", "red-green"]].tolist() == [0.25, 0]
    assert np.isnan(table["apart"]["red-cyan"])  # no picture has this colour
    assert table["apart"]["all"] == 0.125


def test_unknown_kinds_and_foreign_settings_are_refused(tmp_path):
    with pytest.raises(ConfigError, match="expected a kind among"):
        kind_module("nothing")
    with pytest.raises(ConfigError, match="table other: expected its settings"):
        make_table("other", settings("sweep", {}), tmp_path, tmp_path / "x.csv")
    assert {kind_module(kind).__name__.split(".")[-1] for kind in KINDS} == set(KINDS)


def ceiling(root, trained, exact, truth, **columns):
    """The table of one case, from the success of each image."""
    parts = {"A": trained, "A-exact": exact, "truth": truth}
    for name, success in parts.items():
        write_table(root, name, "k2", index=range(len(success)), success=success, **columns)
    write_check(root)
    return made(root, "ceiling", {name: ["k2"] for name in parts})


def write_check(root):
    """Of renders of two objects, 90 of 100 are counted right; of one and three 0 and 10 as two."""
    check = root / "models" / "detector" / "check.csv"
    check.parent.mkdir(parents=True, exist_ok=True)
    check.write_text(
        "num_objects,images,exact_count,one_less,one_more,all_found,some_false\n"
        "1,100,1,0,0,1,0.02\n2,100,0.9,0.1,0,0.9,0\n3,100,0.9,0.1,0,0.9,0\n"
    )


def test_what_the_composition_and_what_the_network_loses_add_up(tmp_path):
    table = ceiling(tmp_path, [1, 0, 0, 0], [1, 1, 1, 0], [1, 1, 1, 1, 1, 1])
    (row,) = table.to_dict("records")
    assert (row["case"], row["measure"], row["num_composed"]) == ("k2", "success", 2)
    assert (row["truth"], row["exact"], row["trained"]) == (1, 0.75, 0.25)
    assert row["composition_loss"] == 0.25
    assert row["network_loss"] == 0.5
    for loss in ("composition_loss", "network_loss"):
        assert row[f"{loss}_low"] < row[loss] < row[f"{loss}_high"]


def test_a_measure_that_a_case_does_not_have_is_left_out(tmp_path):
    table = ceiling(tmp_path, [1, 0], [1, 1], [1, 1], num_objects=2)
    assert set(table["measure"]) == {"success", "mean_count"}


def test_losses_corrected_for_the_detectors_errors_stand_below_the_raw_ones(tmp_path):
    write_check(tmp_path)
    cases = {}
    for name, right in (("A", 40), ("A-exact", 70), ("truth", 90)):
        outcome = (np.arange(100) < right).astype(int)
        write_table(tmp_path, name, "k2", index=range(100), success=outcome, exact_count=outcome)
        cases[name] = ["k2"]
    table = made(tmp_path, "ceiling", cases)
    assert table["measure"].tolist() == ["exact_count", "exact_count_corrected", "success"]
    raw, corrected, _ = table.to_dict("records")
    # of the truth of the same places it says so of 90 %, and of others of 5 %
    assert corrected["truth"] == 1
    gain = 0.9 - 0.05
    assert corrected["exact"] == pytest.approx((0.7 - 0.05) / gain, rel=1e-5)
    assert corrected["network_loss"] == pytest.approx(raw["network_loss"] / gain, rel=1e-5)
    width = {
        row["measure"]: row["network_loss_high"] - row["network_loss_low"]
        for row in (raw, corrected)
    }
    assert width["exact_count_corrected"] > width["exact_count"] / gain
    for loss in ("composition_loss", "network_loss"):
        assert corrected[f"{loss}_low"] < corrected[loss] < corrected[f"{loss}_high"]


def test_a_count_that_the_check_does_not_have_is_not_corrected(tmp_path):
    write_check(tmp_path)
    for name in ("A", "A-exact", "truth"):
        columns = {"index": range(4), "success": 1, "exact_count": 1, "num_composed": 9}
        write_table(tmp_path, name, "k9", **columns)
    table = made(tmp_path, "ceiling", {name: ["k9"] for name in ("A", "A-exact", "truth")})
    assert table["measure"].tolist() == ["exact_count", "success"]


def test_without_the_detectors_check_one_line_says_what_is_missing(tmp_path):
    for name in ("A", "A-exact", "truth"):
        write_table(tmp_path, name, "k2", index=range(4), success=1)
    with pytest.raises(FileFormatError, match=r"check\.csv.*train-detector"):
        made(tmp_path, "ceiling", {name: ["k2"] for name in ("A", "A-exact", "truth")})


def test_twins_of_other_numbers_of_samples_are_one_line(tmp_path):
    with pytest.raises(FileFormatError, match=r"expected as many samples as A has, 2, got 3"):
        ceiling(tmp_path, [1, 0], [1, 1, 1], [1, 1])


def test_over_several_cases_exact_and_trained_have_a_rank_correlation(tmp_path):
    cases = ["p1-p2", "p1-p3", "p2-p3", "p3-p4"]
    for number, case in enumerate(cases):
        for name, hits in (("A", number), ("A-exact", number + 1), ("truth", 5)):
            success = (np.arange(5) < hits).astype(int)
            write_table(tmp_path, name, case, index=range(5), success=success)
    write_check(tmp_path)
    table = made(tmp_path, "ceiling", dict.fromkeys(("A", "A-exact", "truth"), cases))
    total = table.iloc[-1]
    assert (total["case"], total["measure"], total["spearman"]) == ("all", "success", 1.0)
