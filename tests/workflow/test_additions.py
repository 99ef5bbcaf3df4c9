"""What docs/extending.md says of additions: made in a copy of the repository, counted and run."""

import sys
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from driver import REPOSITORY, Job, Workflow, planned
from made_up_results import write_results

from projcomp.folder import Folder
from projcomp.plan.load import load_files
from projcomp.plan.plan import Plan

pytestmark = pytest.mark.slow

SMOKE = "presets/smoke.yaml"
RUN = load_files([REPOSITORY / "config.yaml", REPOSITORY / SMOKE])
NUM_FIGURES, NUM_TABLES = len(Plan(RUN).figures), len(Plan(RUN).tables)
PARTS = ("src", "workflow", "envs", "profiles", "presets", "Snakefile", "config.yaml", "docs")
GENERATED = {"config.yaml", "docs/configuration.md", "workflow/schemas/config.schema.json"}
"""What `projcomp config write` writes."""

FIGURE = '''
"""Seconds per image against the number of composed locations."""

from matplotlib.figure import Figure

from projcomp.evaluation.summary import read_summary


def draw(settings, folder):
    figure = Figure()
    axes = figure.subplots()
    for experiment, cases in settings.cases.items():
        table = read_summary(folder, experiment, cases)
        axes.plot(table["num_composed"], table["seconds"], label=experiment)
    return figure
'''
FIGURE_ROW = """
FigureRow(
    "seconds",
    format=1,
    caption="Seconds per image.",
    shows=scope.against_k,
    reads=lambda _, folder: [folder.summary()],
),
"""
TABLE = '''
"""Network evaluations per success of every case of the sweeps."""

from projcomp.evaluation.summary import read_summary

COLUMNS = ["case", "price"]


def table(settings, folder):
    ((experiment, cases),) = settings.cases.items()
    found = read_summary(folder, experiment, cases)
    return found.assign(price=found["network_evaluations"] / found["success"])[COLUMNS]
'''
TABLE_ROW = """
TableRow(
    "price",
    format=1,
    caption="Network evaluations per success.",
    shows=lambda run: ((name, {"cases": {name: list(run.cases[name])}}) for name in run.own),
    reads=inputs.summary,
),
"""
TABLE_FIGURE = '''
"""Network evaluations per success."""

from matplotlib.figure import Figure

from projcomp.evaluation.read_table import read_table
from projcomp.evaluation.tables.price import COLUMNS


def draw(settings, folder):
    table = read_table(folder.table(settings.name), COLUMNS, "table")
    figure = Figure()
    figure.subplots().bar(table["case"], table["price"])
    return figure
'''
TABLE_FIGURE_ROW = """
FigureRow(
    "price",
    format=1,
    caption="Network evaluations per success.",
    shows=scope.of_table("price"),
    reads=inputs.own_table,
),
"""
EXACT = '''
"""The mean of a fair coin."""

import torch

from projcomp.theory.table import Table


def measure(settings):
    generator = torch.Generator().manual_seed(settings.seed)
    tosses = torch.rand(settings.num_seeds, settings.num_samples, generator=generator) < 0.5
    table = Table(settings.experiment)
    found = table.measured("coin", "fair", "share of heads", tosses.double().mean(1))
    table.claim("a fair coin is fair (within 0.2 of a half)", abs(found.value - 0.5) < 0.2)
    return table
'''
EXACT_FIGURE = '''
"""The mean of a fair coin."""

from projcomp.reporting.exact.read import select, sheet


def draw(table):
    figure, (axes,) = sheet(table, 4, 3, 1, 1)
    rows = select(table, "coin", "share of heads")
    axes.bar(rows["setting"], rows["value"])
    return figure
'''
EXACT_ROW = """
"coin": ExactExperiment(format=1, figure_format=1, caption="A fair coin."),
"""
OPERATOR = '''
"""The score of the model that is likeliest by its own score: the shortest one."""

import torch


def shortest(scores):
    def composed(x, sigma):
        stacked = scores(x, sigma)
        nearest = stacked.flatten(2).square().sum(2).argmin(0)
        return stacked[nearest, torch.arange(len(x), device=x.device)][None]

    return composed
'''
OPERATOR_SECTION = """
class Shortest(OperatorSection):
    \"\"\"The model with the shortest score.\"\"\"

    name: Literal["shortest"] = "shortest"


"""
OPERATOR_CASE = """
        case settings.Shortest():
            from projcomp.composition.shortest import shortest

            return LinearField(shortest(scores), (1.0,))
"""
SAMPLER = '''
"""The reverse SDE without a drift of its own: for the test alone."""

from projcomp.diffusion.field import Step
from projcomp.samplers.result import Move


def still(field, x, sigma, sigma_next, state, noise):
    step = Step(x, sigma, sigma_next)
    score, state = field.score(step, state)
    dx = step.dv * score
    return Move(x + dx, field.observe(step, dx, state), 1)
'''
SAMPLER_SECTION = """
class Still(SamplerSection):
    \"\"\"No noise at all.\"\"\"

    name: Literal["still"] = "still"


"""
SAMPLER_CASE = """
        case settings.Still():
            from projcomp.samplers.still import still

            return still
"""
KIND = '''
"""A condition on whether an object is the leftmost one of its picture."""

import numpy as np

from projcomp.conditions.kind import Kind
from projcomp.conditions.table import THERE


class Side(Kind):
    name, values = "side", ("leftmost", "other")

    def labels(self, objects):
        across = np.where(objects[THERE], objects["pixel"][..., 0], np.inf)
        return (across > across.min(1, keepdims=True)).astype("f4")[..., None]

    def numbers(self, value):
        return (float(self.values.index(value)),)

    def answers(self, labels, told, bandwidth):
        return labels[..., 0] == told[0]

    def in_words(self, told):
        return self.values[int(told[0])]
'''
KIND_ROW = """
        Side(),
"""
SIDE_IMPORT = "\nfrom projcomp.conditions.side import Side\n"
KIND_CONFIG = """
models:
  sides: {exact: {cluttered: 1.0}, condition: [side, color]}
experiments:
  sides:
    composed: [{model: sides, told: case}]
    operator: bayes
    cases: [{asked: [{side: leftmost, color: red}, {color: blue}]}]
    num_samples: 2
"""
TRY_KIND = """
import numpy as np
import torch

from projcomp.conditions.table import of_scene
from projcomp.conditions.truth import scene_of
from projcomp.evaluation.binding import outcome
from projcomp.networks import conditioning
from projcomp.networks.condition_map import ConditionMap
from projcomp.plan.load import load_files
from projcomp.plan.stages import sample_settings

run = load_files(["config.yaml", "mine.yaml"])
case = run.cases["sides"]["leftmost-red_blue"]
for index in range(5):
    scene = scene_of(np.random.default_rng(index), run.config.scene, case.asked)
    red, blue = scene.objects
    assert (red.color, blue.color) == ("red", "blue")
    assert red.pixel[0] < blue.pixel[0]
    assert outcome(of_scene(scene), case.asked, 0.1) == "right"
told = [one.condition for one in sample_settings(run, "sides", case.name).composed]
assert told == [{"color": "red", "side": "leftmost"}, {"color": "blue"}]
rows = torch.stack([conditioning.row_of(one, "color+side") for one in told])
assert conditioning.in_words(rows[0], "color+side") == "red leftmost"
assert conditioning.ConditionFeatures("color+side", 4, 1.0)(rows).shape == (2, 11)
assert ConditionMap("color+side", 8, 0.1, learns_empty=False)(rows).shape == (2, 10, 8, 8)
"""
MINE = """
experiments:
  mine:
    conditionals: single
    operator: {operator}
    num_composed: [1, 2]
    num_samples: 2
    sampling: {{sampler: {sampler}}}
"""
TRY = """
from projcomp.plan.load import load_files
from projcomp.plan.stages import sample_settings
from projcomp.sampling.trial import try_out

run = load_files(["config.yaml", "mine.yaml"])
try_out(sample_settings(run, "mine", "k2"), 8)
"""


