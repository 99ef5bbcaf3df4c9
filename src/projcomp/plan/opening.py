"""What the report opens with: what this run was, and its headline numbers, as reStructuredText."""

import csv
import re
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from projcomp.plan.overview import describe
from projcomp.plan.plan import Plan
from projcomp.settings.case import TRUTH
from projcomp.settings.report import DOUBTED

Row = dict[str, str]

_TABLE = """\
.. list-table::
   :header-rows: 1

"""


class Opening:
    """The opening of a plan's run, made when it is read: a dry run has one, and reads none."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan

    def __str__(self) -> str:
        return opening(self._plan)


def opening(plan: Plan) -> str:
    """The first page of the report; without numbers where there are none yet.

    Every number stands in ``results/summary.csv``, where rates over several cases are their mean,
    in ``results/leaderboard.csv``, ``results/classes.csv`` or ``results/prompts.csv``.
    """
    lines = [f"* {_plain(line)}" for line in describe(plan)]
    parts = [_intro(plan), "\n".join(lines)]
    if plan.counts:
        level = f"{100 * plan.config.evaluation.confidence:g} %"
        parts += [
            "**Headline numbers.** Success is the share of images with everything that was "
            "requested and nothing else, by the detector's count; its errors are in the row "
            "*ground truth*, the best that can be measured. *Unsure* are images that it doubts, "
            f"whose counts are guesses. In brackets: {level} Wilson intervals of single cases.",
            _numbers_or_none(plan),
            *_leaders_or_none(plan),
        ]
    for table, headline in _HEADLINES.items():
        if table in plan.tables:
            parts += [headline.told, _means_or_none(plan, table, headline)]
    return "\n\n".join(parts)


def _intro(plan: Plan) -> str:
    """What was done with the samples, as far as this run does it."""
    done = []
    if plan.counts:
        done.append(
            "The samples were counted, and set beside the ground truth, which was rendered."
        )
    if "classes" in plan.tables:
        done.append("Samples of pictures from files were classified, and set beside the pictures.")
    if "prompts" in plan.tables:
        judge = plan.config.evaluation.judge
        scored = f", and scored against these by {_plain(judge.label)}" if judge else ""
        done.append(f"Pictures were sampled of pipelines told prompts{scored}.")
    first = "This report shows one run of projcomp: distributions were composed and sampled."
    return " ".join([first, *done])


class _Headline(NamedTuple):
    """What is told of a table that has a row per case and measure."""

    told: str
    measures: dict[str, str]
    together: bool = False
    """Whether a row ``all`` stands for an experiment's cases."""


_HEADLINES = {
    "classes": _Headline(
        "**Classes.** Of all cases of each experiment together; the row *reference* is one half of "
        "the pictures against the other.",
        {"right": "right class", "total_variation": "total variation from the expected shares"},
        together=True,
    ),
    "prompts": _Headline(
        "**Prompts.** Means over the cases of each experiment: of a picture's prompts the least "
        "score, and network evaluations a picture.",
        {"least": "least score", "network_evaluations": "evaluations"},
    ),
}
"""By table."""


def _means_or_none(plan: Plan, table: str, headline: _Headline) -> str:
    path = Path(plan.folder.table(table))
    if not path.is_file():
        return f"There is no table *{table}* yet: the run is not complete."
    return _unless_unreadable(f"table *{table}*", lambda: _means(_read(path), headline))


def _means(rows: list[Row], headline: _Headline) -> str:
    """Per experiment the mean over its cases of each of the measures that it has."""
    found: dict[str, dict[str, list[float]]] = {}
    measures = headline.measures
    whole = {row["experiment"] for row in rows if headline.together and row["case"] == "all"}
    for row in rows:
        if row["experiment"] in whole and row["case"] != "all":
            continue
        of = found.setdefault(row["experiment"], {})
        if row["measure"] in measures:
            of.setdefault(row["measure"], []).append(float(row["value"]))
    table = [["experiment", *measures.values()]]
    for experiment, of in found.items():
        means = [sum(of[name]) / len(of[name]) if name in of else None for name in measures]
        table.append([_plain(experiment), *("" if one is None else f"{one:.3g}" for one in means)])
    return _listed(table)


def _numbers_or_none(plan: Plan) -> str:
    """The table; a line where there is no summary that can be read, which a run will make anew."""
    return _unless_unreadable("summary", lambda: _numbers(plan, _rows(plan)))


def _unless_unreadable(what: str, told: Callable[[], str]) -> str:
    """``told``, or a line where its file is none that it can read."""
    try:
        return told()
    except (OSError, ValueError, KeyError, TypeError, csv.Error):
        return f"The {what} cannot be read: run `snakemake` again."


