"""Operators and samplers from a user's own file: what they make, and what is said of wrong ones."""

import math
import re
from pathlib import Path
from typing import Any

import pytest
import torch
from known_config import known

from projcomp.composition.product import product_field
from projcomp.config.experiments import BackgroundConfig
from projcomp.config.samplers import SamplingConfig
from projcomp.diffusion.batched import BatchedScores
from projcomp.errors import ConfigError, UserError
from projcomp.plan.load import load
from projcomp.plan.plan import Plan
from projcomp.plan.tables import tables
from projcomp.samplers.euler import euler
from projcomp.samplers.noise import NoiseStreams, NoNoise
from projcomp.samplers.process import sample
from projcomp.sampling.from_file import own_field, own_predictor
from projcomp.sampling.parts import CountedScores, build_process
from projcomp.sampling.trial import gaussian, toy_requests
from projcomp.settings.case import Case
from projcomp.settings.stages import SampleSettings

PRODUCT = """
def operator(scores, x, sigma, strength=1.0):
    background, *conditions = scores
    return background + strength * sum(c - background for c in conditions)
"""
EULER = """
def sampler(score, x, sigma, sigma_next, noise):
    return x - (sigma_next - sigma) * sigma * score(x, sigma)
"""
SDE = """
def sampler(score, x, sigma, sigma_next, noise):
    dv = sigma**2 - sigma_next**2
    x = x + dv * score(x, sigma)
    return x + dv**0.5 * noise() if sigma_next > 0 else x
"""
EMPTY = {"model": "single", "condition": "empty"}


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def own(text: str, name: str = "mine.py", **settings: Any) -> dict[str, Any]:
    Path(name).write_text(text)
    return {"name": "own", "file": name, "settings": settings}


def samples(operator: Any, sampler: Any = "heun", conditions: int = 2) -> torch.Tensor:
    """Two samples of exact Gaussians, composed."""
    places = [(0.1 * (number + 1), 0.5) for number in range(conditions)]
    settings = SampleSettings(
        seed=0,
        experiment="A",
        stream="A",
        case=Case(name="case", locations=places),
        operator=operator,
        conditionals="single",
        background=BackgroundConfig(model="single", condition="empty"),
        sampling=SamplingConfig(sampler=sampler, num_steps=6, precision="fp32"),
        num_samples=2,
    )
    if settings.operator.background_from == "none":
        settings = settings.model_copy(update={"background": None})
    requests = toy_requests(settings, 8)
    scores = CountedScores(BatchedScores(requests.composed, 64))
    process = build_process(settings, requests, scores)
    return process.run([1, 2], (3, 8, 8), torch.device("cpu")).x


def test_an_operator_from_a_file_samples_what_the_built_in_one_does() -> None:
    mine = samples(own(PRODUCT, strength=0.7))
    torch.testing.assert_close(mine, samples({"name": "product", "weights": 0.7}))


@pytest.mark.parametrize(("text", "built_in"), [(EULER, "euler"), (SDE, "sde")])
def test_a_sampler_from_a_file_samples_what_the_built_in_one_does(text: str, built_in: str) -> None:
    torch.testing.assert_close(samples("product", own(text)), samples("product", built_in))


def test_a_field_and_a_predictor_may_have_a_state() -> None:
    field = own(
        "from projcomp.composition.superposition_or import SuperpositionOr\n"
        "def field(scores, num_composed):\n"
        "    return SuperpositionOr(scores, num_composed)\n",
        "field.py",
    )
    predictor = own(
        "from projcomp.samplers.sde import ReverseSde\n"
        "def predictor(share):\n"
        "    return ReverseSde(share)\n",
        "predictor.py",
        share=1.0,
    )
    mine = samples({**field, "background": "none"}, predictor)
    torch.testing.assert_close(mine, samples("superposition_or", "sde"))


def test_the_start_is_as_wide_as_the_operator_composes() -> None:
    """Where all scores are -x / sigma^2, k of them add up to a Gaussian of variance sigma^2 / k."""
    file = own("def operator(scores, x, sigma):\n    return scores.sum(0)\n")["file"]

    def stack(x: torch.Tensor, sigma: float) -> torch.Tensor:
        return -x.expand(3, *x.shape) / sigma**2

    field = own_field(file, stack, 3, (2,), background=False)
    assert field.start_scale == pytest.approx(1 / math.sqrt(3))


