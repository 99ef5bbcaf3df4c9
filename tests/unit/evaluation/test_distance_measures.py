"""Frechet distance, coverage and nearest training images, where the answer is known."""

import numpy as np
import pytest
from scipy.stats import mannwhitneyu

from projcomp.evaluation.coverage import coverage_of_equals, density_and_coverage
from projcomp.evaluation.crops import at_place, elsewhere, window
from projcomp.evaluation.feature_distances import measures
from projcomp.evaluation.frechet import Axes, fitted_distance, frechet, gaussian_distance
from projcomp.evaluation.marginal import against_law, over_places
from projcomp.evaluation.memorised import Nearest, nearer, shrunk
from projcomp.evaluation.two_sample import Compared, distances

RNG = np.random.default_rng


# Frechet ------------------------------------------------------------------------------------------


def test_two_gaussians_have_the_known_distance():
    one = gaussian_distance(np.zeros(1), np.array([[4.0]]), np.array([3.0]), np.array([[1.0]]))
    assert one == pytest.approx(9 + (2 - 1) ** 2)
    # covariances that commute: the squared differences of the standard deviations add up
    turn, _ = np.linalg.qr(RNG(0).normal(size=(4, 4)))
    a, b = np.array([1.0, 2.0, 3.0, 0.0]), np.array([2.0, 2.0, 1.0, 1.0])
    covariances = [(turn * deviations**2) @ turn.T for deviations in (a, b)]
    mean = np.zeros(4)
    found = gaussian_distance(mean, covariances[0], mean, covariances[1])
    assert found == pytest.approx(((a - b) ** 2).sum())
    # of [[2, 1], [1, 2]] and the identity: eigenvalues 3 and 1
    found = gaussian_distance(np.zeros(2), np.array([[2.0, 1], [1, 2]]), np.zeros(2), np.eye(2))
    assert found == pytest.approx((3**0.5 - 1) ** 2)


def test_the_bias_falls_as_one_over_n_and_the_jackknife_takes_it_away():
    """N(0, I) against N(shift, I) in five coordinates: the squared shift."""
    rng, truth = RNG(1), 5 * 0.4**2
    raw, right, inside = {}, {}, []
    for number in (20, 80):
        pairs = [
            (rng.normal(size=(number, 5)) + 0.4, rng.normal(size=(number, 5))) for _ in range(60)
        ]
        raw[number] = np.mean([fitted_distance(x, y) for x, y in pairs])
        found = [frechet(x, y, 0.95, rng=RNG(0), permutations=1)[1] for x, y in pairs]
        right[number] = np.mean([one.value for one in found])
        inside += [one.low < truth < one.high for one in found]
    bias = {number: value - truth for number, value in raw.items()}
    assert bias[20] / bias[80] == pytest.approx(4, rel=0.35)
    assert abs(right[20] - truth) < bias[20] / 4
    assert abs(right[80] - truth) < bias[80] / 2
    assert np.mean(inside) > 0.85


def test_the_floor_of_equal_laws_is_what_permutations_have():
    rng = RNG(2)
    raw, right = frechet(rng.normal(size=(40, 4)), rng.normal(size=(60, 4)), 0.95, rng=rng)
    assert raw.p_value > 0.05
    assert raw.value == pytest.approx(raw.floor, rel=0.5)
    assert right.low < 0 < right.high
    other, _ = frechet(rng.normal(size=(40, 4)), 2 * rng.normal(size=(60, 4)), 0.95, rng=rng)
    assert other.p_value == 1 / 200
    assert other.value > other.critical > other.floor > 0


def test_the_jackknife_leaves_points_out():
    rng = RNG(3)
    x, y = rng.normal(size=(8, 3)), rng.normal(size=(9, 3)) * 2
    _, right = frechet(x, y, 0.95, rng=rng)
    raw = fitted_distance(x, y)
    without_x = [fitted_distance(np.delete(x, i, 0), y) for i in range(8)]
    without_y = [fitted_distance(x, np.delete(y, i, 0)) for i in range(9)]
    expected = raw - 7 * (np.mean(without_x) - raw) - 8 * (np.mean(without_y) - raw)
    assert right.value == pytest.approx(expected)
    assert np.isnan(frechet(x[:5], y, 0.95, rng=rng)[1].value)


def test_what_the_truth_never_does_is_seen_beside_its_axes():
    rng = RNG(4)
    truth = np.zeros((60, 20))
    truth[:, :3] = rng.normal(size=(60, 3))
    odd = truth[:30].copy()
    odd[:, 12] = 2.0
    axes = Axes.of(truth, 3)
    assert axes.along(truth)[:, 3] == pytest.approx(0, abs=1e-9)
    assert axes.along(odd)[:, 3] == pytest.approx(2.0)
    assert fitted_distance(axes.along(odd), axes.along(truth)) == pytest.approx(4, rel=0.1)


