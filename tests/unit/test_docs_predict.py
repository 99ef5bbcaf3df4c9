"""The page on predictions: what it and the page on the playground do with its pictures."""

import re
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from projcomp.cli import app

DOCS = Path(__file__).parents[2] / "docs"


def commands(page: str) -> list[str]:
    """What the page does with ``squares.npz``, without ``projcomp`` before it."""
    text = (DOCS / page).read_text(encoding="utf-8")
    return re.findall(r"^projcomp ([^#\n]*squares\.npz[^#\n]*)", text, re.MULTILINE)


@pytest.mark.parametrize("page", ["predict.md", "playground.md"])
def test_the_squares_of_the_page_are_made_and_read(
    page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    predict = (DOCS / "predict.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```python\n(.*?)```", predict, re.DOTALL)
    exec(block, {})
    (command,) = commands(page)
    done = CliRunner().invoke(app, command.split())
    assert done.exit_code == 0, done.output
    if page == "predict.md":
        table = pd.read_csv("pairs.csv")
        assert set(table["first"]) | set(table["second"]) == {"red", "green", "blue"}
        assert (table["success"] > 0.3).all()
    else:
        assert Path("page.html").stat().st_size > 10_000