def test_a_sampler_that_evaluates_at_trial_points_sees_the_composed_score_there() -> None:
    heun = own(
        "def sampler(score, x, sigma, sigma_next, noise):\n"
        "    here = -sigma * score(x, sigma)\n"
        "    trial = x + (sigma_next - sigma) * here\n"
        "    if sigma_next == 0:\n"
        "        return trial\n"
        "    there = -sigma_next * score(trial, sigma_next)\n"
        "    return x + (sigma_next - sigma) * (here + there) / 2\n"
    )
    torch.testing.assert_close(samples("product", heun), samples("product", "heun"))


# In a run ----------------------------------------------------------------------------------------


def experiment(operator: Any, sampler: Any = "heun", **more: Any) -> dict[str, Any]:
    entry = {
        "conditionals": "single",
        "operator": operator,
        "background": EMPTY,
        "num_composed": [0, 2],
        "num_samples": 4,
        "sampling": {"sampler": sampler},
        **more,
    }
    return known({"experiments": {"mine": entry}})


def test_the_file_is_an_input_of_its_own_cases_alone() -> None:
    plan = Plan(load(experiment(own(PRODUCT, "p.py"), own(EULER, "e.py"))))
    assert plan.sample_inputs("mine")[-2:] == ["p.py", "e.py"]
    assert plan.sample_inputs("A") == plan.models_of("A")
    assert {"grid_mine", "counts"} <= set(plan.figures)


def test_it_stands_beside_the_built_in_ones_in_a_sweep() -> None:
    sweep = {
        "conditionals": "single",
        "background": EMPTY,
        "num_composed": [2],
        "num_samples": 4,
        "operators": {"mine": own(PRODUCT), "product": "product"},
        "samplers": {"mine": {"sampler": own(EULER, "e.py")}, "heun": {}},
    }
    run = load(known({"sweeps": {"S": sweep}}))
    assert set(tables(run)["sweep_S"].settings.members) == {
        f"S-{operator}-{sampler}"
        for operator in ("mine", "product")
        for sampler in ("mine", "heun")
    }
    assert run.experiments["S-mine-mine"].files == ["mine.py", "e.py"]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"sampling": {"swarm": {}, "sampler": "sde"}}, "operator own keeps no weights"),
        ({"control": {"model": "single", "condition": "unconditional"}}, "records no interaction"),
        ({"background": None}, "operator own needs a background"),
    ],
)
def test_what_it_does_not_go_with_is_refused(change: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        load(experiment(own(PRODUCT), **change))


def test_an_own_sampler_goes_with_no_swarm_and_no_superposition() -> None:
    with pytest.raises(ConfigError, match="weights need steps whose law is known"):
        load(experiment("product", sampling={"swarm": {}, "sampler": own(SDE)}))
    with pytest.raises(ConfigError, match="expected sde, because operator superposition_or"):
        load(experiment("superposition_or", own(SDE), background=None))


HEAD = "def operator(scores, x, sigma, strength=1.0):\n"
COUNTED = """
import torch
class State:
    def records(self):
        return {{"a": torch.zeros(5)}}
class Mine:
    stateful = False
    start_scale = {scale}
    def __init__(self, scores):
        self.scores = scores
    def init(self, x, sigma):
        return State()
    def score(self, step, state):
        return self.scores(step.x, step.sigma)[0], state
    def observe(self, step, dx, state):
        return state
def field(scores, count, strength):
    return Mine(scores)
"""
WRONG = {
    "raises": (HEAD + "    y = 1\n    return scores[0] / q\n", "mine.py, line 3: .*NameError"),
    "no code": (HEAD + "    return (\n", "mine.py, line 2: .*SyntaxError: '.' was never closed"),
    "on loading": ("import none_of_that\n", "mine.py, line 1: .*No module named 'none_of_that'"),
    "exits": ("raise SystemExit(0)\n", "mine.py, line 1: .*SystemExit"),
    "another name": (
        "def oper(scores):\n    return 1\n",
        r"operator or field, got none \(op",
    ),
    "both": (HEAD + "    return 1\nfield = operator\n", "got operator and field"),
    "a shape": (HEAD + "    return scores.mean()\n", r"shape \(1, 3, 32, 32\), got \(\)"),
    "no tensor": (HEAD + "    return 3\n", "expected a tensor of shape .*, got int"),
    "pushes": (HEAD + "    return -scores[0]\n", "c = -1"),
    "not finite": (HEAD + "    return scores[0] * float('nan')\n", "c = nan"),
    "chance": (
        "import torch\n" + HEAD + "    return scores[0] * torch.rand(())\n",
        "expected the same score of the same arguments",
    ),
    "the batch": (
        HEAD + "    return scores[0] * (1 + scores[0].std())\n",
        "expected every sample to depend on itself alone",
    ),
    "settings": ("def operator(scores, x, sigma):\n    return scores[0]\n", "argument 'strength'"),
    "complex": (HEAD + "    return scores[0] * 1j\n", "real numbers, got complex"),
    "built in": ("operator = max\n", "got one that does not fit: no signature"),
    "a width": (
        COUNTED.format(scale="None"),
        "expected a start_scale above 0, got None",
    ),
    "records": (COUNTED.format(scale="1.0"), "a row for each of 4 samples under a, got 5 rows"),
    "no field": (
        "def field(scores, count, strength):\n    return 3\n",
        "score field .*, got int",
    ),
}


@pytest.mark.parametrize("kind", WRONG)
def test_what_is_wrong_with_a_file_is_one_line(kind: str) -> None:
    text, told = WRONG[kind]
    with pytest.raises(ConfigError) as caught:
        load(experiment(own(text, strength=1.0)))
    message = str(caught.value)
    assert message.startswith("config: experiments.mine: mine.py")
    assert re.search(told, message), message
    assert "\n" not in message


def test_a_name_that_snakemake_reads_as_a_pattern_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"operator\.own\.file|operator\.file: .*without braces"):
        load(experiment(own(PRODUCT, "we{i}rd.py")))


