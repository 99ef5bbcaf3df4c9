"""What is right where clutter is composed, against brute force."""

from itertools import combinations, permutations

import numpy as np
import pandas as pd
import pytest
from toy_dataset import open_dataset, write_toy

from projcomp.errors import FileFormatError
from projcomp.evaluation.bayes_counts import composed_counts
from projcomp.evaluation.intervals import wilson
from projcomp.evaluation.make_table import make_table
from projcomp.settings.report import Clutter, TableSettings

ONE_TO_FIVE = [0, 0.2, 0.2, 0.2, 0.2, 0.2]


@pytest.mark.parametrize("num_composed", [1, 2, 3])
@pytest.mark.parametrize("prior", [[0, 0.5, 0.3, 0.2], [0.1, 0.2, 0.3, 0.4], [0, 0, 0, 1]])
def test_the_law_of_counts_is_that_of_all_pictures_one_by_one(prior, num_composed):
    """Pictures are sets of places; p_u^(1 - k) prod p_i is taken of each, with nothing left out."""
    places = range(5)
    pictures = [set(p) for n in range(len(prior)) for p in combinations(places, n)]
    number = np.array([len(picture) for picture in pictures])
    p_u = np.array([prior[n] / (number == n).sum() for n in number])
    label = np.array([[(i in p) / max(len(p), 1) for p in pictures] for i in places])
    conditionals = p_u * label / (p_u * label).sum(1, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        composed = p_u ** (1.0 - num_composed) * conditionals[:num_composed].prod(0)
    composed = np.where(p_u > 0, composed, 0)
    law = [composed[number == n].sum() / composed.sum() for n in range(len(prior))]
    assert composed_counts(prior, num_composed) == pytest.approx(law)


def test_one_to_five_objects_have_the_known_means_and_exact_counts():
    laws = [composed_counts(ONE_TO_FIVE, k) for k in range(1, 6)]
    means = [law @ np.arange(6) for law in laws]
    assert means == pytest.approx([3.00, 3.68, 4.24, 4.67, 5.00], abs=0.005)
    exact = [law[k] for k, law in enumerate(laws, start=1)]
    assert exact == pytest.approx([0.20, 0.18, 0.21, 0.33, 1], abs=0.005)


def test_nothing_composed_leaves_the_pictures_as_they_are():
    prior = [0.5, 0.25, 0.25]
    assert composed_counts(prior, 0).tolist() == prior


def test_beyond_the_fullest_picture_there_is_no_composition():
    assert np.isnan(composed_counts(ONE_TO_FIVE, 6)).all()


def made(root, clutter, places, radius=0.3):
    settings = TableSettings(
        format=1,
        name="clutter",
        kind="clutter",
        seed=0,
        confidence=0.9,
        bootstrap=100,
        cases={"C": list(places)},
        clutter={"C": clutter},
        places=places,
        radius=radius,
    )
    make_table("clutter", settings, root, root / "results" / "clutter.csv")
    return pd.read_csv(root / "results" / "clutter.csv").set_index("case")


PLACES = {"k0": [], "k1": [(0.4, 0.5)], "k2": [(0.4, 0.5), (0.6, 0.5)]}


def filled_by_brute_force(path, count, radius):
    """Scenes among the first ``count`` in which some assignment puts an object at every place."""
    with open_dataset(path) as file:
        number, pixel = file["num_objects"][:count], file["objects"][:count]["pixel"]
    return [
        any(
            all(
                np.hypot(*(centre - place)) <= radius
                for centre, place in zip(p, asked, strict=True)
            )
            for p in permutations(centres[:n], len(asked))
        )
        for n, centres in zip(number, pixel, strict=True)
        for asked in [np.array(PLACES["k2"])]
    ]


def test_chance_is_counted_in_the_training_pictures_own_objects(tmp_path):
    path = write_toy(tmp_path / "data", shards=6)
    clutter = Clutter(datasets={"toy": 1.0}, counts=[0.25, 0.25, 0.25, 0.25])
    table = made(tmp_path, clutter, PLACES)
    filled = filled_by_brute_force(path, 24, 0.3)
    assert 0 < sum(filled) < 24
    assert table["chance"]["k2"] == pytest.approx(sum(filled) / 24)
    assert table.loc["k2", ["chance_low", "chance_high"]].tolist() == pytest.approx(
        wilson(sum(filled), 24, 0.9), rel=1e-5
    )
    assert table["chance"]["k1"] >= table["chance"]["k2"]
    assert np.isnan(table["chance"]["k0"])
    assert table["scenes"].tolist() == [24, 24, 24]
    assert table["mean_count"]["k0"] == 1.5
    assert table["all_places"].tolist()[1:] == [1, 1]


def test_datasets_count_by_their_shares(tmp_path):
    """A quarter of the pictures is from the smaller one, which has room for sixteen in all."""
    path = write_toy(tmp_path / "data", shards=6)
    write_toy(tmp_path / "data", shards=1, name="few")
    clutter = Clutter(datasets={"toy": 0.75, "few": 0.25}, counts=[0.25] * 4)
    table = made(tmp_path, clutter, PLACES)
    expected = sum(filled_by_brute_force(path, 12, 0.3)) + sum(
        filled_by_brute_force(tmp_path / "data" / "few.h5", 4, 0.3)
    )
    assert table["scenes"]["k2"] == 16
    assert table["chance"]["k2"] == pytest.approx(expected / 16)


def test_no_composition_has_empty_cells_but_chance(tmp_path):
    write_toy(tmp_path / "data")
    table = made(tmp_path, Clutter(datasets={"toy": 1.0}, counts=[0, 1]), PLACES)
    assert table.loc["k2", ["mean_count", "exact_count", "all_places"]].isna().all()
    assert table["chance"]["k2"] >= 0


def test_a_dataset_that_is_not_there_is_named(tmp_path):
    with pytest.raises(FileFormatError, match=r"toy\.h5: .*expected, got no"):
        made(tmp_path, Clutter(datasets={"toy": 1.0}, counts=[0, 1]), PLACES)
