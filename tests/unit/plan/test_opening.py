"""What the report opens with."""

from pathlib import Path

import pytest
from docutils.core import publish_parts
from known_config import FILED, known

from projcomp.plan.load import load
from projcomp.plan.opening import opening
from projcomp.plan.plan import Plan

SUMMARY = """experiment,case,num_composed,num_samples,success,success_low,success_high,unsure
A,k0,0,4,1,0.5,1,0
A,k2,2,4,0.75,0.3,0.954,0.5
B,k2,2,4,0,0,0.49,1
colors,red-blue,2,4,0.5,0.15,0.85,0.25
colors,red-green,2,4,0.25,0.05,0.7,0
truth,k2,2,10,0.9,0.6,0.98,0
"""

LEADERS = """places,num_composed,right,kind,rank,tied,experiment,score,success,unsure
grid,2,k objects,truth,,,truth,success,1,0
grid,2,k objects,exact,1,1,A-exact,success,1,0.5
grid,2,k objects,network,1,1,A,success,0.75,1
grid,2,k objects,network,2,1,B_,success,0.5,0.51
grid,2,k objects,network,3,0,S,success,0,1
grid,3,k objects,network,1,1,A,success,0.25,
"""


@pytest.fixture
def plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Plan:
    monkeypatch.chdir(tmp_path)
    return Plan(load(known()))


def html(text: str) -> str:
    """The text as the report shows it; a warning of docutils is an error."""
    strict = {"halt_level": 2, "report_level": 2}
    return publish_parts(text, writer="html5", settings_overrides=strict)["body"]


def test_it_says_what_was_run_and_that_there_are_no_numbers_yet(plan: Plan) -> None:
    page = html(opening(plan))
    assert "experiment A: product, 2 cases x 4 samples" in page
    assert "the run is not complete" in page


def test_its_numbers_are_the_summarys(plan: Plan) -> None:
    Path("results").mkdir()
    Path("results/summary.csv").write_text(SUMMARY)
    text = opening(plan)
    rows = [row.split("\n     - ") for row in text.split("   * - ")[1:]]
    found = {row[0]: row[1:] for row in rows}
    assert found["A"][:4] == ["product", "2", "75% [30%, 95%]", "50%"]
    assert found["B"][2] == "0% [0%, 49%]"
    assert found["colors"][2:4] == ["38% (mean of 2 cases)", "12%"]
    assert found["ground truth"][2] == "90% [60%, 98%]"
    assert "C" not in found  # which was not counted
    assert "<table" in html(text)


@pytest.mark.parametrize(
    "text", [b"experiment,case\nA,k2\n", b"\xff\xfe", SUMMARY.replace("k2,2,", "k2,2.5,").encode()]
)
def test_a_summary_of_another_kind_stops_nothing(plan: Plan, text: bytes) -> None:
    Path("results").mkdir()
    Path("results/summary.csv").write_bytes(text)
    said = html(opening(plan))
    assert "The summary cannot be read" in said or "Nothing was composed" in said


def test_names_are_no_markup(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    config = known()
    config["experiments"]["X_"] = config["experiments"]["B"]
    assert "experiment X_: bayes" in html(opening(Plan(load(config))))


def test_the_best_of_every_group_and_what_is_tied(plan: Plan) -> None:
    assert "Leaderboard" not in opening(plan)
    Path("results").mkdir()
    Path("results/leaderboard.csv").write_text(LEADERS)
    page = " ".join(html(opening(plan)).replace("<p>", " ").replace("</p>", " ").split())
    assert "A-exact 100%" in page
    assert "A ? 75%; tied: B_ ?" in page
    assert "A 25%" in page
    Path("results/leaderboard.csv").write_text(LEADERS.replace("rank", "runk"))
    assert "The leaderboard cannot be read" in opening(plan)


CLASSES = """experiment,case,measure,class,value
pairs,bar,right,bar,0.5
pairs,dot,right,dot,1
pairs,dot,share,dot,1
pairs,dot,total_variation,,0.5
pairs,all,right,,0.625
pairs,all,total_variation,,0.25
reference,,total_variation,,0.125
"""

PROMPTS = """experiment,case,measure,prompt,other,value
both,a,score,x,,30
both,a,least,,,20.5
both,b,least,,,21.5
"""

CLASSIFIER = {"dataset": "mine", "reference": "mine", "label": "form"}
CLASSIFIED = {**FILED, "evaluation": {"classifier": CLASSIFIER}}
PROMPTED = {
    "models": {"xl": {"pipeline": "xl"}},
    "experiments": {
        "both": {
            "conditionals": "xl",
            "operator": "average",
            "prompts": [["an otter", "a heron"]],
            "num_samples": 4,
            "sampling": {"sampler": "ancestral"},
        }
    },
    "evaluation": {"judge": {"name": "own", "file": "judge.py"}},
}


def alone(config: dict) -> Plan:
    nothing = {"datasets": {}, "sweeps": {}, "theory": {"experiments": []}}
    return Plan(load({**nothing, **config, "detector": {"dataset": "none"}}))


@pytest.mark.parametrize(
    ("config", "name", "table", "row", "told"),
    [
        (CLASSIFIED, "classes", CLASSES, ["pairs", "0.625", "0.25"], "were classified"),
        (PROMPTED, "prompts", PROMPTS, ["both", "21", ""], "scored against these by own"),
    ],
)
def test_what_is_not_rendered_is_told_by_its_own_numbers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, config: dict, name, table, row, told
) -> None:
    monkeypatch.chdir(tmp_path)
    plan = alone(config)
    text = opening(plan)
    assert told in text
    assert "the run is not complete" in html(text)
    for word in ("rendered", "counted", "detector", "Success"):
        assert word not in text
    Path("results").mkdir()
    Path(f"results/{name}.csv").write_text(table)
    text = opening(plan)
    assert "<table" in html(text)
    assert [cell.strip() for cell in text.split("   * - ")[2].split("\n     - ")] == row
    Path(f"results/{name}.csv").write_text(table.replace("value", "worth"))
    assert "cannot be read" in html(opening(plan))