@pytest.mark.parametrize("place", ["missing", "folder", "bytes"])
def test_a_file_that_is_none_is_one_line(place: str) -> None:
    chosen = own("")
    if place == "bytes":
        Path("mine.py").write_bytes(b"\xff\xfe\x00")
    else:
        Path("mine.py").unlink()
    if place == "folder":
        Path("mine.py").mkdir()
    with pytest.raises(ConfigError, match=r"experiments\.mine: mine\.py.* expected") as caught:
        load(experiment(chosen))
    assert "\n" not in str(caught.value)


GUIDED = """
def operator(scores, x, sigma):
    background, *conditions = scores
    if sigma > 80:  # above the start: it must not decide how wide the start is
        return background
    return background + 2 * sum(c for c in conditions)
"""
IN_PLACE = """
def operator(scores, x, sigma):
    out, *others = scores
    out *= 2 - len(scores)
    for other in others:
        out += other
    x += 1
    return out
"""
IN_PLACE_EULER = """
def sampler(score, x, sigma, sigma_next, noise):
    x += (sigma - sigma_next) * sigma * score(x, sigma)
    return x
"""
COUNTING = """
from __future__ import annotations
from dataclasses import dataclass, field as entry
from projcomp.diffusion.field import ScoreField

@dataclass
class Counting:
    scores: object
    stateful: bool = False
    start_scale: float = 1.0
    def init(self, x, sigma):
        return 0.0
    def score(self, step, state):
        return self.scores(step.x, step.sigma)[0], state
    def observe(self, step, dx, state):
        return Seen(state + dx.flatten(1).abs().sum(1))

@dataclass
class Seen:
    moved: object
    def __radd__(self, other):
        return self.moved + other
    __add__ = __radd__
    def records(self):
        return {"moved": self.moved}

def field(scores, num_composed):
    return Counting(scores)
"""


def test_the_start_is_measured_where_the_run_starts() -> None:
    file = own(GUIDED)["file"]

    def stack(x: torch.Tensor, sigma: float) -> torch.Tensor:
        return -x.expand(3, *x.shape) / sigma**2

    for sigma_max, scale in ((20.0, 5**-0.5), (100.0, 1.0)):
        field = own_field(file, stack, 2, (2,), sigma_max=sigma_max)
        assert field.start_scale == pytest.approx(scale)


def test_code_that_works_in_place_moves_nothing_else() -> None:
    torch.testing.assert_close(samples(own(IN_PLACE)), samples("product"))
    torch.testing.assert_close(samples("product", own(IN_PLACE_EULER)), samples("product", "euler"))


def test_a_field_sees_the_steps_that_a_sampler_in_place_makes() -> None:
    """And a file may have dataclasses, whose field it imports under another name."""
    operator = {**own(COUNTING, "field.py"), "background": "none"}
    load(experiment(operator, own(IN_PLACE_EULER), background=None, num_composed=[2]))
    field = own_field(
        operator["file"], lambda x, sigma: -x[None] / sigma**2, 1, (2,), background=False
    )
    predictor = own_predictor(own(IN_PLACE_EULER)["file"])
    x = torch.ones(2, 2)
    move = predictor(field, x, 2.0, 1.0, torch.zeros(2), NoNoise())
    assert torch.equal(x, torch.ones(2, 2))
    torch.testing.assert_close(move.state.moved, torch.ones(2))  # each coordinate by 1/2


