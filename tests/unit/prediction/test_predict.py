"""Exact composition of coloured squares, whose outcomes are known ([B], Fig. 13)."""

import math

import numpy as np
import pytest
import torch
from toy_squares import square_pictures

from projcomp.diffusion.convert import denoised_to_score
from projcomp.errors import ConfigError, FileFormatError
from projcomp.exact.points import Points
from projcomp.prediction.composing import NUM_EVALUATIONS, PairScores, compose, rounds
from projcomp.prediction.predict import COLUMNS, Recipe, predict

MANY = 256


@pytest.fixture(scope="module")
def pictures() -> dict[str, np.ndarray]:
    return square_pictures()


@pytest.fixture(scope="module")
def found(pictures):
    """Red with green, which share no channel, and with yellow, which lights red's too."""
    pairs = [("red", "green"), ("red", "yellow")]
    return predict(pictures, pictures["none"], pairs, Recipe(num_samples=MANY))


def test_colours_of_their_own_channels_succeed_as_often_as_places_differ(found) -> None:
    row = found.table.iloc[0]
    assert row.ceiling == 0.75
    spread = math.sqrt(0.75 * 0.25 / MANY)
    assert abs(row.success - 0.75) < 4 * spread
    assert row.success_low < 0.75 < row.success_high
    # in one place they are yellow, which is neither
    assert row.success + row.neither == 1
    assert (row.cosine, row.num_samples) == (0, MANY)
    assert abs(row.interaction) < 1e-6


def test_a_shared_channel_keeps_red_and_yellow_from_composing(found) -> None:
    row = found.table.iloc[1]
    assert row.success <= 0.375
    assert row.cosine == pytest.approx(1 / math.sqrt(2), abs=1e-6)
    assert row.interaction > 0.2


def test_the_outcomes_of_a_pair_sum_to_one(found) -> None:
    outcomes = ["success", "extra", "together", "first_only", "second_only", "neither"]
    assert np.allclose(found.table[outcomes].sum(axis=1), 1)
    assert list(found.table.columns) == COLUMNS
    # a quarter of the picture's nine-pixel places, a third or two of its channels
    share = 9 / 64 / 3
    assert found.brightness == pytest.approx(
        {"red": 255 * share, "green": 255 * share, "yellow": 510 * share}, abs=1e-3
    )


def test_samples_of_a_pair_do_not_depend_on_which_others_are_asked_for(pictures) -> None:
    points = {name: Points(torch.from_numpy(some)) for name, some in pictures.items()}
    pairs = [("red", "green"), ("blue", "yellow"), ("red", "yellow")]
    calls = []
    together = compose(points["none"], points, pairs, 5, 3, lambda: calls.append(1))
    alone = compose(points["none"], points, pairs[1:2], 5, 3)
    assert torch.allclose(together[1].x, alone[0].x, atol=1e-4)
    assert not torch.allclose(together[0].x, together[2].x, atol=0.1)
    assert len(calls) == NUM_EVALUATIONS


def test_every_sample_follows_its_own_conditions(pictures) -> None:
    points = {name: Points(torch.from_numpy(some)) for name, some in pictures.items()}
    names = list(points)
    asked = [("red", "green"), ("yellow", "red"), ("blue", "green")]
    numbers = torch.tensor([[names.index(name) for name in pair] for pair in asked]).T
    scores = PairScores(points["none"], list(points.values()), numbers, lambda: None)
    x = torch.randn(3, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    stacked = scores(x, 0.7)
    for sample, pair in enumerate(asked):
        own = x[sample : sample + 1]
        for slot, name in enumerate(("none", *pair)):
            wanted = denoised_to_score(points[name].posterior(own, 0.7).mean, own, 0.7)
            assert torch.allclose(stacked[slot, sample], wanted[0], atol=1e-5)


def test_rounds_hold_every_pair_once_and_no_more_numbers_than_allowed() -> None:
    pairs = [(str(i), str(j)) for i in range(8) for j in range(i)]
    cut = rounds(pairs, 32, 3072)
    assert [pair for some in cut for pair in some] == pairs
    assert max(len(some) for some in cut) * 32 * 3072 <= 2**20
    assert len(rounds(pairs, 10**6, 3072)) == len(pairs)


def test_the_window_cuts_the_interaction_alone(pictures, found) -> None:
    pair = [("red", "yellow")]
    high = predict(pictures, pictures["none"], pair, Recipe(num_samples=MANY, window=(20, 100)))
    assert high.table.success[0] == found.table.success[1]
    # at great noise the deltas are those of the means
    assert high.table.interaction[0] == pytest.approx(high.table.cosine[0], abs=0.02)
    with pytest.raises(ConfigError, match="one of the noise levels 80, "):
        Recipe(window=(90, 100))


def test_the_absolute_interaction_adds_up_over_windows_and_is_nothing_without_overlap(
    pictures, found
) -> None:
    assert found.table.absolute[0] == pytest.approx(0, abs=1e-3)
    pair = [("red", "yellow")]
    parts = [
        predict(pictures, pictures["none"], pair, Recipe(num_samples=MANY, window=window))
        for window in ((0.0, 1.0), (1.0, 100.0))
    ]
    nats = [part.table.absolute[0] for part in parts]
    assert min(nats) > 0
    assert sum(nats) == pytest.approx(found.table.absolute[1], rel=1e-5)


def test_many_pictures_are_drawn_from_and_the_seed_says_which(pictures) -> None:
    more = {name: some.repeat(20, 0) for name, some in pictures.items()}
    pair = [("red", "green")]
    tables = [
        predict(more, more["none"], pair, Recipe(num_samples=8, most=30, seed=seed)).table
        for seed in (0, 0, 1)
    ]
    assert tables[0].equals(tables[1])
    assert not tables[0].equals(tables[2])


def test_conditions_that_nothing_can_be_said_of_are_named(pictures) -> None:
    pair, none = [("red", "green")], pictures["none"]
    with pytest.raises(FileFormatError, match=r"^green: at least two pictures .* got 1: give more"):
        predict({**pictures, "green": pictures["green"][:1]}, none, pair, Recipe())
    with pytest.raises(FileFormatError, match=r"^green: pictures that differ .* 13 of 255 steps"):
        predict({**pictures, "green": none + np.uint8(5)}, none, pair, Recipe())