@dataclass(frozen=True)
class Copy(Workflow):
    """A copy of the repository, whose code its stages run."""

    def add(self, path: str, text: str) -> None:
        """A new file."""
        with (self.folder / path).open("x") as file:
            file.write(text.lstrip())

    def add_row(self, path: str, rows: str, row: str) -> None:
        """A row at the beginning of the table of rows that begins with the line ``rows``."""
        old = (self.folder / path).read_text()
        assert old.count(f"\n{rows}\n") == 1
        (self.folder / path).write_text(old.replace(f"\n{rows}\n", f"\n{rows}{row}"))

    def insert(self, path: str, before: str, text: str) -> None:
        """Text before the one line that begins with ``before``."""
        old = (self.folder / path).read_text()
        assert old.count(f"\n{before}") == 1
        (self.folder / path).write_text(old.replace(f"\n{before}", f"{text}{before}"))

    def samples(self, operator: str, sampler: str) -> None:
        """See that the copy accepts the two in an experiment, and samples by them."""
        (self.folder / "mine.yaml").write_text(MINE.format(operator=operator, sampler=sampler))
        assert "experiment mine" in self.projcomp("check", "--preset", "mine.yaml")
        assert ("sample_case", "mine/k2") in self.planned("mine.yaml")
        done = self.run(sys.executable, "-c", TRY)
        assert done.returncode == 0, done.stdout + done.stderr

    def touched(self) -> tuple[set[str], set[str]]:
        """The files that the repository has not, and those that it has otherwise."""
        here, there = files(self.folder), files(REPOSITORY)
        return set(here) - set(there), {name for name in there if here[name] != there[name]}

    def projcomp(self, *arguments: str) -> str:
        """What a command of the copy prints; it must go well."""
        done = self.run(str(self.folder / "bin" / "projcomp"), *arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def done(self, preset: str, *arguments: str) -> set[Job]:
        """The jobs that Snakemake does, or would do."""
        done = self.snakemake(*arguments, "--configfile", preset)
        assert done.returncode == 0, done.stdout + done.stderr
        return planned(done.stdout + done.stderr)

    def planned(self, preset: str) -> set[Job]:
        """The jobs that Snakemake would do from nothing."""
        return self.done(preset, "-n", "--config", "root=nothing")


def files(root: Path) -> dict[str, bytes]:
    """Everything that is copied, by name."""
    return {
        str(path.relative_to(root)): path.read_bytes()
        for part in PARTS
        for path in [root / part, *(root / part).rglob("*")]
        if path.is_file() and "__pycache__" not in path.parts
    }


@pytest.fixture
def copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Copy:
    """The repository's files as they are, and a `projcomp` that runs them."""
    for name, content in files(REPOSITORY).items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "src"))
    command = tmp_path / "bin" / "projcomp"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m projcomp.cli "$@"\n')
    command.chmod(0o755)
    return Copy(tmp_path)