def _leaders_or_none(plan: Plan) -> list[str]:
    """The best of every group of the leaderboard, with what is tied; nothing before it is there."""
    path = Path(plan.folder.table("leaderboard"))
    if "leaderboard" not in plan.tables or not path.is_file():
        return []
    told = _unless_unreadable("leaderboard", lambda: _leaders(_read(path)))
    return [told] if told else []


def _leaders(rows: list[Row]) -> str:
    groups: dict[tuple[str, str, str], dict[str, list[Row]]] = {}
    for row in rows:
        if row["rank"]:
            group = groups.setdefault((row["places"], row["right"], row["num_composed"]), {})
            group.setdefault(row["kind"], []).append(row)
    if not groups:
        return ""
    table = [["places", "what is right", "composed", "best exact model", "best network"]]
    for keys, kinds in groups.items():
        cells = [_best(kinds.get(kind, [])) for kind in ("exact", "network")]
        table.append([*map(_plain, keys), *cells])
    return (
        "**Leaderboard.** The best of every group by success, or by all places where clutter is "
        "what is right, and what cannot be told from it; the table *leaderboard* has all rows. A "
        "question mark: the detector is unsure of more than half of the images, and ranks by what "
        "it counts in them all the same."
        f"\n\n{_listed(table)}"
    )


def _listed(table: list[list[str]]) -> str:
    """A table of reStructuredText, its first row the head."""
    return _TABLE + "\n".join("   * - " + "\n     - ".join(cells) for cells in table)


def _best(rows: list[Row]) -> str:
    """The rows of rank 1 with their score, then those that are tied with them."""
    best = [row for row in rows if float(row["rank"]) == 1]
    if not best:
        return ""
    tied = [_doubted(row) for row in rows if row not in best and float(row["tied"])]
    names = ", ".join(map(_doubted, best))
    more = f"; tied: {', '.join(tied)}" if tied else ""
    return f"{_plain(names)} {float(best[0][best[0]['score']]):.0%}{_plain(more)}"


def _doubted(row: Row) -> str:
    """The experiment, with a mark where most of its images are doubted."""
    return row["experiment"] + " ?" * (float(row["unsure"] or 0) > DOUBTED)


def _plain(text: str) -> str:
    """``text`` without what reStructuredText reads."""
    return re.sub(r"([\\`*_|])", r"\\\1", text)


def _rows(plan: Plan) -> list[Row]:
    """The rows of the summary, none where there is no such file."""
    path = Path(plan.folder.summary())
    return _read(path) if path.is_file() else []


def _read(path: Path) -> list[Row]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _numbers(plan: Plan, rows: list[Row]) -> str:
    """Per experiment, success with the fewest and with the most conditions composed."""
    if not rows:
        return "There is no summary yet: the run is not complete."
    ends = ["fewest composed", "success", "unsure", "most composed", "success", "unsure"]
    head = ["experiment", "operator", *ends]
    table = [head]
    for name, experiment in plan.run.experiments.items():
        cells = _ends([row for row in rows if row.get("experiment") == name])
        if cells:
            table.append([_plain(name), _plain(experiment.config.operator.label), *cells])
    cells = _ends([row for row in rows if row.get("experiment") == TRUTH])
    if cells:
        table.append(["ground truth", "", *cells])
    if len(table) == 1:
        return "Nothing was composed: all cases are of the background alone."
    return _listed(table)


def _ends(rows: list[Row]) -> list[str]:
    """Number composed and rates, of the cases that compose fewest and of those that most."""
    by_size: dict[int, list[Row]] = {}
    for row in rows:
        if row.get("success") and int(row["num_composed"]) > 0:
            by_size.setdefault(int(row["num_composed"]), []).append(row)
    if not by_size:
        return []
    fewest, most = min(by_size), max(by_size)
    cells = [str(fewest), *_rates(by_size[fewest])]
    if most == fewest:
        return [*cells, "", "", ""]
    return [*cells, str(most), *_rates(by_size[most])]


def _rates(rows: list[Row]) -> tuple[str, str]:
    """Success with its interval, or as a mean of cases, and the share of unsure images."""
    mean, unsure = (
        sum(float(row[key]) for row in rows) / len(rows) for key in ("success", "unsure")
    )
    if len(rows) > 1:
        return f"{mean:.0%} (mean of {len(rows)} cases)", f"{unsure:.0%}"
    low, high = (float(rows[0][f"success_{end}"]) for end in ("low", "high"))
    return f"{mean:.0%} [{low:.0%}, {high:.0%}]", f"{unsure:.0%}"
