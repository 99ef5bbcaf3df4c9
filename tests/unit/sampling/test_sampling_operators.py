"""Operators and sampler parts end to end, with models whose distribution is known exactly."""

import numpy as np
import pytest
import torch
from pixel_model import RESOLUTION, PixelModel

from projcomp.composition.random_choice import RandomChoice
from projcomp.config.experiments import BackgroundConfig, ExperimentConfig
from projcomp.config.operators import Product
from projcomp.config.samplers import SamplingConfig
from projcomp.plan.cases import color_case, location_case, place_pair_case
from projcomp.sampling.case import sample_case, sample_seed
from projcomp.settings.case import Case
from projcomp.settings.stages import SampleSettings

PLACES = [(0.1, 0.1), (0.9, 0.6)]
EMPTY = BackgroundConfig(model="single", condition="empty")
CPU = torch.device("cpu")
LEVELS = {
    "low": PixelModel(std=0.1, unconditional=-0.5, kind="none"),
    "high": PixelModel(std=0.1, unconditional=0.5, kind="none"),
}


def settings_of(*, recipe=None, **changes):
    values = {
        "seed": 5,
        "experiment": "A",
        "stream": "A",
        "case": Case(name="case", locations=PLACES),
        "operator": "product",
        "conditionals": "single",
        "background": EMPTY,
        "sampling": SamplingConfig(**{"num_steps": 4, "precision": "fp32", **(recipe or {})}),
        "num_samples": 4,
    }
    return SampleSettings(**{**values, **changes})


def draw(settings, **models):
    return sample_case(settings, models.__getitem__, CPU)


def values(images):
    return images.astype(float).mean(3) / 127.5 - 1


def at(images, place):
    x, y = place
    return values(images)[:, int(y * RESOLUTION), int(x * RESOLUTION)]


def mixture(operator, names=("low", "high"), num_samples=64, sampler="heun"):
    settings = settings_of(
        case=Case(name="n1", num_objects=1),
        operator=operator,
        conditionals=None,
        models=list(names),
        background=None,
        num_samples=num_samples,
        recipe={"sampler": sampler, "num_steps": 24},
    )
    return draw(settings, **LEVELS)


def test_weights_are_guidance():
    drawn = draw(settings_of(operator={"name": "product", "weights": 0.5}), single=PixelModel(1e-4))
    assert at(drawn.images, PLACES[0]) == pytest.approx(-0.8 + 0.5 * 1.4, abs=0.01)


def test_a_negative_weight_takes_away():
    case = Case(name="case", locations=PLACES[:1], avoided_locations=PLACES[1:])
    settings = settings_of(case=case, operator={"name": "product", "weights": [-0.1, 1]})
    drawn = draw(settings, single=PixelModel(1e-4))
    assert at(drawn.images, PLACES[0]) == pytest.approx(0.6, abs=0.01)
    assert at(drawn.images, PLACES[1]) == pytest.approx(-0.8 - 0.1 * 1.4, abs=0.01)


def test_negated_conditionals_come_last_in_cases_and_weights():
    assert Product(weights=[-2.0, 1.0, 3.0]).weights_of(3) == [1.0, 3.0, -2.0]
    case = location_case(3, [False, True, True])
    assert case.name == "p2-p3-not-p1"
    assert case.locations == location_case(3).locations[1:]
    assert case.avoided_locations == location_case(1).locations
    assert case.num_composed == 2
    assert color_case(["red", "blue"], [True, False]).name == "red-not-blue"
    assert place_pair_case((3, 7), [False, True]).name == "p7-not-p3"


def test_weights_of_models_follow_those_of_conditions_in_their_order():
    assert Product(weights=[-2.0, 1.0, -3.0, 4.0]).weights_of(2, 2) == [1.0, -2.0, -3.0, 4.0]
    assert Product(weights=[-3.0, 4.0]).weights_of(0, 2) == [-3.0, 4.0]
    assert Product(weights=0.5).weights_of(1, 2) == [0.5] * 3


