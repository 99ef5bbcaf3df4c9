"""The page's mathematics against the library's, on the same pictures and the same noise."""

from functools import partial
from itertools import count

import numpy as np
import pytest
import torch
from in_node import in_node, needs_node, normals
from numpy.typing import NDArray
from torch import Tensor

from projcomp.config.features import Luminance, Palette
from projcomp.config.operators import (
    Average,
    Bayes,
    Product,
    SuperpositionAnd,
    SuperpositionOr,
)
from projcomp.config.samplers import Ancestral, Euler, Heun, Sde
from projcomp.diffusion.convert import denoised_to_score
from projcomp.diffusion.noise_levels import edm_sigmas
from projcomp.exact.featured import points_in
from projcomp.exact.points import Points
from projcomp.exact.windows import local_mean
from projcomp.features.colors import GROUND, clevr_colors
from projcomp.features.make import make_features
from projcomp.samplers.process import sample
from projcomp.sampling.operators import compose
from projcomp.sampling.samplers import get_predictor

pytestmark = needs_node

SIDE, COUNT, SETS, SEED = 6, 7, 4, 3
LEVELS = (12, 0.05, 20.0, 7.0)
CLOSE = 1e-3

FOLLOW = """given.cases.map((asked) => {
  const map = Engine.features(asked.features, given.colors);
  const size = map.channels * given.side * given.side;
  const sets = given.pictures.map((bytes) => {
    const data = new Float32Array(bytes.length * size);
    bytes.forEach((one, n) =>
      data.set(map.encode(Pool.picture(one, 0, given.side ** 2)), n * size));
    return Engine.makePoints(data, bytes.length, Float64Array.from(given.logWeights));
  });
  const path = Engine.follow({
    sets: asked.sets.map((k) => sets[k]), operator: asked.operator, sampler: asked.sampler,
    levels: Engine.edmLevels(...given.levels),
    noise: (draw) => Engine.normals(given.seed, 5, draw, size),
    shape: [map.channels, given.side, given.side], window: asked.window,
  });
  const steps = [];
  for (;;) {
    const { value, done } = path.next();
    if (done) return { ...value, picture: map.decode(value.x), steps };
    steps.push(value);
  }
})"""

OPERATORS = {
    "product": Product(weights=[1, 1, 1]),
    "negative": Product(weights=[1.5, 1, -0.5]),
    "bayes": Bayes(),
    "average": Average(weights=[1, 2, 1]),
    "or": SuperpositionOr(),
    "and": SuperpositionAnd(),
}
SAMPLERS = {"heun": Heun(), "euler": Euler(), "sde": Sde(), "ancestral": Ancestral()}
FEATURES = {"rgb": None, "luminance": Luminance(scale=0.3), "palette": Palette()}

CASES = [
    *(("product", sampler, "rgb", 0) for sampler in SAMPLERS),
    *(("negative", sampler, "rgb", 0) for sampler in ("heun", "sde")),
    ("bayes", "heun", "rgb", 0),
    *(("average", sampler, "rgb", 0) for sampler in ("heun", "ancestral")),
    *((operator, "sde", "rgb", 0) for operator in ("or", "and")),
    *((operator, "sde", "rgb", 3) for operator in ("product", "and")),
    *(("product", "heun", features, 0) for features in ("luminance", "palette")),
    ("product", "heun", "palette", 5),
]


def pictures() -> NDArray[np.uint8]:
    """Pictures ``(sets, count, side, side, 3)`` near to each other, so that many carry weight."""
    rng = np.random.default_rng(0)
    shared = rng.integers(60, 190, (SIDE, SIDE, 3))
    noise = rng.integers(-40, 40, (SETS, COUNT, SIDE, SIDE, 3))
    return (shared + noise).astype(np.uint8)


LOG_WEIGHTS = np.log(np.arange(1.0, COUNT + 1)).tolist()


class Replayed:
    """The page's noise of every step, as the library's samplers draw it."""

    def __init__(self, dims: tuple[int, ...]) -> None:
        self._dims, self._draws = dims, count(1)

    def normal(self) -> Tensor:
        return drawn(next(self._draws), self._dims)

    def uniform(self) -> Tensor:
        raise AssertionError("no uniform numbers expected")


def drawn(draw: int, dims: tuple[int, ...]) -> Tensor:
    return torch.from_numpy(normals(SEED, 5, draw, int(np.prod(dims)))).reshape(1, *dims)


