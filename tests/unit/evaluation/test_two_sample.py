"""Two-sample statistics against closed forms, brute force, and laws that are known."""

import numpy as np
import pytest
from scipy.special import ndtr

from projcomp.evaluation import two_sample
from projcomp.evaluation.classifier import held_out_accuracy
from projcomp.evaluation.two_sample import (
    compare,
    detectable,
    distances,
    energy_coefficient,
    gaussian_kernel,
    kernel_discrepancy,
    polynomial_kernel,
)

RNG = np.random.default_rng


def told(points, first, seed=0, kernel=distances, statistic=energy_coefficient, **changes):
    return compare(kernel(points), first, statistic, 0.95, rng=RNG(seed), **changes)


def means(matrix, chosen):
    """Means over pairs of different points, in loops."""
    inside = np.flatnonzero(chosen)
    outside = np.flatnonzero(~np.asarray(chosen))

    def mean(a, b):
        return np.mean([matrix[i, j] for i in a for j in b if i != j])

    return mean(inside, inside), mean(outside, outside), mean(inside, outside)


def test_two_points_are_as_far_apart_as_can_be_and_one_point_is_nowhere():
    points = np.repeat([[0.0, 0.0], [3.0, 4.0]], [4, 5], axis=0)
    found = told(points, 4)
    assert (found.value, found.low, found.high) == (1.0, 1.0, 1.0)
    assert found.p_value < 0.02
    assert distances(points)[0, 4] == 5
    assert told(points[:4].repeat(3, 0), 5).value == 0


@pytest.mark.parametrize("statistic", [energy_coefficient, kernel_discrepancy])
def test_value_and_interval_are_those_of_loops(statistic):
    points = RNG(0).normal(size=(9, 2))
    points[:4] += 1
    matrix = distances(points) if statistic is energy_coefficient else gaussian_kernel(points)
    found = compare(matrix, 4, statistic, 0.95, rng=RNG(0), permutations=20)
    chosen = np.arange(9) < 4
    assert found.value == pytest.approx(statistic(*means(matrix, chosen)))
    left = []
    for point in range(9):
        kept = np.arange(9) != point
        left.append(statistic(*means(matrix[np.ix_(kept, kept)], chosen[kept])))
    variance = 3 * np.var(left[:4]) + 4 * np.var(left[4:])
    assert (found.high - found.low) / 2 == pytest.approx(1.959964 * variance**0.5, rel=1e-5)


def test_the_p_value_counts_all_permutations():
    points = np.array([[0.0], [1.0], [2.0], [10.0], [11.0], [12.5]])
    found = told(points, 3, permutations=4000)
    # of the 20 ways to choose three, this one and its mirror image
    assert found.p_value == pytest.approx(0.1, abs=0.015)
    assert found.floor == pytest.approx(0, abs=0.3)
    assert found.value > 0.8


def test_the_energy_of_gaussians_is_the_closed_form():
    far, number = 1.5, 500
    points = RNG(1).normal(size=(2 * number, 1))
    points[:number] += far
    # E|X - Y| of a normal difference with mean ``far`` and variance 2; E|X - X'| = 2 / sqrt(pi)
    across = 2 / np.pi**0.5 * np.exp(-(far**2) / 4) + far * (1 - 2 * ndtr(-far / 2**0.5))
    expected = (2 * across - 4 / np.pi**0.5) / (2 * across)
    found = told(points, number, permutations=9)
    assert found.value == pytest.approx(expected, rel=0.15)
    assert found.low < expected < found.high


def test_the_kernel_distance_of_means_is_the_closed_form():
    """Of a kernel ``x . y`` the squared discrepancy is the distance of the means."""
    points = RNG(2).normal(size=(1000, 3))
    points[:500, 0] += 1
    found = told(
        points, 500, kernel=lambda x: x @ x.T, statistic=kernel_discrepancy, permutations=9
    )
    assert found.value == pytest.approx(1.0, abs=0.3)
    assert found.low < 1 < found.high
    one = polynomial_kernel(np.array([[1.0, 2.0], [3.0, 0.0]]))
    assert one.tolist() == [[(5 / 2 + 1) ** 3, (3 / 2 + 1) ** 3], [(3 / 2 + 1) ** 3, 5.5**3]]


@pytest.mark.parametrize(
    ("kernel", "statistic"),
    [(distances, energy_coefficient), (gaussian_kernel, kernel_discrepancy)],
)
def test_equal_laws_are_told_apart_as_often_as_the_level_says(kernel, statistic):
    rng = RNG(3)
    found = [
        told(rng.exponential(size=(30, 4)), 12, seed, kernel, statistic, permutations=99)
        for seed in range(200)
    ]
    p = np.array([one.p_value for one in found])
    assert 0.02 <= (p <= 0.05).mean() <= 0.09
    assert np.mean([one.value for one in found]) == pytest.approx(0, abs=0.005)
    assert np.mean([one.low <= 0 <= one.high for one in found]) > 0.93


