"""The interaction as a predictor of success, and what repairs a failure at what price. Ours.

A family of compositions turned from orthogonal to nearly parallel (:func:`.turned.at_angle`), whose
truth is always four equal clusters. First: the interaction of the score deltas, measured along the
uncorrected path at no extra evaluation, beside the error of its samples. Then, on one failing
member, methods at equal numbers of score evaluations per returned sample.
"""

from dataclasses import dataclass

import numpy as np
import torch
from scipy.stats import spearmanr
from torch import Tensor
from tqdm import tqdm

from projcomp.composition.feynman_kac import weighted_product
from projcomp.samplers.hmc import Hmc
from projcomp.samplers.langevin import Langevin
from projcomp.samplers.mala import Mala
from projcomp.samplers.process import Corrector, sample
from projcomp.samplers.result import SamplerResult
from projcomp.samplers.sde import ReverseSde
from projcomp.samplers.smc import Swarms, pick_one
from projcomp.settings.stages import TheorySettings
from projcomp.theory.distances import mode_shares, total_variation
from projcomp.theory.levels import noise_levels
from projcomp.theory.streams import Streams
from projcomp.theory.table import Spread, Table
from projcomp.theory.turned import Turned, at_angle

ANGLES = (90, 80, 70, 60, 50, 40, 30, 20)
TAUS = (0.15, 0.25, 0.4)
FAILING = (45, 0.25)
"""Angle and width of the member that is repaired: the angle of [B, Lemma 7.2] with a = 1."""

SIGMA_MIN, SIGMA_MAX = 0.02, 20.0
PREDICTORS = ("interaction", "cosine", "absolute interaction", "spread of log-weights")
"""Of the signed interaction and its cosine, the mean over samples; parts of either sign cancel. The
absolute one adds up the sizes of the levels' parts; the spread is that of its total over samples.
"""

BUDGETS = (1, 2, 4)
"""Evaluations per returned sample, as multiples of ``num_steps``."""


@dataclass(frozen=True)
class Method:
    """One way to spend evaluations.

    Attributes:
        per_level: evaluations per noise level and returned sample, predictor included.
        corrector: kernel run at every level.
        swarm: particles per returned sample; one is picked by its weight.
    """

    per_level: int = 1
    corrector: Corrector | None = None
    swarm: int = 1


METHODS = {
    "more steps": Method(),
    "Langevin": Method(4, Corrector(Langevin(0.1), 3)),
    "MALA": Method(6, Corrector(Mala(0.5), 1)),
    "HMC": Method(8, Corrector(Hmc(0.5), 1)),
    "swarms of 4": Method(4, swarm=4),
    "swarms of 16": Method(16, swarm=16),
}


def measure(settings: TheorySettings) -> Table:
    """The family with its rank correlations; the repairs."""
    table = Table(settings.experiment)
    _family(table, settings)
    _repairs(table, settings)
    return table


def run(
    turned: Turned, method: Method, num_levels: int, settings: TheorySettings, part: str
) -> tuple[Tensor, SamplerResult]:
    """Samples of one method, ``(seeds, samples, 4)``, and the whole result of its particles."""
    streams, count = Streams(settings, part), settings.num_samples * method.swarm
    field = weighted_product(turned.scores, [1.0, 1.0])
    sigmas = noise_levels(num_levels, SIGMA_MIN, SIGMA_MAX)[:-1]
    noise = streams.noise(count, (4,))
    swarms = Swarms(method.swarm) if method.swarm > 1 else None
    start = SIGMA_MAX * streams.start(count, (4,))
    result = sample(
        field,
        start,
        sigmas,
        ReverseSde(),
        noise=noise,
        corrector=method.corrector,
        swarms=swarms,
    )
    x = result.x
    if swarms:
        x = x[pick_one(result.state.log_weight, method.swarm, noise.uniform())]
    return streams.by_seed(x), result


def absolute_interaction(result: SamplerResult) -> Tensor:
    """``sum dv |<delta_1, delta_2>|`` over the levels of every path, shape ``(batch,)``."""
    return torch.stack(result.state.per_level)[:, :, 0, 1].abs().sum(0)


def error_of(x: Tensor, turned: Turned) -> Tensor:
    """Total variation of the clusters' shares from the truth: ``(seeds, n, 4)`` to ``(seeds,)``."""
    exact = turned.composed()
    return total_variation(mode_shares(x, exact.noised(SIGMA_MIN)), exact.log_weights.exp())


def _family(table: Table, settings: TheorySettings) -> None:
    """Every member without a correction: error, interaction, cosine, spread of the weights."""
    columns: dict[str, list[Tensor]] = {}
    for tau in TAUS:
        for angle in tqdm(ANGLES, desc=f"tau {tau:g}", disable=None):
            turned, part = at_angle(angle, tau), f"family {angle} {tau}"
            x, result = run(turned, Method(), settings.num_steps, settings, part)
            by_seed = Streams(settings, part).by_seed
            row = {
                "error": error_of(x, turned),
                "interaction": by_seed(result.state.total[:, 0, 1]).mean(1),
                "absolute interaction": by_seed(absolute_interaction(result)).mean(1),
                "cosine": by_seed(result.state.normalised[:, 0, 1]).mean(1),
                "spread of log-weights": by_seed(result.state.log_weight).std(1),
            }
            for name, values in row.items():
                table.measured("family", f"tau = {tau:g}", name, values, angle)
                columns.setdefault(name, []).append(values)
    # (members, seeds) each; a rank correlation over the members for every seed
    found = {name: torch.stack(values).numpy() for name, values in columns.items()}
    for name in PREDICTORS:
        ranks = [
            spearmanr(predictor, error)[0]
            for predictor, error in zip(found[name].T, found["error"].T, strict=True)
        ]
        correlation = table.measured("family", name, "rank correlation", np.nan_to_num(ranks))
        table.claim(
            f"Ours: the {name} of the uncorrected path predicts the error (rank correlation over "
            f"{len(ANGLES)} angles x {len(TAUS)} widths, its interval above 0.8)",
            correlation.low > 0.8,
        )


def _repairs(table: Table, settings: TheorySettings) -> None:
    """Error against evaluations per returned sample, for every method and budget."""
    turned, last = at_angle(*FAILING), {}
    for name, method in tqdm(METHODS.items(), desc="repairs", disable=None):
        for budget in BUDGETS:
            num_levels = max(budget * settings.num_steps // method.per_level, 2)
            part = f"{name} {budget}"
            x, result = run(turned, method, num_levels, settings, part)
            spent = result.num_evaluations * method.swarm
            last[name] = table.measured("repair", name, "error", error_of(x, turned), spent)
            if result.acceptance is not None:
                rate = Streams(settings, part).by_seed(result.acceptance).mean(1)
                table.measured("repair", name, "acceptance", rate, spent)
            if result.effective_size is not None:
                share = Streams(settings, part).by_seed(result.effective_size.min(0).values)
                least = share.mean(1) / method.swarm
                table.measured("repair", name, "least effective share", least, spent)
    _claim_repairs(table, last)


def _claim_repairs(table: Table, last: dict[str, Spread]) -> None:
    plain = last["more steps"].value
    for name in METHODS:
        if name == "more steps":
            continue
        repairs = "swarms" in name
        verb = "repair" if repairs else "does not repair"
        bound = "at most half" if repairs else "more than half"
        less = last[name].value <= plain / 2
        table.claim(
            f"Ours: {name} {verb} the composition (error {bound} of that of as many plain steps, "
            f"at {BUDGETS[-1]} times the evaluations)",
            less if repairs else not less,
        )
