"""Which colours compose ([B], Fig. 13), and what predictor-correctors do about it (section 7).

Red, green and blue squares change different channels of a black picture and are Factorized
Conditionals; red and yellow share a channel. With the exact scores of the finite sets of pictures,
and with small U-Nets trained on them, one training per seed: what a network that never saw two
squares makes of them is a matter of its training, and perhaps of its norms. A norm over the picture
is one way for far places to feel each other; without it only convolutions are left, which at 8 x 8
reach across the picture too.
"""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import get_args

import torch
from torch import Tensor
from tqdm import tqdm

from projcomp.composition.feynman_kac import weighted_product
from projcomp.diffusion.batched import BatchedScores
from projcomp.diffusion.field import ScoreStack
from projcomp.samplers.euler import euler
from projcomp.samplers.langevin import Langevin
from projcomp.samplers.process import Corrector, sample
from projcomp.settings.stages import TheorySettings
from projcomp.theory import squares
from projcomp.theory.levels import noise_levels
from projcomp.theory.small_unet import Norm, SmallUNet
from projcomp.theory.streams import Streams
from projcomp.theory.table import Table
from projcomp.theory.training import Recipe, by_training, train_anew

GOOD = (("red", "green"), ("red", "blue"), ("green", "blue"), ("red", "green", "blue"))
BAD = (("red", "yellow"),)
CORRECTED = (("red", "green"), ("red", "yellow"))
OUTCOMES = ("apart", "together", "neither")
SIGMA_MIN, SIGMA_MAX = 0.01, 20.0
CORRECTOR = Corrector(Langevin(0.1), steps=3)
BATCH, RATE, CHUNK = 32, 0.004, 256
SIGMA_DATA = 0.5
FEWER = (4, 20)
"""A picture costs more than a point: so many times fewer samples, exact and trained."""

DRAWN = 12


@dataclass(frozen=True)
class Model:
    """Where scores come from.

    Attributes:
        scores: stacked scores of the background and then of the colours asked for.
        dtype: what it computes in.
        per_seed: pictures per seed.
    """

    scores: Callable[[Sequence[str]], ScoreStack]
    dtype: torch.dtype
    per_seed: int