SAMPLER = "def sampler(score, x, sigma, sigma_next, noise):\n"
OPERATOR = """import torch
def operator(scores, x, sigma):
    background, *conditions = scores
    d = [c - background for c in conditions]
    out = background + sum(d)
"""
BY_ITSELF = ".reshape(-1, 1, 1, 1)"
NORMS = """    w = [k.flatten(1).norm(dim=1){} + 1e-9 for k in d]
    return background + sum(sum(w) / len(w) / v * k for v, k in zip(w, d))
"""
RESCALED = "    return out * conditions[0]{0} / out{0}\n"
COSINE = """    first, second = (one.flatten({0}) for one in d)
    cosine = torch.cosine_similarity(first, second, dim={0})
    return background + (1 - cosine{1} / 2) * sum(d)
"""
LANGEVIN = """    x = x + (sigma**2 - sigma_next**2) * score(x, sigma)
    if sigma_next == 0:
        return x
    g, n = score(x, sigma_next), noise()
    size = 0.05 * (n.flatten(1).norm(dim=1){0} / g.flatten(1).norm(dim=1){0}) ** 2
    return x + size * g + (2 * size) ** 0.5 * n
"""
HUGE = """    x = x + (sigma**2 - sigma_next**2) * score(x, sigma)
    x = x * (1 + 0.01 * x{}).tanh()
    if sigma_next == 0:
        x[:, 0, 0, 0] = 1e6
    return x
"""
ACROSS = {  # by name: of the batch, and the same of each sample
    "norms": (OPERATOR + NORMS, ".mean()", BY_ITSELF),
    "rescaled": (OPERATOR + RESCALED, ".std()", ".flatten(1).std(1)" + BY_ITSELF),
    "first": (OPERATOR + "    return out + 0.01 * background{}\n", "[:1]", ""),
    "last": (OPERATOR + "    return out + 0.01 * background{}\n", "[-1:]", ""),
    "turned round": (OPERATOR + "    return out + 0.01 * background{}\n", ".flip(0)", ""),
    "langevin": ("import torch\n" + SAMPLER + LANGEVIN, ".mean()", BY_ITSELF),
    "one huge pixel": (SAMPLER + HUGE, ".std()", ".flatten(1).std(1)" + BY_ITSELF),
}


def tried(text: str) -> None:
    made = own(text)
    both = ("product", made) if "def sampler" in text else (made, "heun")
    load(experiment(*both, num_composed=[2]))


@pytest.mark.parametrize("kind", ACROSS)
def test_what_reaches_across_the_batch_is_refused_and_what_does_not_is_not(kind: str) -> None:
    text, batch, sample = ACROSS[kind]
    with pytest.raises(ConfigError, match="expected every sample to depend on itself alone"):
        tried(text.format(batch))
    tried(text.format(sample))


def test_a_cosine_over_the_batch_is_refused_and_one_of_each_sample_is_not() -> None:
    with pytest.raises(ConfigError, match="expected every sample to depend on itself alone"):
        tried(OPERATOR + COSINE.format(0, ""))
    tried(OPERATOR + COSINE.format(1, BY_ITSELF))


FIELDS = {
    "product_field(scores, [1.0] * count)": ("given", "heun"),
    "FollowedField(product_field(scores, [1.0] * count))": ("given", "sde"),
    "average(scores, [1.0] * count)": ("none", "euler"),
    "SuperpositionOr(scores, count, temperature=5.0)": ("none", "sde"),
    "SuperpositionAnd(scores, count)": ("none", "sde"),
    "SuperpositionAnd(scores, count, guidance=2.0)": ("given", "sde"),
}


@pytest.mark.parametrize("made", FIELDS)
def test_the_librarys_own_compositions_raise_no_false_alarm(made: str) -> None:
    background, sampler = FIELDS[made]
    text = f"from projcomp import *\ndef field(scores, count):\n    return {made}\n"
    given = {} if background == "given" else {"background": None}
    load(experiment({**own(text), "background": background}, sampler, num_composed=[2, 3], **given))


