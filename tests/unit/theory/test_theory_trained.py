"""The experiments with sets of pictures and of points, their reader, and their small trainings."""

import pytest
import torch
from theory_settings import settings_of

from projcomp.composition.mixtures import GaussianMixture
from projcomp.composition.superposition_and import SuperpositionAnd
from projcomp.theory import colored_squares, disjoint_sets, squares
from projcomp.theory.finite_sets import FiniteSet
from projcomp.theory.planar import PlanarDenoiser, network_scores
from projcomp.theory.small_unet import SmallUNet
from projcomp.theory.training import Recipe, by_training, train

RNG = torch.Generator().manual_seed(0)


@pytest.mark.parametrize("sigma", [0.0, 0.1, 1.0, 30.0])
def test_a_finite_sets_score_is_the_mixtures(sigma):
    points = torch.randn(5, 3, generator=RNG, dtype=torch.float64)
    x = torch.randn(40, 3, generator=RNG, dtype=torch.float64)
    exact = GaussianMixture.isotropic(points, 0.3)
    chosen = FiniteSet(points, 0.3)
    torch.testing.assert_close(chosen.score(x, sigma), exact.score(x, sigma))
    torch.testing.assert_close(chosen.mixture.log_density(x, sigma), exact.log_density(x, sigma))
    images = FiniteSet(points.reshape(5, 1, 3, 1), 0.3)
    torch.testing.assert_close(
        images.score(x.reshape(40, 1, 3, 1), sigma).flatten(1), exact.score(x, sigma)
    )


def test_draws_of_a_finite_set_have_its_spread():
    x = FiniteSet(torch.tensor([[0.0, 0.0], [2.0, 0.0]]).double(), 0.5).sample(20_000, rng=RNG)
    assert x.mean(0).tolist() == pytest.approx([1.0, 0.0], abs=0.03)
    assert x.var(0).tolist() == pytest.approx([1.25, 0.25], abs=0.03)


def test_what_is_painted_is_read():
    places = torch.rand(6, 4, 3, generator=RNG)
    torch.testing.assert_close(squares.read_places(squares.paint(places)), places.double())
    red = squares.pictures("red").points
    assert red.shape == (4, 3, 8, 8)
    assert red.flatten(1).sum(1).tolist() == [squares.SQUARE**2] * 4
    assert len(torch.unique(red.flatten(1), dim=0)) == 4
    assert (red[:, 1:] == 0).all()
    assert squares.pictures("yellow").points[:, :2].flatten(1).sum(1).tolist() == [18.0] * 4
    assert squares.pictures(None).points.abs().max() == 0


@pytest.mark.parametrize("colors", [("red", "green"), ("red", "yellow"), ("red", "green", "blue")])
def test_every_composition_is_read_as_what_it_is(colors):
    shown, apart = squares.compositions(colors)
    assert len(shown) == 4 ** len(colors)
    expected = {2: 12, 3: 24}[len(colors)]
    assert int(apart.sum()) == expected
    noise = 0.05 * torch.randn(len(shown), 3, 8, 8, generator=RNG)
    shares = squares.outcomes(squares.paint(shown) + noise, colors)
    share = expected / len(shown)
    assert shares.tolist() == pytest.approx([share, 1 - share, 0.0])
    by_seed = squares.outcomes(squares.paint(shown).reshape(2, -1, 3, 8, 8), colors)
    assert by_seed.shape == (2, 3)
    assert by_seed[:, 0].mean().item() == pytest.approx(share)


def test_what_shows_something_else_is_neither():
    blank = squares.pictures(None).points
    grey = torch.full((1, 3, 8, 8), 0.5).double()
    one = squares.pictures("red").points[:1]
    for picture in (blank, grey, one):
        assert squares.outcomes(picture, ("red", "green")).tolist() == [0.0, 0.0, 1.0]


def test_exact_scores_compose_red_and_green_and_not_red_and_yellow():
    from projcomp.theory.table import Table

    settings = settings_of("colored_squares", num_samples=100, num_steps=40)
    table = Table("colored_squares")
    model = colored_squares.Model(colored_squares.exact_scores, torch.float64, 100)
    apart = {
        colors: colored_squares.compose(table, settings, "exact", model, colors, None)
        for colors in (("red", "green"), ("red", "yellow"))
    }
    assert apart["red", "green"] == pytest.approx(0.75, abs=0.1)
    assert apart["red", "yellow"] < 0.2
    cosines = table.frame().query("quantity == 'cosine of deltas'")["value"].tolist()
    assert cosines[0] == pytest.approx(0.0, abs=1e-12)
    assert 0.5 < cosines[1] < 1.0


