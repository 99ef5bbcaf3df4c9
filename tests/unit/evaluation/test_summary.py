import io

import numpy as np
import pandas as pd
import pytest

from projcomp.errors import FileFormatError
from projcomp.evaluation.intervals import wilson
from projcomp.evaluation.summary import summarize
from projcomp.files.kinds import TABLES
from projcomp.files.outputs import check_output
from projcomp.settings.stages import SummarySettings

HEADER = (
    "experiment,case,num_composed,index,num_objects,num_hit,all_places,extra_objects,"
    "exact_count,colors,colors_hit,all_colors,success,network_evaluations,seconds,acceptance,"
    "effective_size,log_weight,accepted,unsure,outcome,objects,"
    "places_hit,place_distance\n"
)
A_K2 = """A,k2,2,0,2,2,1,0,1,red;blue,,,1,105,0.5,0.25,4,0.1,1,0,,,,
A,k2,2,1,3,2,1,1,0,red;blue;red,,,0,105,0.5,0.75,2,0.2,1,1,,,,
A,k2,2,2,1,1,0,0,0,red,,,0,105,0.5,0.5,3,0.3,0,0,,,,
A,k2,2,3,2,1,0,1,1,cyan;red,,,0,105,0.5,0.5,3,0.4,1,0,,,,
"""
A_K0 = """A,k0,0,0,0,,,0,1,,,,1,,,,,,,0,,,,
A,k0,0,1,1,,,1,0,red,,,0,,,,,,,0,,,,
"""
PAIR = """colors,red-blue,2,0,2,,,0,1,blue;red,2,1,1,,,,,,,0,,,,
colors,red-blue,2,1,2,,,1,1,red;red,1,0,0,,,,,,,1,,,,
"""


def settings(**changes):
    return SummarySettings(
        **{"seed": 0, "confidence": 0.9, "bootstrap": 500, "cases": {}, **changes}
    )


def write(tmp_path, **tables):
    paths = []
    for name, text in tables.items():
        paths.append(tmp_path / f"{name}.csv")
        paths[-1].write_text(HEADER + text)
    return paths


def summary(paths, out, **changes):
    summarize(paths, settings(**changes), out)
    return pd.read_csv(io.StringIO(out.read_text()), float_precision="round_trip")


def test_values_of_a_hand_made_table(tmp_path):
    (row,) = summary(write(tmp_path, k2=A_K2), tmp_path / "s.csv").to_dict("records")
    assert [row[c] for c in ("experiment", "case", "num_composed", "num_samples")] == [
        "A", "k2", 2, 4,
    ]  # fmt: skip
    assert row["mean_count"] == 2.0
    assert 1.0 < row["mean_count_low"] < 2.0 < row["mean_count_high"] < 3.0
    assert row["exact_count"] == 0.5
    assert (row["exact_count_low"], row["exact_count_high"]) == pytest.approx(
        wilson(2, 4, 0.9), abs=1e-5
    )
    assert row["all_places"] == 0.5
    assert row["extra_objects"] == 0.5
    assert 0 <= row["extra_objects_low"] < 0.5 < row["extra_objects_high"] <= 1
    for column in ("all_colors", "all_colors_low", "all_colors_high"):
        assert np.isnan(row[column])
    assert (row["success"], row["accepted"], row["unsure"]) == (0.25, 0.75, 0.25)
    costs = ("network_evaluations", "seconds", "acceptance", "effective_size")
    assert [row[cost] for cost in costs] == [105, 0.5, 0.5, 3.0]


def test_columns_are_in_the_promised_order(tmp_path):
    table = summary(write(tmp_path, k2=A_K2), tmp_path / "s.csv")
    measures = ("mean_count", "exact_count", "all_places", "places_hit", "place_distance")
    measures += ("extra_objects", "all_colors", "success", "accepted", "unsure")
    assert list(table.columns) == [
        "experiment", "case", "num_composed", "num_samples",
        *(f"{m}{end}" for m in measures for end in ("", "_low", "_high")),
        "network_evaluations", "seconds", "acceptance", "effective_size",
    ]  # fmt: skip


def test_what_is_not_asked_for_is_empty(tmp_path):
    table = summary(write(tmp_path, k0=A_K0, pair=PAIR), tmp_path / "s.csv")
    background, pair = table.to_dict("records")
    assert background["exact_count"] == background["success"] == 0.5
    for column in ("accepted", "network_evaluations", "acceptance"):
        assert np.isnan(background[column])
    assert np.isnan(background["all_places"])
    assert pair["all_colors"] == 0.5
    assert np.isnan(pair["all_places"])
    assert np.isnan(pair["all_places_low"])