def test_a_negated_model_is_the_one_whose_weight_is_negative():
    case = Case(name="n1", num_objects=1)
    operator = {"name": "product", "weights": [-0.5, 0.5]}
    settings = settings_of(case=case, operator=operator, conditionals=None, models=["low", "high"])
    drawn = draw(settings, single=PixelModel(0.1), **LEVELS)
    # -0.8 - 0.5 * (-0.5 + 0.8) + 0.5 * (0.5 + 0.8)
    assert values(drawn.images).mean() == pytest.approx(-0.3, abs=0.02)


def test_conditions_of_one_network_compose_with_other_networks():
    case = Case(name="case", locations=PLACES[:1], avoided_locations=PLACES[1:])
    settings = settings_of(
        case=case,
        models=["high", "low"],
        operator={"name": "product", "weights": [-0.1, 1, 0.5, 0.25]},
    )
    drawn = draw(
        settings,
        single=PixelModel(1e-4),
        **{
            name: PixelModel(1e-4, "none", unconditional=level)
            for name, level in (("low", -0.5), ("high", 0.2))
        },
    )
    everywhere = -0.8 + 0.5 * (0.2 + 0.8) + 0.25 * (-0.5 + 0.8)
    assert np.median(values(drawn.images)) == pytest.approx(everywhere, abs=0.01)
    assert at(drawn.images, PLACES[0]) == pytest.approx(1.0)  # 1.175, which is white
    assert at(drawn.images, PLACES[1]) == pytest.approx(everywhere - 0.1 * 1.4, abs=0.01)
    # the background and both places are one network's, the two models others
    assert drawn.network_evaluations == 5 * drawn.field_evaluations


@pytest.mark.parametrize(
    ("operator", "background", "weights", "base"),
    [
        ({"name": "product", "weights": 0.5}, "empty", [0.5, 0.5], -0.8),
        ("bayes", "unconditional", [1.0, 1.0], -0.5),
        ("average", None, [0.5, 0.5], 0.0),
        ({"name": "average", "weights": [1, 3]}, None, [0.25, 0.75], 0.0),
        # equal spreads: the product is narrower, and has the same mean
        ("simple_product", None, [0.5, 0.5], 0.0),
    ],
)
def test_linear_operators_compose_a_condition_with_another_network(
    operator, background, weights, base
):
    settings = settings_of(
        case=Case(name="case", locations=PLACES[:1]),
        models=["other"],
        operator=operator,
        background=background and BackgroundConfig(model="single", condition=background),
        recipe={"num_steps": 24},
    )
    other = PixelModel(1e-4, "none", unconditional=0.2)
    images = draw(settings, single=PixelModel(1e-4), other=other).images

    def expected(single):
        means = [single, 0.2]
        return base + sum(w * (mean - base) for w, mean in zip(weights, means, strict=True))

    assert np.median(values(images)) == pytest.approx(expected(-0.8), abs=0.01)
    assert at(images, PLACES[0]) == pytest.approx(min(expected(0.6), 1.0), abs=0.01)


def test_a_random_choice_is_between_a_condition_and_another_network():
    along = beside("random_choice")
    assert (np.abs(np.abs(along - 0.5) - 0.5) < 0.05).all()
    assert 16 < (along > 0.5).sum() < 48


def beside(operator):
    """A condition of one network and another network, unconditional, by a superposition."""
    settings = settings_of(
        case=Case(name="case", locations=PLACES[:1]),
        models=["high"],
        operator=operator,
        background=None,
        num_samples=64,
        recipe={"sampler": "sde", "num_steps": 48},
    )
    single = PixelModel(std=0.1)
    images = values(draw(settings, single=single, **LEVELS).images).reshape(64, -1)
    ends = [single.mean(torch.tensor([1.0, *PLACES[0]])), LEVELS["high"].mean(torch.zeros(3))]
    first, second = (end[0].flatten().numpy() for end in ends)
    way = second - first
    return (images - first) @ way / (way @ way)


def test_or_of_a_condition_and_another_network_samples_either():
    along = beside("superposition_or")
    assert (np.abs(np.abs(along - 0.5) - 0.5) < 0.05).all()
    assert 16 < (along > 0.5).sum() < 48


@pytest.mark.parametrize("form", ["published", "corrected"])
def test_and_of_a_condition_and_another_network_lies_where_both_are_as_likely(form):
    along = beside({"name": "superposition_and", "form": form})
    assert along == pytest.approx(0.5, abs=0.05)


