"""What a run has counted so far, from tables whose numbers are known."""

from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from projcomp.cli import app
from projcomp.errors import UserError
from projcomp.evaluation.evaluate import COLUMNS
from projcomp.evaluation.so_far import so_far
from projcomp.folder import Folder


def write(root: Path, experiment: str, case: str, count: int, **told: float) -> None:
    """A table of four images, one a success, two with the right count."""
    counted = {"success": [1, 0, 0, 0], "exact_count": [1, 0, 1, 0]}
    rows = {"index": range(4), "num_objects": count, **counted, **told}
    table = pd.DataFrame(rows).assign(experiment=experiment, case=case, num_composed=count)
    path = Path(Folder(str(root)).counted(experiment, case))
    path.parent.mkdir(parents=True, exist_ok=True)
    table.reindex(columns=COLUMNS).to_csv(path, index=False)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    write(tmp_path, "A", "k10", 10, unsure=0, all_places=1)
    write(tmp_path, "A", "k2", 2, unsure=0, all_places=1)
    write(tmp_path, "truth", "k2", 2, unsure=0, all_places=1)
    write(tmp_path, "colors", "red", 1, unsure=0)
    (tmp_path / "results/theory").mkdir()
    (tmp_path / "results/theory/repair.csv").write_text("panel,value\n")
    return tmp_path


def test_a_line_for_each_experiment_the_truth_last(root: Path) -> None:
    head, *lines = (line.split("  ") for line in so_far(Folder(str(root)), [], 0.95).split("\n"))
    assert [line[0] for line in lines] == ["A", "colors", "truth"]
    assert head[0] == "experiment"
    told = [cell.strip() for cell in lines[0] if cell]
    rates = ["0.25 [0.07, 0.59]", "1.00 [0.68, 1.00]", "0.50 [0.22, 0.78]", "0.00 [0.00, 0.32]"]
    assert told == ["A", "2 cases", "8", *rates, "6.00"]
    # places were not requested of colours
    assert [cell.strip() for cell in lines[1] if cell.strip()][1:3] == ["1 case", "4"]
    assert len([cell for cell in lines[1] if cell.strip()]) == 7


def test_a_line_for_each_case_of_what_is_named_by_number(root: Path) -> None:
    _, *lines = so_far(Folder(str(root)), ["A"], 0.95).split("\n")
    assert [line.split()[1] for line in lines] == ["k2", "k10"]
    assert "1.00 [0.51, 1.00]" in lines[0]


def test_what_is_not_there_is_one_line(root: Path, tmp_path_factory) -> None:
    with pytest.raises(UserError, match=r"experiment color: expected one .*colors, .*projcomp res"):
        so_far(Folder(str(root)), ["color"], 0.95)
    empty = str(tmp_path_factory.mktemp("empty"))
    found = CliRunner().invoke(app, ["results", "--root", empty])
    assert found.exit_code == 1
    assert found.output.startswith(f"error: {empty}: expected the folder of a run")
    assert found.output.count("\n") == 1


def test_the_command_tells_the_same(root: Path) -> None:
    found = CliRunner().invoke(app, ["results", "A", "--root", str(root)])
    assert found.output.rstrip("\n") == so_far(Folder(str(root)), ["A"], 0.95)
