"""Requested against found, and methods side by side, from results whose answers are known."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from projcomp.evaluation.evaluate import COLUMNS
from projcomp.evaluation.make_table import make_table
from projcomp.evaluation.summary import summarize
from projcomp.evaluation.tables import distance
from projcomp.evaluation.tables.confusion import right_counts
from projcomp.folder import Folder
from projcomp.settings.case import TRUTH
from projcomp.settings.report import Clutter, Method, TableSettings
from projcomp.settings.stages import SummarySettings

CLUTTER = Clutter(datasets={"cluttered": 1.0}, counts=[0, 0.5, 0.25, 0.25])
RUNS = {
    # experiment: objects found in each image, places hit in each, evaluations
    "good": ([2, 2, 2, 2, 2, 2, 2, 2], [2] * 8, 100),
    "cheap": ([2, 2, 2, 2, 2, 2, 2, 2], [2] * 8, 50),
    "near": ([2, 2, 2, 2, 2, 2, 2, 3], [2] * 8, 100),
    "bad": ([0, 0, 0, 0, 1, 1, 1, 2], [0, 0, 0, 0, 1, 1, 1, 2], 100),
    "perfect": ([2, 2, 2, 2, 2, 2, 2, 1], [2] * 7 + [1], 0),
    "C": ([3, 3, 3, 3, 2, 2, 2, 2], [2] * 7 + [1], 100),
    TRUTH: ([2, 2, 2, 2, 2, 2, 2, 2], [2] * 8, None),
}


FAR = {
    ("near", "composed", "frechet_raw"): 3.0,
    ("near", "composed", "frechet"): 0.5,
    ("near", "composed", "coverage"): 0.9,
    ("cheap", "composed", "frechet"): 7.0,
    ("truth", "truth", "frechet"): 0.25,
}
"""What the table of distances of a sweep says, of which the leaderboard has one member."""


CHECK = """num_objects,images,exact_count,one_less,one_more,all_found,some_false
0,200,1,0,0,1,0
1,200,0.98,0.01,0.01,0.99,0.01
2,200,0.9,0.05,0.05,0.95,0.05
3,200,0.9,0.05,0.05,0.95,0.05
"""
"""The errors of the detector that has counted."""


def write(folder: Folder, experiment: str) -> Path:
    found, hit, cost = RUNS[experiment]
    table = pd.DataFrame({"num_objects": found, "num_hit": hit}).assign(
        experiment=experiment, case="k2", num_composed=2, network_evaluations=cost
    )
    table["exact_count"] = (table["num_objects"] == 2).astype(int)
    table["all_places"] = (table["num_hit"] == 2).astype(int)
    table["success"] = table["exact_count"] * table["all_places"]
    table["extra_objects"] = table["num_objects"] - table["num_hit"]
    path = Path(folder.counted(experiment, "k2"))
    path.parent.mkdir(parents=True)
    table.reindex(columns=pd.Index(COLUMNS)).to_csv(path, index=False)
    return path


def method(experiment: str) -> Method:
    return Method(
        operator="product",
        background="none",
        sampler="heun 18",
        kind="exact" if experiment == "perfect" else "network",
        model="one",
        places="grid",
        stream="shared" if experiment in ("cheap", "near") else experiment,
    )


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, pd.DataFrame]:
    """The tables of the known results, by kind."""
    folder = Folder(str(tmp_path_factory.mktemp("run")))
    paths = [write(folder, experiment) for experiment in RUNS]
    cases = {experiment: ["k2"] for experiment in RUNS}
    chosen = SummarySettings(seed=0, confidence=0.95, bootstrap=100, cases=cases)
    check = Path(folder.root) / "check.csv"
    check.write_text(CHECK)
    summarize(paths, chosen, Path(folder.summary()), check)
    far = pd.DataFrame({"case": "k2", "num_composed": 2, "value": FAR.values()})
    far[["experiment", "subject", "measure"]] = list(FAR)
    far = far.assign(low=far["value"] - 0.1, high=far["value"] + 0.2)
    far.reindex(columns=pd.Index(distance.COLUMNS)).to_csv(
        folder.table("distance_toys"), index=False
    )
    found = {}
    for kind in ("confusion", "leaderboard"):
        settings = TableSettings(
            format=1,
            name=kind,
            kind=kind,
            seed=0,
            confidence=0.95,
            bootstrap=100,
            cases=cases,
            clutter={"C": CLUTTER},
            methods={experiment: method(experiment) for experiment in RUNS if experiment != TRUTH},
            distances={"near": "toys"},
        )
        make_table(kind, settings, Path(folder.root), Path(folder.table(kind)))
        found[kind] = pd.read_csv(folder.table(kind))
    found["summary"] = pd.read_csv(folder.summary()).set_index("experiment")
    return found


def test_every_image_is_in_one_cell_and_the_law_that_is_right_beside_it(made) -> None:
    table = made["confusion"].set_index(["experiment", "found"])
    assert table.loc["bad", "images"].tolist() == [4, 3, 1, 0]
    assert table.loc["bad", "share"].tolist() == [0.5, 0.375, 0.125, 0]
    assert table.loc["bad", "expected"].tolist() == [0, 0, 1, 0]
    assert table.loc["C", "images"].tolist() == [0, 0, 4, 4]
    # p(2) 2!/2^2 against p(3) 3!/3^2, as p(n) n!/((n - k)! n^k) says
    assert table.loc["C", "expected"].tolist() == pytest.approx([0, 0, 3 / 7, 4 / 7], abs=1e-5)
    assert (table["share_low"] <= table["share"]).all()
    assert (table["share"] <= table["share_high"]).all()
    assert (table.groupby("experiment")["images"].sum() == 8).all()


def test_no_law_is_right_beyond_what_clutter_holds() -> None:
    assert np.isnan(right_counts(4, 5, CLUTTER.counts)).all()
    assert right_counts(1, 2, None).tolist() == [0, 1, 0]


def test_equal_methods_have_one_rank_and_what_cannot_be_told_apart_is_tied(made) -> None:
    table = made["leaderboard"].set_index("experiment")
    networks = table[(table["kind"] == "network") & (table["right"] == "k objects")]
    assert networks["rank"].to_dict() == {"cheap": 1, "good": 1, "near": 3, "bad": 4}
    assert networks["behind"].to_dict() == {"cheap": 0, "good": 0, "near": 0.125, "bad": 0.875}
    assert networks["tied"].to_dict() == {"cheap": 1, "good": 1, "near": 1, "bad": 0}
    # the best is the cheaper of the two, with which one other shares its noise
    assert networks["paired"].to_dict() == {"cheap": 1, "good": 0, "near": 1, "bad": 0}
    assert table.loc["near", "behind_low"] < 0 < table.loc["near", "behind_high"]


def test_a_distance_stands_beside_the_rank_where_there_is_one(made) -> None:
    table = made["leaderboard"].set_index("experiment")
    names = ["distance", "distance_low", "distance_high"]
    assert table.loc["near", names].tolist() == pytest.approx([0.5, 0.4, 0.7])
    assert table.drop(index="near")[names].isna().all(axis=None)


def test_exact_models_clutter_and_the_truth_are_ranked_apart(made) -> None:
    table = made["leaderboard"].set_index("experiment")
    assert table.loc[["perfect", "C"], "rank"].tolist() == [1, 1]
    over = table.loc["C"]
    assert over[["right", "score", "all_places"]].tolist() == ["clutter", "all_places", 0.875]
    assert np.isnan(over["success"])  # k objects and nothing else are not what is right there
    assert over["right_mean_count"] == pytest.approx(18 / 7, rel=1e-5)
    assert over["right_exact_count"] == pytest.approx(3 / 7, rel=1e-5)
    truth = table.loc[TRUTH]
    assert truth["places"] == "grid"
    assert np.isnan(truth["rank"])
    assert truth["success"] == 1


def test_rates_corrected_for_the_detectors_errors_are_the_summarys(made) -> None:
    table, told = made["leaderboard"].set_index("experiment"), made["summary"]
    for rate in ("exact_count", "all_places"):
        corrected = [f"{rate}_corrected{end}" for end in ("", "_low", "_high")]
        assert told[corrected].notna().all(axis=None)
        pd.testing.assert_frame_equal(
            table[corrected].sort_index(), told.loc[table.index, corrected].sort_index()
        )
        assert (told[rate] != told[corrected[0]]).any()
