"""Gaps of log-densities, of samples whose lines are written here."""

import json
from pathlib import Path

import numpy as np
import pytest

from projcomp.data.images import write_samples
from projcomp.errors import FileFormatError
from projcomp.evaluation.tables.densities import COLUMNS, table
from projcomp.folder import Folder
from projcomp.settings.case import Case
from projcomp.settings.report import TableSettings

COUNT, LEVELS = 6, 3
SETTINGS = {"sampling": {"sigma_max": 10.0, "sigma_min": 0.1, "densities": {"num_levels": LEVELS}}}
CASE = Case(name="k2", locations=[(0.2, 0.2), (0.8, 0.8)])


def lines() -> np.ndarray:
    """Gaps of 2 and 4 nats on the two lines at the least level, 0 above it; constants beside."""
    found = np.full((COUNT, 2, LEVELS, 2), -500.0)
    found[:, 0, -1, 1] += 2
    found[:, 1, -1, 1] += 4
    return found


def made(tmp_path: Path, measured: dict[str, np.ndarray], settings: dict) -> TableSettings:
    path = Path(Folder(str(tmp_path)).samples("both", "k2"))
    path.parent.mkdir(parents=True)
    images = np.zeros((COUNT, 16, 16, 3), np.uint8)
    write_samples(path, images, CASE, {"settings": json.dumps(settings)}, measured)
    return TableSettings(
        format=1, seed=1, name="densities", kind="densities", cases={"both": ["k2"]},
        confidence=0.95, bootstrap=200,
    )  # fmt: skip


def test_the_gap_is_of_the_mean_over_lines_and_its_error_of_their_difference(tmp_path) -> None:
    log_q = np.full((COUNT, 2), 7.0)
    log_q[:, 0] += 0.5
    settings = made(tmp_path, {"line_log_q": lines(), "log_q": log_q}, SETTINGS)
    found = table(settings, Folder(str(tmp_path)))
    assert list(found.columns) == COLUMNS
    assert found["sigma"].tolist() == pytest.approx([10.0, 1.0, 0.1])
    assert found["gap"].tolist() == [0.0, 0.0, 3.0]
    assert found["error"].tolist() == pytest.approx([0.0, 0.0, 1.0])  # sqrt(2) over sqrt(2) lines
    assert found["followed"].isna().tolist() == [True, True, False]
    assert found["followed"].iloc[-1] == 0.5


def test_lines_that_disagree_about_the_sign_have_an_error_and_no_gap(tmp_path) -> None:
    """A difference of +100 on one line and of -100 on the other: 100 for the mean's error."""
    found = np.zeros((COUNT, 2, LEVELS, 2))
    found[:, 0, -1, 1], found[:, 1, -1, 1] = 100.0, -100.0
    least = table(made(tmp_path, {"line_log_q": found}, SETTINGS), Folder(str(tmp_path))).iloc[-1]
    assert (least["gap"], least["error"]) == (0.0, pytest.approx(100.0))


def test_what_followed_nothing_has_the_gap_alone(tmp_path) -> None:
    found = table(made(tmp_path, {"line_log_q": lines()}, SETTINGS), Folder(str(tmp_path)))
    assert found["followed"].isna().all()


@pytest.mark.parametrize(
    ("measured", "settings"), [({}, SETTINGS), ({"line_log_q": lines()}, {"sampling": {}})]
)
def test_samples_without_lines_are_one_clear_line(measured, settings, tmp_path) -> None:
    with pytest.raises(FileFormatError, match=r"k2\.h5: expected log-densities along lines"):
        table(made(tmp_path, measured, settings), Folder(str(tmp_path)))