def test_no_two_of_the_models_and_samples_that_code_is_tried_on_are_alike() -> None:
    """Differences of scores, by which weights are made, differ from sample to sample."""
    for sigma in (80.0, 2.5, 0.002):
        x = (sigma + 0.5) * torch.randn(4, 3, 8, 8, generator=torch.Generator().manual_seed(0))
        stack = BatchedScores([(gaussian, torch.tensor([float(i)])) for i in range(4)], 64)(
            x, sigma
        )
        norms = (stack[1:] - stack[:1]).flatten(2).norm(dim=2) / stack[0].flatten(1).norm(dim=1)
        spread = norms.max(1).values / norms.min(1).values
        assert float(spread.min()) > 1.02, sigma


# NaN in a run ------------------------------------------------------------------------------------


def stack_of(lost: float) -> Any:
    """Scores of two Gaussians, which are no numbers below the noise level ``lost``."""

    def stack(x: torch.Tensor, sigma: float) -> torch.Tensor:
        scores = -x.expand(2, *x.shape) / (1 + sigma**2)
        return scores * float("nan") if sigma < lost else scores

    return stack


ROOT = """
def operator(scores, x, sigma):
    return scores[0] * ((sigma**2 - 1) * scores[0].new_ones(())).sqrt()
"""
ROOT_FIELD = """
from projcomp import product_field
class Field:
    stateful, start_scale = False, 1.0
    def __init__(self, scores):
        self.inner = product_field(scores, [1.0])
    def init(self, x, sigma):
        return None
    def score(self, step, state):
        score, state = self.inner.score(step, state)
        return score * ((step.sigma**2 - 1) * score.new_ones(())).sqrt(), state
    def observe(self, step, dx, state):
        return None
def field(scores, count):
    return Field(scores)
"""
SIGMAS = torch.tensor([4.0, 2.0, 0.5, 0.0])


@pytest.mark.parametrize("text", [ROOT, ROOT_FIELD])
def test_the_first_nan_of_an_operator_says_the_file_and_the_noise_level(text: str) -> None:
    field = own_field(own(text)["file"], stack_of(0.0), 1, (2,), sigma_max=4.0)
    told = r"mine.py, line \d+: .*expected finite scores of finite .* in 3 of 3 at noise level 0.5"
    with pytest.raises(UserError, match=told) as caught:
        sample(field, torch.ones(3, 2), SIGMAS, euler)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", [PRODUCT, IN_PLACE])
def test_a_nan_of_the_models_is_not_laid_to_the_operator(text: str) -> None:
    field = own_field(own(text)["file"], stack_of(1.0), 1, (2,), sigma_max=4.0)
    assert sample(field, torch.ones(3, 2), SIGMAS, euler).x.isnan().all()


def test_the_first_nan_of_a_sampler_says_the_file_and_the_noise_level() -> None:
    text = (
        SAMPLER + "    return x + score(x, sigma) * (score(x, sigma) - score(x, sigma)) ** -0.5\n"
    )
    predictor = own_predictor(own(text)["file"])
    field = product_field(stack_of(0.0), [1.0])
    with pytest.raises(UserError, match=r"mine.py, line 1: .*finite samples .* noise level 4;"):
        sample(field, torch.ones(3, 2), SIGMAS, predictor)
    lost = own_predictor(own(EULER)["file"])
    assert (
        sample(product_field(stack_of(1.0), [1.0]), torch.ones(3, 2), SIGMAS, lost).x.isnan().all()
    )


def test_noise_of_other_samples_is_refused_where_a_sampler_draws_it() -> None:
    predictor = own_predictor(own(SDE)["file"])
    field = product_field(stack_of(0.0), [1.0])
    with pytest.raises(UserError, match=r"noise: expected noise of shape \(3, 2\), got \(1, 2\)"):
        sample(field, torch.ones(3, 2), SIGMAS, predictor, noise=NoiseStreams([0], (2,)))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (SAMPLER + "    return score(x, sigma_next)\n", "line 2: .*a noise level above 0, got 0"),
        (SAMPLER + "    return x[:1]\n", r"shape \(4, 3, 32, 32\), got \(1, 3, 32, 32\)"),
        ("def predictor():\n    return 3\n", "a predictor that can be called, got int"),
        ("def predictor():\n    return lambda *a: a[1]\n", "that makes a Move, got Tensor"),
        ("import torch\n" + SAMPLER + "    return torch.rand_like(x)\n", "from the same seeds"),
    ],
)
def test_what_is_wrong_with_a_sampler_is_one_line(text: str, told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(experiment("product", own(text)))
    assert re.search(told, str(caught.value)), str(caught.value)
    assert "\n" not in str(caught.value)