def measure(settings: TheorySettings) -> Table:
    """Outcomes of every composition, exact and trained, with and without a corrector."""
    table, apart = Table(settings.experiment), {}
    _cosines(table)
    some, few = (max(settings.num_samples // share, 4) for share in FEWER)
    models = {
        "exact": Model(exact_scores, torch.float64, some),
        **{
            f"trained, {norm} norm": Model(trained(settings, table, norm), torch.float32, few)
            for norm in get_args(Norm)
        },
    }
    runs = [(colors, None) for colors in GOOD + BAD] + [(c, CORRECTOR) for c in CORRECTED]
    for name, model in models.items():
        for colors, corrector in tqdm(runs, desc=name, disable=None):
            found = compose(table, settings, name, model, colors, corrector)
            apart[colors, corrector is not None] = found
        _claims(table, name, apart)
    return table


def exact_scores(colors: Sequence[str]) -> ScoreStack:
    """Exact scores of the black picture and of the pictures of every colour."""
    sets = [squares.pictures(color) for color in (None, *colors)]
    return lambda x, sigma: torch.stack([s.score(x, sigma) for s in sets])


def trained(
    settings: TheorySettings, table: Table, norm: Norm
) -> Callable[[Sequence[str]], ScoreStack]:
    """Scores of U-Nets trained on the same pictures, one per seed, told the colour or none."""
    names = list(squares.COLORS)
    told = torch.eye(1 + len(names))
    runs = [_train(settings, norm, told, seed) for seed in range(settings.num_seeds)]
    table.measured("training", f"{norm} norm", "denoising error", [error for _, error in runs])

    def scores(colors: Sequence[str]) -> ScoreStack:
        rows = [told[0], *(told[1 + names.index(color)] for color in colors)]
        return by_training(
            [BatchedScores([(model, row) for row in rows], CHUNK) for model, _ in runs]
        )

    return scores


def _train(
    settings: TheorySettings, norm: Norm, told: Tensor, seed: int
) -> tuple[SmallUNet, float]:
    """A U-Net of one seed, and its denoising error."""
    assert settings.num_updates is not None
    streams = Streams(settings, f"training {norm} {seed}")
    sets = [squares.pictures(color) for color in (None, *squares.COLORS)]

    def make() -> SmallUNet:
        return SmallUNet(len(sets), SIGMA_DATA, norm)

    def draw(count: int, rng: torch.Generator) -> tuple[Tensor, Tensor]:
        share = -(-count // len(sets))
        x0 = torch.cat([s.sample(share, rng=rng) for s in sets]).float()
        return x0, told.repeat_interleave(share, 0)

    recipe = Recipe(settings.num_updates, BATCH, RATE)
    return train_anew(make, draw, recipe, sigma_data=SIGMA_DATA, streams=streams)


def _cosines(table: Table) -> None:
    """Fig. 13 left: how the colours' mean pictures lie to each other, less the background's."""
    for first, second in itertools.product(squares.COLORS, repeat=2):
        a, b = (squares.pictures(color).points.mean(0).flatten() for color in (first, second))
        cosine = float(a @ b / (a.norm() * b.norm()))
        table.exact("projection", f"{first} {second}", "cosine of means", cosine)


def compose(
    table: Table,
    settings: TheorySettings,
    name: str,
    model: Model,
    colors: Sequence[str],
    corrector: Corrector | None,
) -> float:
    """Rows of one composition; returns the share of pictures with all squares, apart."""
    asked = "+".join(colors) + (" corrected" if corrector else "")
    streams, dims = Streams(settings, f"{name} {asked}"), (3, squares.SIDE, squares.SIDE)
    field = weighted_product(model.scores(colors), [1.0] * len(colors))
    sigmas = noise_levels(settings.num_steps, SIGMA_MIN, SIGMA_MAX)
    start = SIGMA_MAX * streams.start(model.per_seed, dims, model.dtype)
    noise = streams.noise(model.per_seed, dims, model.dtype)
    result = sample(field, start, sigmas, euler, noise=noise, corrector=corrector)
    shares = squares.outcomes(streams.by_seed(result.x), colors)
    means = [
        table.measured(name, asked, outcome, shares[:, number]).value
        for number, outcome in enumerate(OUTCOMES)
    ]
    if name != "exact":
        for seed, share in enumerate(shares[:, 0].tolist()):
            table.exact(name, asked, "apart, one training", share, seed)
    cosine = streams.by_seed(result.state.normalised[:, 0, 1]).mean(1)
    table.measured(name, asked, "cosine of deltas", cosine)
    table.exact("truth", asked, "apart", true_share(colors))
    for picture, places in enumerate(squares.read_places(result.x[:DRAWN])):
        for place, color in enumerate(places.tolist()):
            for channel, value in zip("rgb", color, strict=True):
                at = picture * squares.NUM_PLACES + place
                table.exact(name, asked, f"picture {channel}", value, at)
    return means[0]


def true_share(colors: Sequence[str]) -> float:
    """Share of pictures with all squares apart where every colour's place is independent."""
    return float(squares.compositions(colors)[1].double().mean())


def _claims(table: Table, name: str, apart: dict[tuple[Sequence[str], bool], float]) -> None:
    table.claim(
        f"[B] Fig. 13 right, {name} scores: red, green and blue compose (the share of pictures "
        "with all squares asked for, apart, within 0.1 of what independent places give)",
        max(abs(apart[colors, False] - true_share(colors)) for colors in GOOD) <= 0.1,
    )
    for corrected, text in (
        (False, "Fig. 13 right"),
        (True, "section 7, predictor-corrector with 3 Langevin steps a level"),
    ):
        table.claim(
            f"[B] {text}, {name} scores: red with yellow does not compose (squares of both in at "
            "most half as many of the pictures as independent places give)",
            apart[BAD[0], corrected] <= true_share(BAD[0]) / 2,
        )