def test_power_grows_with_the_difference():
    rng = RNG(4)

    def power(shift):
        found = []
        for seed in range(40):
            points = rng.normal(size=(50, 5))
            points[:20] += shift
            found.append(told(points, 20, seed, permutations=99).p_value <= 0.05)
        return np.mean(found)

    # a mean shifted by half a standard deviation in five coordinates, and by one
    assert power(1.0) == 1
    assert 0.5 < power(0.5) < 1


def test_what_is_detectable_is_told_as_often_as_it_says():
    rng = RNG(5)
    right, spoilt = rng.normal(size=(80, 3)), rng.normal(size=(40, 3)) + 2
    share = detectable(right, spoilt, 30, 40, 0.95, rng=RNG(0))
    assert 0.2 <= share <= 0.7

    def power(share):
        found = []
        for seed in range(40):
            x = rng.normal(size=(30, 3)) + 2 * (rng.random((30, 1)) < share)
            points = np.concatenate([x, rng.normal(size=(40, 3))])
            found.append(told(points, 30, seed, permutations=99).p_value <= 0.05)
        return np.mean(found)

    assert power(share + 0.1) > 0.75
    assert power(share / 2) < 0.7
    assert detectable(right, right, 30, 40, 0.95, rng=RNG(0)) == np.inf
    assert np.isnan(detectable(right, spoilt, 2, 40, 0.95, rng=RNG(0)))


def test_a_classifier_tells_what_is_apart_and_nothing_else():
    rng = RNG(6)
    apart = held_out_accuracy(
        rng.normal(size=(30, 8)), rng.normal(size=(50, 8)) + 3, 0.95, rng=RNG(0)
    )
    assert (apart.value, apart.high, apart.p_value) == (1, 1, 1 / 200)
    found = []
    for seed in range(60):
        points = rng.normal(size=(32, 40))  # more coordinates than points
        found.append(
            held_out_accuracy(points[:16], points[16:], 0.95, rng=RNG(seed), permutations=99)
        )
    p = [one.p_value for one in found]
    assert np.mean([one.value for one in found]) == pytest.approx(0.5, abs=0.06)
    assert (np.array(p) <= 0.05).mean() <= 0.12
    assert np.mean(p) == pytest.approx(0.5, abs=0.12)


def test_the_classifiers_accuracy_is_that_of_the_best_line():
    """Gaussians two standard deviations apart: the best classifier is right with Phi(1)."""
    rng = RNG(7)
    x, y = rng.normal(size=(2, 300, 2)) * [1, 0.5]
    x[:, 0] += 2
    found = held_out_accuracy(x, y, 0.95, rng=RNG(0), permutations=9)
    assert found.value == pytest.approx(ndtr(1), abs=0.04)
    assert found.low < ndtr(1) < found.high


def test_too_few_points_have_no_numbers():
    points = RNG(8).normal(size=(8, 2))
    for found in (told(points, 2), held_out_accuracy(points[:2], points[2:], 0.95, rng=RNG(0))):
        assert np.isnan(list(vars(found).values())).all()
    assert two_sample.FEWEST == 3


@pytest.mark.parametrize("odd", [np.nan, np.inf])
def test_a_point_that_is_no_number_is_no_equality(odd: float) -> None:
    points = RNG(9).normal(size=(12, 2))
    points[:6] += 9  # far apart, and one coordinate unknown
    points[2, 1] = odd
    with np.errstate(invalid="ignore"):
        found = [
            told(points, 6),
            told(points, 6, kernel=gaussian_kernel, statistic=kernel_discrepancy),
            held_out_accuracy(points[:6], points[6:], 0.95, rng=RNG(0)),
        ]
        assert np.isnan(detectable(points, points[6:], 6, 6, 0.95, rng=RNG(0)))
    assert np.isnan([list(vars(one).values()) for one in found]).all()


def test_the_coefficient_is_nothing_where_a_mean_is_no_number() -> None:
    xx, yy, xy = np.array([[0, 0, 0], [1, 1, 2], [np.nan, 1, 2], [1, 1, np.nan], [np.nan, 0, 0]]).T
    expected = [0, 0.5, np.nan, np.nan, np.nan]
    assert energy_coefficient(xx, yy, xy) == pytest.approx(expected, nan_ok=True)


def test_one_point_many_times_is_equal_to_itself() -> None:
    same = np.ones((8, 2))
    assert gaussian_kernel(same).tolist() == np.ones((8, 8)).tolist()
    assert told(same, 4, kernel=gaussian_kernel, statistic=kernel_discrepancy).p_value == 1


def test_what_is_no_number_has_no_p_value() -> None:
    drawn = np.array([1.0, 2.0])
    assert np.isnan(two_sample.null(np.nan, drawn, 0.95)).all()
    assert np.isnan(two_sample.null(1.0, np.array([1.0, np.nan]), 0.95)).all()
    assert two_sample.null(3.0, drawn, 0.95)[0] == pytest.approx(1 / 3)