def test_a_random_choice_is_one_model_for_every_sample():
    drawn = mixture("random_choice")
    level = values(drawn.images).mean((1, 2))
    chosen = drawn.measured["choice"]
    assert level == pytest.approx(np.where(chosen == 1, 0.5, -0.5), abs=0.05)
    assert 16 < chosen.sum() < 48
    alone = mixture("average", names=["high"])
    assert np.array_equal(drawn.images[chosen == 1], alone.images[chosen == 1])


@pytest.mark.parametrize("num_models", [2, 3, 5])
def test_random_choices_are_in_equal_shares(num_models):
    field = RandomChoice(lambda x, sigma: x[None], num_models)
    x = torch.randn(6000, 2, generator=torch.Generator().manual_seed(0))
    counts = torch.bincount(field.init(x, 1.0).model, minlength=num_models)
    expected = 6000 / num_models
    assert (counts - expected).abs().max() < 4 * expected**0.5


def test_or_samples_every_model_and_not_their_mean():
    drawn = mixture("superposition_or", sampler="sde")
    level = values(drawn.images).mean((1, 2))
    assert (np.abs(np.abs(level) - 0.5) < 0.06).all()
    assert 0 < (level > 0).sum() < 64
    assert drawn.measured["log_q"].shape == drawn.measured["kappa"].shape == (64, 2)
    # the model that a sample came from has the greater density there
    log_q = drawn.measured["log_q"]
    assert ((log_q[:, 1] > log_q[:, 0]) == (level > 0)).all()


def test_distant_places_do_not_interact_and_a_control_measures_its_own_error():
    other = BackgroundConfig(model="other", condition="unconditional")
    models = {"single": PixelModel(0.2), "other": PixelModel(0.2, "none", unconditional=-0.79)}
    plain = draw(settings_of(), single=models["single"])
    controlled = draw(settings_of(control=other), **models)
    assert np.array_equal(plain.images, controlled.images)
    assert controlled.network_evaluations == plain.network_evaluations * 4 // 3
    total = controlled.measured["interaction"].sum(1)
    assert total.shape == (4, 3, 3)
    diagonal = np.diagonal(total, axis1=1, axis2=2)
    assert (diagonal[:, :2] > 1).all()
    assert np.abs(total[:, 0, 1]).max() < 1e-5 * diagonal[:, :2].min()
    # the backgrounds differ by 0.01 in every one of 192 numbers, each delta by 1.4 in three
    assert diagonal[:, 2] / diagonal[:, 0] == pytest.approx(192 * 0.01**2 / (3 * 1.4**2), rel=0.05)
    assert total[:, 0, 2] / diagonal[:, 0] == pytest.approx(0.01 / 1.4, rel=0.05)
    assert np.abs(plain.measured["log_weight"]).max() < 1e-3


def test_overlapping_conditions_interact():
    drawn = draw(settings_of(case=Case(name="c", locations=[PLACES[0]] * 2)), single=PixelModel())
    total = drawn.measured["interaction"].sum(1)
    assert total[:, 0, 1] == pytest.approx(total[:, 0, 0], rel=1e-6)
    assert drawn.measured["log_weight"] == pytest.approx(total[:, 0, 1], rel=1e-4)
    overlap = drawn.measured["interaction_map"]
    assert overlap.sum((1, 2)) == pytest.approx(total[:, 0, 1], rel=1e-4)
    row, column = np.unravel_index(overlap.mean(0).argmax(), overlap.shape[1:])
    x, y = PLACES[0]
    assert (column, row) == (int(x * overlap.shape[2]), int(y * overlap.shape[1]))


def test_complift_accepts_what_shows_what_was_asked_for():
    recipe = {"complift": {"num_levels": 4}, "num_steps": 12}
    model = PixelModel(0.3, unconditional=-0.8)
    shown = draw(settings_of(recipe=recipe, num_samples=16), single=model)
    assert shown.measured["lift"].shape == (16, 2)
    assert shown.measured["accepted"].mean() > 0.8
    # conditions that point elsewhere than the samples: those of the empty background
    nothing = settings_of(
        recipe=recipe, num_samples=16, operator={"name": "product", "weights": 0.0}
    )
    assert draw(nothing, single=model).measured["accepted"].mean() < 0.2
    plain = draw(settings_of(recipe={"num_steps": 12}, num_samples=16), single=model)
    assert np.array_equal(plain.images, shown.images)
    # the sampler's evaluations of three distributions, and four levels of three
    assert plain.network_evaluations == 23 * 3
    assert shown.network_evaluations == 23 * 3 + 4 * 3