def test_rows_are_sorted_with_the_truth_last(tmp_path):
    truth = A_K2.replace("A,", "truth,", 4)
    ten = A_K2.replace("k2,2", "k9,9")
    cases = {"t": truth, "p": PAIR, "ten": ten, "two": A_K2, "zero": A_K0}
    table = summary(write(tmp_path, **cases), tmp_path / "s.csv")
    assert list(table["experiment"] + " " + table["case"]) == [
        "A k0", "A k2", "A k9", "colors red-blue", "truth k2",
    ]  # fmt: skip


def test_a_row_does_not_depend_on_the_others(tmp_path):
    alone = summary(write(tmp_path, k2=A_K2), tmp_path / "a.csv")
    among = summary(write(tmp_path, k0=A_K0, k2=A_K2, p=PAIR), tmp_path / "b.csv")
    row = among[among["case"] == "k2"].reset_index(drop=True)
    pd.testing.assert_frame_equal(alone, row, check_dtype=False)


def test_same_tables_same_bytes(tmp_path):
    paths = write(tmp_path, k2=A_K2, k0=A_K0)
    summarize(paths, settings(), tmp_path / "a.csv")
    summarize(paths[::-1], settings(), tmp_path / "b.csv")
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "no such file"),
        ("", "No columns"),
        (HEADER, "no rows"),
        ("experiment,case\nA,k2\n", "no column num_composed"),
        (HEADER + A_K2 + A_K0, "2 cases"),
    ],
)
def test_broken_tables_are_one_line(tmp_path, text, message):
    path = tmp_path / "k2.csv"
    if text is not None:
        path.write_text(text)
    with pytest.raises(FileFormatError, match=message) as caught:
        summarize([path], settings(), tmp_path / "s.csv")
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "s.csv").exists()


def test_the_summary_begins_as_its_kind_says(tmp_path):
    summarize(write(tmp_path, k2=A_K2), settings(), tmp_path / "summary.csv")
    check_output(tmp_path / "summary.csv", TABLES["summarize"])


CHECK = """num_objects,images,exact_count,one_less,one_more,all_found,some_false
1,100,0.99,0.01,0.0,0.99,0.02
2,100,0.9,0.08,0.02,0.9,0.0
3,100,0.9,0.1,0.0,0.88,0.0
all,300,0.93,0.06,0.01,0.92,0.01
"""


def test_corrected_rates_stand_beside_the_raw_ones(tmp_path):
    check = tmp_path / "check.csv"
    check.write_text(CHECK)
    tables = write(tmp_path, k2=A_K2, k0=A_K0, pair=PAIR)
    summarize(tables, settings(), tmp_path / "s.csv", check)
    rows = pd.read_csv(tmp_path / "s.csv").set_index("case")
    # right: 90 of 100 with 2; said to be 2: 0 of 100 with 1, 10 of 100 with 3
    assert rows.loc["k2", "exact_count"] == 0.5
    assert rows.loc["k2", "exact_count_corrected"] == pytest.approx((0.5 - 0.05) / (0.9 - 0.05))
    assert rows.loc["k2", "all_places_corrected"] == pytest.approx((0.5 - 0.02) / (0.9 - 0.02))
    low, high = rows.loc["k2", ["exact_count_corrected_low", "exact_count_corrected_high"]]
    assert 0 <= low < rows.loc["k2", "exact_count_low"] < rows.loc["k2", "exact_count_high"] < high
    assert rows.loc["red-blue", ["exact_count_corrected"]].notna().all()
    assert rows.loc["red-blue", ["all_places_corrected"]].isna().all()
    # renders without objects are not in the check
    assert rows.loc["k0", ["exact_count_corrected", "exact_count_corrected_low"]].isna().all()


def test_the_truth_of_a_request_says_how_often_the_detector_overlooks_it(tmp_path):
    """Where objects stand apart it sees all, whatever it overlooks at random places."""
    check = tmp_path / "check.csv"
    check.write_text(CHECK)
    truth = A_K2.replace("A,k2", "truth,k2")
    assert truth != A_K2
    seen = pd.read_csv(io.StringIO(HEADER + truth)).assign(exact_count=1).to_csv(index=False)
    paths = write(tmp_path, k2=A_K2)
    paths.append(tmp_path / "truth.csv")
    paths[-1].write_text(seen)
    summarize(paths, settings(), tmp_path / "s.csv", check)
    rows = pd.read_csv(tmp_path / "s.csv").set_index("experiment")
    expected = (0.5 - 0.05) / (1 - 0.05)
    assert rows.loc["A", "exact_count_corrected"] == pytest.approx(expected, rel=1e-5)
    # the truth itself is held against the other renders
    assert rows.loc["truth", "exact_count_corrected"] == 1
    assert rows.loc["truth", "exact_count_corrected_low"] < 1