@pytest.fixture
def results(copy: Copy) -> Folder:
    """Made-up results of the smoke preset in the copy, without what is added."""
    root = copy.folder / RUN.config.root
    config = RUN.config.model_copy(update={"root": str(root)})
    write_results(Plan(replace(RUN, config=config)))
    return Folder(RUN.config.root)


def test_a_figure_is_a_file_and_a_row(copy: Copy, results: Folder) -> None:
    copy.add("src/projcomp/reporting/figures/seconds.py", FIGURE)
    copy.add_row("src/projcomp/plan/figures.py", "FIGURES = (", FIGURE_ROW)
    new, changed = copy.touched()
    assert new == {"src/projcomp/reporting/figures/seconds.py"}
    assert changed == {"src/projcomp/plan/figures.py"}
    more = len([one for one in Plan(RUN).figures.values() if one.row.kind == "counts"])
    assert f"{NUM_FIGURES + more} draw_figure" in copy.projcomp("check", "--preset", SMOKE)
    assert ("draw_figure", "seconds") in copy.planned(SMOKE)
    drawn = results.figure("seconds", "png")
    assert copy.done(SMOKE, "--cores", "1", drawn) == {("draw_figure", "seconds")}
    assert (copy.folder / drawn).stat().st_size > 0


def test_a_table_is_a_file_and_a_row_and_so_is_its_figure(copy: Copy, results: Folder) -> None:
    copy.add("src/projcomp/evaluation/tables/price.py", TABLE)
    copy.add_row("src/projcomp/plan/tables.py", "TABLES = (", TABLE_ROW)
    table = ({"src/projcomp/evaluation/tables/price.py"}, {"src/projcomp/plan/tables.py"})
    assert copy.touched() == table
    copy.add("src/projcomp/reporting/figures/price.py", TABLE_FIGURE)
    copy.add_row("src/projcomp/plan/figures.py", "FIGURES = (", TABLE_FIGURE_ROW)
    new, changed = copy.touched()
    assert new - table[0] == {"src/projcomp/reporting/figures/price.py"}
    assert changed - table[1] == {"src/projcomp/plan/figures.py"}
    overview, more = copy.projcomp("check", "--preset", SMOKE), len(RUN.own)
    assert f"{NUM_TABLES + more} make_table, {NUM_FIGURES + more} draw_figure" in overview
    jobs = {("make_table", "price_A"), ("draw_figure", "price_A")}
    assert jobs <= copy.planned(SMOKE)
    drawn = results.figure("price_A", "png")
    assert copy.done(SMOKE, "--cores", "1", drawn) == jobs
    written = (copy.folder / results.table("price_A")).read_text()
    assert written.splitlines()[:2] == ["case,price", "k0,210"]
    assert (copy.folder / drawn).stat().st_size > 0


