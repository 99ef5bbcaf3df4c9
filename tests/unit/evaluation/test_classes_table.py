"""The table of classes against samples whose classes and features are known."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from projcomp.errors import FileFormatError
from projcomp.evaluation.classified import Classified, read_classified, write_classified
from projcomp.evaluation.tables import classes
from projcomp.evaluation.tables.classes import ALL, COLUMNS, ITSELF, table
from projcomp.folder import REFERENCE, Folder
from projcomp.settings.case import Wanted
from projcomp.settings.report import TableSettings

VALUES = ["a", "b", "c", "d"]
CENTRES = 3 * np.eye(4, 6)


def classified(numbers: np.ndarray, seed: int, *, true: bool = False) -> Classified:
    """Pictures of some classes, told rightly, with features around a centre for each class.

    A published network tells nothing apart but the second half of the classes from the first.
    """
    rng = np.random.default_rng(seed)
    features = CENTRES[numbers] + rng.standard_normal((len(numbers), 6))
    known = numbers if true else np.empty(0, np.int64)
    published = CENTRES[2 * (numbers // 2)] + rng.standard_normal((len(numbers), 6))
    return Classified(VALUES, np.eye(4)[numbers], features, known, published)


@pytest.fixture
def found(tmp_path: Path) -> pd.DataFrame:
    return made(tmp_path, published="other")


EVEN = np.arange(400) % 4


def made(tmp_path: Path, **settings: str) -> pd.DataFrame:
    drawn = {
        ("good", "any"): classified(EVEN, 1),
        ("half", "any"): classified(EVEN % 2, 2),
        ("told", "b"): classified(np.array([1] * 190 + [2] * 10), 3),
    }
    return table_of(tmp_path, drawn, **settings)


def table_of(
    tmp_path: Path, drawn: dict[tuple[str, str], Classified], **settings: str
) -> pd.DataFrame:
    """The table of samples by experiment and case; a case named after a class asks for it."""
    folder = Folder(str(tmp_path))
    write_classified(Path(folder.classifier(REFERENCE)), classified(EVEN, 0, true=True))
    cases: dict[str, list[str]] = {}
    for (experiment, case), one in drawn.items():
        write_classified(Path(folder.classified(experiment, case)), one)
        cases.setdefault(experiment, []).append(case)
    shown = TableSettings(
        format=1,
        name="classes",
        kind="classes",
        seed=0,
        confidence=0.95,
        bootstrap=500,
        cases=cases,
        asked={value: [Wanted(told={"form": value})] for value in VALUES},
        label="form",
        **settings,
    )
    return table(shown, folder)


def one(found: pd.DataFrame, experiment: str, measure: str, value: str | None = None) -> pd.Series:
    rows = found[(found["experiment"] == experiment) & (found["measure"] == measure)]
    if value is not None:
        rows = rows[rows["class"] == value]
    assert len(rows) == 1
    return rows.iloc[0]


def test_shares_are_counted_with_wilsons_intervals(found: pd.DataFrame) -> None:
    assert list(found.columns) == COLUMNS
    share = one(found, "half", "share", "a")
    assert (share["value"], share["expected"], share["num_samples"]) == (0.5, 0.25, 400)
    assert share["low"] == pytest.approx(0.4512, abs=1e-4)  # Wilson: 200 of 400
    assert one(found, "half", "share", "c")["value"] == 0


def test_what_lacks_half_of_the_classes_is_far_and_what_lacks_none_is_not(found) -> None:
    assert one(found, "half", "total_variation")["value"] == 0.5
    assert one(found, "half", "total_variation")["p_value"] < 0.01
    assert one(found, "good", "total_variation")["value"] == 0
    assert one(found, ITSELF, "total_variation")["value"] == 0
    assert abs(one(found, ITSELF, "frechet")["value"]) < 0.2
    for measure in ("frechet_raw", "kernel"):
        assert one(found, "half", measure)["p_value"] < 0.01
        assert one(found, "good", measure)["p_value"] > 0.01
    assert one(found, "half", "frechet")["value"] > 10 * abs(one(found, "good", "frechet")["value"])
    assert one(found, "half", "coverage")["value"] < 0.7 < one(found, "good", "coverage")["value"]


def test_a_class_that_is_asked_for_is_held_against_that_class(found: pd.DataFrame) -> None:
    right = one(found, "told", "right")
    assert (right["class"], right["value"], right["expected"]) == ("b", 0.95, 1)
    assert one(found, "told", "total_variation")["value"] == pytest.approx(0.05)
    assert not ((found["experiment"] == "good") & (found["measure"] == "right")).any()


def test_a_published_networks_distances_stand_beside_and_are_its_own(found, tmp_path) -> None:
    """A set without one half of the classes is far in its features, one with all is not."""
    assert one(found, "half", "kernel_other")["p_value"] < 0.01
    assert one(found, "good", "kernel_other")["p_value"] > 0.01
    spread = [one(found, "told", f"diversity{end}")["value"] for end in ("_other", "")]
    assert spread[0] != spread[1]
    without = made(tmp_path)
    assert not without["measure"].str.contains("other").any()
    kept = found[~found["measure"].str.contains("other")].reset_index(drop=True)
    pd.testing.assert_frame_equal(without, kept)


def asking(counts: list[list[int]]) -> dict[tuple[str, str], Classified]:
    """Samples of an experiment whose cases ask for a class each: how many were of which."""
    return {
        ("told", VALUES[n]): classified(np.repeat(np.arange(4), of), n + 1)
        for n, of in enumerate(counts)
    }


def of_all(found: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(found[found["case"] == ALL])


def test_several_cases_are_judged_together_too_and_one_alone_is_not(tmp_path, found) -> None:
    assert of_all(found).empty
    counts = [[100, 0, 0, 0], [10, 90, 0, 0], [10, 0, 90, 0], [20, 0, 0, 80]]
    whole = of_all(table_of(tmp_path, asking(counts), published="other"))
    assert set(whole["num_samples"]) == {400}
    assert set(whole["experiment"]) == {"told"}
    shares = whole[whole["measure"] == "share"]
    assert shares["value"].tolist() == [0.35, 0.225, 0.225, 0.2]
    assert shares["expected"].tolist() == [0.25] * 4
    right = one(whole, "told", "right")
    assert (right["value"], right["expected"]) == (0.9, 1)
    assert right["low"] == pytest.approx(0.8667, abs=1e-4)  # Wilson: 360 of 400
    assert pd.isna(right["class"])
    far = one(whole, "told", "total_variation")
    assert far["value"] == pytest.approx(0.1)
    assert far["floor"] == 0  # as many of each were asked for: right ones are no others
    assert far["low"] < 0.1 < far["high"] < 0.15
    apart = {"frechet_raw", "frechet", "kernel", "diversity", "density", "coverage"}
    both = apart | {f"{measure}_other" for measure in apart}
    assert set(whole["measure"]) == {"share", "right", "total_variation", *both}


def test_all_cases_are_held_against_pictures_of_their_classes(tmp_path: Path) -> None:
    """Each alone is far from them; together they are not, of all classes or of some."""
    for number in (4, 2):
        counts = (100 * np.eye(4, dtype=int))[:number].tolist()
        whole = of_all(table_of(tmp_path, asking(counts)))
        shares = whole[whole["measure"] == "share"]
        right = [1 / number] * number + [0] * (4 - number)
        assert shares["expected"].tolist() == shares["value"].tolist() == right
        assert one(whole, "told", "total_variation")["value"] == 0
        assert one(whole, "told", "kernel")["p_value"] > 0.01
        assert one(whole, "told", "coverage")["value"] > 0.7


def test_no_case_stands_for_all_where_not_all_samples_are_measured(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(classes, "MOST", 80)
    whole = of_all(table_of(tmp_path, asking((100 * np.eye(4, dtype=int)).tolist())))
    assert one(whole, "told", "kernel")["p_value"] > 0.01


def test_cases_that_ask_for_no_class_are_held_against_all_pictures(tmp_path: Path) -> None:
    drawn = {("free", case): classified(EVEN, n) for n, case in enumerate(("x", "y"), 1)}
    whole = of_all(table_of(tmp_path, drawn))
    assert "right" not in set(whole["measure"])
    far = one(whole, "free", "total_variation")
    assert far["value"] == 0
    assert 0.01 < far["floor"] < 0.05  # of 800 draws
    assert one(whole, "free", "kernel")["p_value"] > 0.01


def test_published_features_are_kept_or_there_are_none(tmp_path: Path) -> None:
    given = classified(np.arange(8) % 4, 4)
    write_classified(tmp_path / "a.npz", given)
    again = read_classified(tmp_path / "a.npz").published
    assert again is not None
    assert again == pytest.approx(given.published, abs=1e-5)
    write_classified(tmp_path / "b.npz", replace(given, published=None))
    assert read_classified(tmp_path / "b.npz").published is None


def test_another_file_is_one_line(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", images=np.zeros(3))
    with pytest.raises(FileFormatError, match=r"got another file: run classify again"):
        read_classified(tmp_path / "a.npz")
    with pytest.raises(FileFormatError, match="got no file: run classify"):
        read_classified(tmp_path / "b.npz")