@pytest.mark.slow
def test_a_small_network_learns_the_exact_score():
    chosen = FiniteSet(torch.tensor([[1.0, 0.0], [-0.5, 1.0]]).double(), 0.3)
    torch.manual_seed(0)
    model = PlanarDenoiser(0.9)

    def draw(count, rng):
        return chosen.sample(count, rng=rng).float(), torch.zeros(count, 0)

    recipe = Recipe(num_updates=500, batch_size=256, learning_rate=0.006)
    error = train(model, draw, recipe, sigma_data=0.9, rng=torch.Generator().manual_seed(1))
    assert 0 < error < 0.9
    assert not any(p.requires_grad for p in model.parameters())
    for sigma in (0.2, 1.0):
        x = chosen.sample(400, rng=RNG)
        x = x + sigma * torch.randn(x.shape, generator=RNG, dtype=torch.float64)
        wrong = network_scores([model])(x, sigma)[0] - chosen.score(x, sigma)
        # of what remains unknown of a point whose component is known
        unknown = (sigma * 0.3) ** 2 / (sigma**2 + 0.3**2)
        assert sigma**4 * wrong.square().mean() < 0.2 * unknown


def test_or_samples_both_sets_and_averaging_neither():
    settings = settings_of("disjoint_sets", num_samples=200, num_steps=60)
    both, found = disjoint_sets.sets(), {}
    scores = disjoint_sets.exact_scores(both)
    for name in ("average", "OR"):
        field = disjoint_sets.OPERATORS[name](scores)
        _, x = disjoint_sets.run(settings, name, field, 60, 80.0)
        points = torch.cat([chosen.points for chosen in both])
        found[name] = (torch.cdist(x, points).min(1).values < 0.4).double().mean().item()
    assert found["average"] < 0.1
    assert found["OR"] > 0.95


def test_the_gap_of_and_is_small_where_sets_are_far_apart():
    settings = settings_of("disjoint_sets", num_samples=50, num_steps=100)
    both = disjoint_sets.sets()
    field = SuperpositionAnd(disjoint_sets.exact_scores(both), 2)
    _, x = disjoint_sets.run(settings, "and", field, 100, 80.0)
    assert disjoint_sets.gap_of(x, both).abs().median() < 0.5
    assert x[:, 0].abs().max() < 0.1  # the sets are each other's mirror image


def test_every_seeds_samples_go_to_its_own_training():
    """Trainings that scale their score by 1, 2 and 3, for two samples of each of three seeds."""
    stacks = [lambda x, sigma, k=k: torch.stack([k * x, -k * x * sigma]) for k in (1, 2, 3)]
    x = torch.randn(6, 4, generator=RNG)
    scores = by_training(stacks)(x, 0.5)
    scale = torch.tensor([1, 1, 2, 2, 3, 3])[:, None]
    torch.testing.assert_close(scores, torch.stack([scale * x, -0.5 * scale * x]))


def test_only_a_norm_over_the_picture_lets_distant_places_feel_each_other():
    """A pixel changed in one corner: seen in the other only where norms span the picture."""
    torch.manual_seed(0)
    x, sigma, told = torch.randn(1, 3, 24, 24), torch.ones(1), torch.eye(5)[:1]
    changed = x.clone()
    changed[:, :, 0, 0] += 1
    far = {}
    for norm in ("pixel", "group"):
        model = SmallUNet(5, 0.5, norm).double()
        inputs = [picture.double() for picture in (x, changed)]
        outputs = [model(one, sigma.double(), told.double()) for one in inputs]
        far[norm] = float((outputs[1] - outputs[0])[:, :, -2:, -2:].abs().max())
    assert far["pixel"] == 0
    assert far["group"] > 1e-6


@pytest.mark.parametrize("norm", ["pixel", "group"])
def test_the_small_unet_hears_its_condition_and_knows_places(norm):
    torch.manual_seed(0)
    model, x = SmallUNet(5, 0.5, norm), torch.randn(3, 3, 8, 8)
    sigma, told = torch.tensor([0.1, 1.0, 50.0]), torch.eye(5)
    out = model(x, sigma, told[:3])
    assert out.shape == x.shape
    assert (model(x, sigma, told[2:]) - out).flatten(1).abs().amax(1).min() > 1e-4
    flat = model(torch.zeros(1, 3, 8, 8), sigma[1:2], told[:1])[0, :, 2:6, 2:6]
    assert flat.flatten(1).std(1).min() > 1e-4  # the middle is not the same everywhere
    # preconditioned: at little noise it is the picture that counts
    near = model(x, torch.full((3,), 1e-3), told[:3])
    assert (near - x).abs().max() < 0.05