def test_equal_laws_have_p_values_of_equal_laws() -> None:
    """Axes of one set alone would leave more of the other beside them, and p = 0 every time."""
    small = []
    for number in range(40):
        rng = RNG(100 + number)
        x, y = rng.normal(size=(2, 40, 60))
        found = dict(measures(x, y, confidence=0.95, bootstrap=100, rng=lambda name, rng=rng: rng))
        small.append(found["frechet_raw"].p_value <= 0.1)
    assert 0 < np.mean(small) < 0.25


# Density and coverage -----------------------------------------------------------------------------


def both(true, samples, k):
    return density_and_coverage(distances(np.concatenate([samples, true])), len(samples), k)


def test_balls_reach_the_kth_neighbour():
    true = np.array([[0.0], [1.0], [3.0], [7.0]])
    density, covered = both(true, np.array([[0.5], [20.0]]), 1)
    # radii 1, 1, 2 and 4: 0.5 lies in the first two balls
    assert density.tolist() == [2, 0]
    assert covered.tolist() == [True, True, False, False]


def test_equal_laws_have_density_one_and_the_expected_coverage():
    rng, found, dense = RNG(5), [], []
    for _ in range(200):
        density, covered = both(rng.normal(size=(40, 3)), rng.normal(size=(25, 3)), 5)
        found.append(covered.mean())
        dense.append(density.mean())
    assert np.mean(found) == pytest.approx(coverage_of_equals(40, 25, 5), abs=0.015)
    assert np.mean(dense) == pytest.approx(1, abs=0.04)


def test_a_lost_mode_is_not_covered_and_a_foreign_one_is_not_dense():
    rng = RNG(6)
    true = rng.normal(size=(80, 2)) + 20 * (np.arange(80) % 2)[:, None]
    lost = rng.normal(size=(60, 2))
    density, covered = both(true, lost, 5)
    assert covered.mean() <= 0.5
    assert density.mean() == pytest.approx(1, abs=0.3)  # which does not see what is lost
    density, covered = both(true, rng.normal(size=(60, 2)) + 200, 5)
    assert not covered.any()
    assert not density.any()


# Crops --------------------------------------------------------------------------------------------


def test_windows_and_the_rest_are_the_picture():
    images = RNG(7).integers(0, 256, (2, 32, 32, 3), dtype=np.uint8)
    places = [(0.1, 0.5), (0.6, 0.6)]
    assert window(places[1], 0.09, (32, 32)) == (slice(15, 24), slice(15, 24))  # 9 x 9 about 19
    assert window(places[0], 0.09, (32, 32)) == (slice(12, 21), slice(0, 8))  # cut at the border
    crop = at_place(images, places[1], 0.09)
    assert crop[1].tolist() == pytest.approx((images[1, 15:24, 15:24] / 255).ravel().tolist())
    rest = elsewhere(images, places, 0.09)
    whole = images.reshape(2, -1).sum(1) / 255
    assert rest.sum(1) + crop.sum(1) + at_place(images, places[0], 0.09).sum(1) == pytest.approx(
        whole, rel=1e-5
    )
    assert elsewhere(images, [(0.5, 0.5)], 2.0).shape == (2, 0)


# Attributes ---------------------------------------------------------------------------------------


def test_shares_of_attributes_against_their_law():
    counts = np.tile([[2, 0, 0, 0], [0, 0, 1, 1]], (20, 1))
    found = against_law(counts, [0.25] * 4, 0.95, rng=RNG(0))
    assert found.value == pytest.approx(0.25)  # |.5 - .25| + 3 terms, halved
    assert found.p_value == 1 / 1000
    fair = RNG(1).multinomial(2, [0.25] * 4, 40)
    found = against_law(fair, [0.25] * 4, 0.95, rng=RNG(0))
    assert found.p_value > 0.05
    assert 0 < found.floor < found.critical
    assert np.isnan(against_law(np.zeros((3, 4), int), [0.25] * 4, 0.95, rng=RNG(0)).value)


LAW = [1 / 8] * 8


def at_places(colors, seed=0, law=LAW):
    """What is said of colours ``(N, P)``, -1 for no object: of each place, and of all."""
    counts = (np.asarray(colors)[..., None] == np.arange(len(law))).astype(int)
    rng = RNG(seed)
    each = [against_law(part, law, 0.95, rng=rng) for part in np.swapaxes(counts, 0, 1)]
    return each, over_places(counts, each, law, 0.95, rng=rng)


def test_places_that_make_up_for_each_other_are_found():
    each, found = at_places(np.tile(np.arange(8), (64, 1)))  # place i always has colour i
    assert [one.value for one in each] == [7 / 8] * 8
    assert (found.value, found.low, found.high) == (7 / 8, 7 / 8, 7 / 8)
    assert found.p_value == pytest.approx(8 / 1000)
    assert found.floor == pytest.approx(np.mean([one.floor for one in each]))
    assert np.isnan(found.critical)