def test_an_exact_experiment_is_two_files_and_a_row(copy: Copy) -> None:
    copy.add("src/projcomp/theory/coin.py", EXACT)
    copy.add("src/projcomp/reporting/exact/coin.py", EXACT_FIGURE)
    copy.add_row("src/projcomp/config/theory.py", "EXACT = {", EXACT_ROW)
    new, changed = copy.touched()
    assert new == {"src/projcomp/theory/coin.py", "src/projcomp/reporting/exact/coin.py"}
    assert changed == {"src/projcomp/config/theory.py"}
    copy.projcomp("config", "write")
    assert copy.touched()[1] - changed == GENERATED
    (copy.folder / "mine.yaml").write_text("theory: {experiments: [coin], num_samples: 40}")
    assert "theory: coin," in copy.projcomp("check", "--preset", "mine.yaml")
    jobs = {("theory_experiment", "coin"), ("draw_figure", "theory_coin")}
    drawn = Folder().figure("theory_coin", "png")
    assert copy.done("mine.yaml", "--cores", "1", drawn) == jobs
    assert (copy.folder / drawn).stat().st_size > 0


def test_an_operator_and_a_sampler_of_ones_own_are_a_file_each(copy: Copy) -> None:
    for name in ("product.py", "half_sde.py"):
        (copy.folder / name).write_bytes((REPOSITORY / "tests/own" / name).read_bytes())
    operator = "{name: own, file: product.py, background: own}"
    copy.samples(operator, "{name: own, file: half_sde.py}")
    assert copy.touched() == (set(), set())  # nothing of the project


def test_a_built_in_operator_is_two_files_and_a_case(copy: Copy) -> None:
    copy.add("src/projcomp/composition/shortest.py", OPERATOR)
    copy.insert("src/projcomp/config/operators.py", "AnyOperator = (", OPERATOR_SECTION)
    copy.add_row("src/projcomp/config/operators.py", "AnyOperator = (", "\n    Shortest |\n")
    where = "        case settings.RandomChoice()"
    copy.insert("src/projcomp/sampling/operators.py", where, OPERATOR_CASE)
    new, changed = copy.touched()
    assert new == {"src/projcomp/composition/shortest.py"}
    assert changed == {"src/projcomp/config/operators.py", "src/projcomp/sampling/operators.py"}
    copy.projcomp("config", "write")
    assert copy.touched()[1] - changed == GENERATED
    copy.samples("shortest", "heun")


def test_a_built_in_sampler_is_two_files_and_a_case(copy: Copy) -> None:
    copy.add("src/projcomp/samplers/still.py", SAMPLER)
    copy.insert("src/projcomp/config/samplers.py", "AnySampler = ", SAMPLER_SECTION)
    path = copy.folder / "src/projcomp/config/samplers.py"
    path.write_text(path.read_text().replace("AnySampler = ", "AnySampler = Still | "))
    where = "        case settings.SamplerFromFile()"
    copy.insert("src/projcomp/sampling/samplers.py", where, SAMPLER_CASE)
    new, changed = copy.touched()
    assert new == {"src/projcomp/samplers/still.py"}
    assert changed == {"src/projcomp/config/samplers.py", "src/projcomp/sampling/samplers.py"}
    copy.projcomp("config", "write")
    assert copy.touched()[1] - changed == GENERATED
    copy.samples("simple_product", "still")


def test_a_kind_of_condition_is_a_file_and_a_row(copy: Copy) -> None:
    copy.add("src/projcomp/conditions/side.py", KIND)
    rows = "src/projcomp/conditions/kinds.py"
    copy.insert(rows, "        Count(),", KIND_ROW)
    copy.insert(rows, "from projcomp.conditions.position", SIDE_IMPORT)
    assert copy.touched() == ({"src/projcomp/conditions/side.py"}, {rows})
    (copy.folder / "mine.yaml").write_text(KIND_CONFIG)
    assert "conditioned on color+side" in copy.projcomp("check", "--preset", "mine.yaml")
    jobs = copy.planned("mine.yaml")
    assert {
        ("sample_case", "sides/leftmost-red_blue"),
        ("evaluate_case", "sides/leftmost-red_blue"),
    } <= jobs
    done = copy.run(sys.executable, "-c", TRY_KIND)
    assert done.returncode == 0, done.stdout + done.stderr