def parts(case: tuple[str, str, str, int]):
    """The case's operator and the numbers of its sets: the background first, where there is one."""
    operator = OPERATORS[case[0]]
    return operator, [0, 1, 2, 3] if operator.background_from != "none" else [1, 2, 3]


def by_library(case: tuple[str, str, str, int]):
    operator, sets = parts(case)
    _, sampler, features, window = case
    chosen = make_features(FEATURES[features])
    weights = torch.tensor(LOG_WEIGHTS, dtype=torch.float64)
    points = [points_in(chosen, torch.from_numpy(some), weights) for some in pictures()]
    dims = points[0].dims

    def mean(one: Points, x: Tensor, sigma: float) -> Tensor:
        return local_mean(one, x, sigma, window) if window else one.posterior(x, sigma).mean

    def scores(x: Tensor, sigma: float) -> Tensor:
        stacked = torch.stack([mean(points[k], x, sigma) for k in sets])
        return denoised_to_score(stacked, x, sigma)

    field = compose(operator, scores, 3, lift_end=LEVELS[1], dims=dims, sigma_max=LEVELS[2])
    start = LEVELS[2] * field.start_scale * drawn(0, dims)
    predictor = get_predictor(SAMPLERS[sampler])
    result = sample(field, start, edm_sigmas(*LEVELS), predictor, noise=Replayed(dims))
    return result, chosen.decode(result.x)


@pytest.fixture(scope="module")
def by_page():
    asked = []
    for case in CASES:
        operator, sets = parts(case)
        chosen = FEATURES[case[2]]
        asked.append(
            {
                "operator": {"name": operator.name, "weights": operator.weights_of(3)},
                "sets": sets,
                "sampler": case[1],
                "features": chosen.model_dump() if chosen else {"name": "rgb"},
                "window": case[3],
            }
        )
    flat = [[one.flatten().tolist() for one in some] for some in pictures()]
    colors = [*clevr_colors().tolist(), list(GROUND)]
    found = in_node(
        FOLLOW,
        cases=asked,
        pictures=flat,
        colors=colors,
        side=SIDE,
        logWeights=LOG_WEIGHTS,
        levels=LEVELS,
        seed=SEED,
    )
    return dict(zip(CASES, found, strict=True))


@pytest.mark.parametrize("case", CASES, ids=lambda case: "-".join(map(str, case)))
def test_the_page_composes_as_the_library_does(case, by_page) -> None:
    result, picture = by_library(case)
    found = by_page[case]
    apart = partial(np.allclose, rtol=0, atol=CLOSE)
    assert apart(found["x"], result.x.flatten())
    assert apart(found["picture"], picture.flatten())
    # what it shows on the way ends where the sample does
    assert apart(found["steps"][-1]["denoised"], result.x.flatten())
    assert len(found["steps"]) == LEVELS[0]


@pytest.mark.parametrize("case", [case for case in CASES if case[0] in ("product", "negative")])
def test_the_interaction_is_the_librarys(case, by_page) -> None:
    result, _ = by_library(case)
    records, found = result.state.records(), by_page[case]["record"]
    assert np.allclose(found["levels"], result.state.levels)
    wanted = records["interaction"][0].numpy()
    close = {"rtol": CLOSE, "atol": CLOSE * np.abs(wanted).max()}
    assert np.allclose(found["perLevel"], wanted, **close)
    # the map is a sum over all levels of what changes its sign
    spread = float(np.abs(records["interaction_map"]).max())
    assert np.allclose(
        found["map"], records["interaction_map"].flatten(), rtol=CLOSE, atol=CLOSE * spread
    )
    cosines = in_node("Engine.cosines(given.perLevel)", perLevel=found["perLevel"])
    assert np.allclose(cosines, result.state.normalised[0], atol=CLOSE)


def test_noise_is_standard_normal_and_by_name() -> None:
    found = np.array(in_node("Engine.normals(7, 1, 2, 20001)"), dtype=np.float32)
    assert np.allclose(found, normals(7, 1, 2, 20001), atol=1e-6)
    assert abs(found.mean()) < 0.03
    assert abs(found.std() - 1) < 0.03
    others = [normals(*names, 20001) for names in ((8, 1, 2), (7, 0, 2), (7, 1, 3))]
    assert all(abs(np.corrcoef(found, other)[0, 1]) < 0.03 for other in others)


def test_noise_levels_are_edms() -> None:
    for asked in (LEVELS, (1, 0.01, 20.0, 7.0), (18, 0.002, 80.0, 7.0)):
        found = in_node("Engine.edmLevels(...given.asked)", asked=asked)
        assert np.allclose(found, edm_sigmas(*asked), rtol=1e-12)