def test_one_odd_place_among_many_is_found():
    colors = RNG(3).integers(8, size=(64, 9))
    colors[:, 4] = 0
    each, found = at_places(colors)
    assert found.p_value == pytest.approx(9 / 1000)
    assert found.value == pytest.approx(np.mean([one.value for one in each]))


def test_images_of_one_colour_each_are_not_found_more_often_than_the_level_says():
    """The places of an image depend on each other, and each has every colour as often."""
    colors = [RNG(seed).integers(8, size=(64, 1)).repeat(9, axis=1) for seed in range(60)]
    p = [at_places(some, seed)[1].p_value for seed, some in enumerate(colors)]
    assert np.mean(np.array(p) <= 0.05) <= 0.05


def test_the_interval_of_the_mean_over_places_is_over_whole_images():
    """Places that are copies of one have its interval, and not that of nine times the images."""
    colors = RNG(4).integers(8, size=(64, 1)) * RNG(5).integers(2, size=(64, 1))
    one, copies = (at_places(colors.repeat(number, 1))[1] for number in (1, 9))
    assert copies.value == pytest.approx(one.value)
    assert [copies.low, copies.high] == pytest.approx([one.low, one.high], abs=0.03)
    assert copies.high - copies.low > 0.2


def test_a_place_without_objects_is_none_of_the_places():
    colors = np.full((30, 3), -1)
    assert np.isnan(list(vars(at_places(colors)[1]).values())).all()
    colors[:, 1] = 2
    each, found = at_places(colors)
    assert found == each[1]
    colors[:2, 2] = 3  # which some resamples of the images do not have
    each, found = at_places(colors)
    assert found.value == found.low == found.high == 7 / 8
    assert found.p_value == pytest.approx(2 * each[1].p_value)


def test_of_all_places_the_least_p_value_counts_as_often_as_there_are_places():
    counts = np.ones((5, 2, 1), int)
    each = [Compared(0.0, 0.0, 0.0, p, 0.25, 0.5) for p in (0.75, 0.2)]
    found = over_places(counts, each, [1.0], 0.95, rng=RNG(0))
    assert found.p_value == pytest.approx(0.4)
    each[1] = each[0]
    assert over_places(counts, each, [1.0], 0.95, rng=RNG(0)).p_value == 1


# Nearest training images --------------------------------------------------------------------------


def test_the_nearest_of_pieces_is_the_nearest_of_all():
    rng = RNG(8)
    points, others = rng.random((7, 12)), rng.random((50, 12))
    others[31] = points[4]
    found = Nearest(points)
    for piece in (others[:20], others[20:20], others[20:]):
        found.see(piece)
    expected = np.sqrt(((points[:, None] - others) ** 2).sum(-1)).min(1)
    assert found.distances == pytest.approx(expected, abs=1e-3)
    assert found.distances[4] == pytest.approx(0, abs=1e-3)


def test_nearer_is_mann_and_whitneys_statistic():
    rng = RNG(9)
    x, y = rng.integers(0, 6, (15, 1)), rng.integers(1, 7, (20, 1))  # with ties
    found = nearer(x, y, 0.95, rng=RNG(0), permutations=2000)
    expected = mannwhitneyu(x[:, 0], y[:, 0], alternative="less")
    assert found.value == pytest.approx(1 - expected.statistic / 300)
    assert found.p_value == pytest.approx(expected.pvalue, abs=0.02)
    assert found.low < found.value < found.high


def test_copies_are_nearer_and_new_pictures_are_not():
    rng = RNG(10)
    training = rng.random((200, 30))
    renders, new, copies = rng.random((3, 40, 30))
    copies = training[:40] + 0.01 * copies

    def near(points):
        found = Nearest(points)
        found.see(training)
        return found.distances[:, None]

    copied = nearer(near(copies), near(renders), 0.95, rng=RNG(0))
    assert (copied.value, copied.p_value) == (1.0, 1 / 1000)
    made = nearer(near(new), near(renders), 0.95, rng=RNG(0))
    assert made.p_value > 0.01
    assert made.low < 0.5 < made.high


def test_several_parts_of_a_picture_are_one_mean():
    x, y = np.array([[1, 9]] * 4), np.array([[2, 8]] * 5)
    assert nearer(x, y, 0.95, rng=RNG(0)).value == 0.5  # nearer in the one, farther in the other
    assert nearer(x[:, :1], y[:, :1], 0.95, rng=RNG(0)).value == 1


def test_pictures_are_averaged_over_blocks():
    images = RNG(11).integers(0, 256, (2, 70, 70, 3), dtype=np.uint8)
    small = shrunk(images)
    assert small.shape == (2, 35, 35, 3)
    assert small[1, 3, 4].tolist() == pytest.approx(images[1, 6:8, 8:10].mean((0, 1)).tolist())
    assert (shrunk(images[:, :40, :40]) == images[:, :40, :40]).all()