def test_complift_asks_nothing_of_what_is_avoided():
    case = Case(name="case", locations=PLACES[:1], avoided_locations=PLACES[1:])
    settings = settings_of(
        case=case,
        operator={"name": "product", "weights": [1, -0.1]},
        recipe={"complift": {"num_levels": 2}},
    )
    assert draw(settings, single=PixelModel(0.3)).measured["lift"].shape == (4, 1)


def test_swarms_cost_their_particles_and_tell_their_effective_size():
    swarm = {"swarm": {"particles": 5}, "sampler": "sde"}
    drawn = draw(settings_of(recipe=swarm), single=PixelModel(0.3))
    assert drawn.network_evaluations == 5 * 4 * 3
    assert drawn.measured["effective_size"].shape == (4, 3)
    assert drawn.measured["effective_size"] == pytest.approx(5, rel=1e-3)  # nothing interacts
    assert drawn.measured["log_z"] == pytest.approx(0, abs=1e-2)


def test_a_windowed_swarm_decides_in_its_window_and_records_the_whole_path():
    recipe = {"sampler": "sde", "num_steps": 6}
    window = {"particles": 3, "sigma_min": 0.05, "sigma_max": 5.0}
    windowed = draw(settings_of(recipe={**recipe, "swarm": window}), single=PixelModel(0.3))
    inside = [level for level in windowed.sigmas[1:] if 0.05 <= level <= 5.0]
    assert 0 < len(inside) < 5
    assert windowed.measured["effective_size"].shape == (4, len(inside))
    assert windowed.measured["interaction"].shape[1] == 5  # it is of the whole path


def test_a_correctors_acceptance_is_told_per_sample():
    recipe = {"corrector": {"name": "mala", "steps": 2}, "sampler": "sde"}
    drawn = draw(settings_of(recipe=recipe), single=PixelModel(0.3))
    assert drawn.measured["acceptance"].shape == (4,)
    assert (drawn.measured["acceptance"] > 0.5).all()


@pytest.mark.parametrize(
    ("operator", "sampler", "passes"),
    [
        # the corrected form's directions come from the scores: a pass more, but for the last step
        ({"name": "superposition_and", "form": "corrected"}, "sde", 4 + 3),
        # probes are known beforehand: scores and derivatives in one pass
        ({"name": "superposition_and", "form": "ode"}, "euler", 4),
        ({"name": "superposition_or", "estimator": "hutchinson"}, "euler", 4),
    ],
)
def test_passes_with_forward_derivatives_count_as_evaluations(operator, sampler, passes):
    settings = settings_of(operator=operator, background=None, recipe={"sampler": sampler})
    drawn = draw(settings, single=PixelModel(0.3))
    assert drawn.field_evaluations == 4
    assert drawn.network_evaluations == passes * 2


def test_members_of_a_sweep_start_from_the_same_noise():
    one, other = settings_of(experiment="sweep-a-b"), settings_of(experiment="sweep-a-c")
    assert sample_seed(one, 3) == sample_seed(other, 3)
    assert sample_seed(one, 3, particle=0) == sample_seed(one, 3)
    assert len({sample_seed(one, i, j) for i in range(4) for j in range(4)}) == 16


def test_an_experiment_has_one_kind_of_cases():
    from projcomp.plan.cases import experiment_cases
    from projcomp.plan.places import grid_places

    def names(**asked):
        entry = ExperimentConfig(conditionals="m", num_samples=1, **asked)
        return [case.name for case in experiment_cases(entry, grid_places())]

    assert len(set(names(location_pairs="all"))) == 36
    assert names(location_pairs=[(1, 5)]) == ["p1-p5"]
    assert names(num_objects=[1, 2]) == ["n1", "n2"]
    assert names(num_composed=[2], operator={"name": "product", "weights": [1, -1]}) == ["k1-not1"]
