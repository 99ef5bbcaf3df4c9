"""How far a network sees, and what it is told by a map: each pixel by what concerns it."""

import pytest
import torch

from projcomp.config.learning import NetworkConfig
from projcomp.diffusion.pixels import encode
from projcomp.exact.points import Points
from projcomp.networks.condition_map import ConditionMap
from projcomp.networks.conditioning import empty, given, unconditional
from projcomp.networks.denoiser import Denoiser
from projcomp.scenes.vocabulary import COLORS

SIDE, WIDE = 64, 160
LOCAL = NetworkConfig(
    channels=8, multipliers=[1], blocks=1, attention_resolutions=[], conditioning="map"
)


def network(config: NetworkConfig, *, learns_empty: bool = True, side: int = SIDE):
    """A network whose every weight matters."""
    torch.manual_seed(0)
    model = Denoiser(config, side, "position", learns_empty=learns_empty).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith("gain"):
                parameter.fill_(1.0)
    return model


def denoised(model: Denoiser, x: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        sigma = torch.ones(len(rows))
        return model.unet(x.expand(len(rows), -1, -1, -1), sigma.log() / 4, rows)


def extent(changed: torch.Tensor, at: int) -> int:
    """How far from row and column ``at`` the furthest changed pixel lies."""
    rows, columns = changed.nonzero(as_tuple=True)
    return int(torch.maximum((rows - at).abs(), (columns - at).abs()).max())


@pytest.mark.parametrize(
    ("multipliers", "blocks"), [([1], 1), ([1], 2), ([1, 2], 1), ([1, 1, 1], 1)]
)
def test_a_change_beyond_the_reach_changes_nothing(multipliers, blocks):
    config = LOCAL.model_copy(update={"multipliers": multipliers, "blocks": blocks})
    reach = config.reach
    assert reach is not None
    model, rows = network(config, side=WIDE), empty("position")
    x, furthest = torch.randn(1, 3, WIDE, WIDE), 0
    for at in range(WIDE // 2, WIDE // 2 + 2 ** (len(multipliers) - 1)):
        other = x.clone()
        other[..., at, at] += 100.0
        changed = denoised(model, x, rows) != denoised(model, other, rows)
        furthest = max(furthest, extent(changed.any(1)[0], at))
    assert furthest == reach


def test_attention_sees_the_whole_picture():
    config = LOCAL.model_copy(update={"attention_resolutions": [SIDE]})
    assert config.reach is None
    model, x, rows = network(config), torch.randn(1, 3, SIDE, SIDE), empty("position")
    other = x.clone()
    other[..., 0, 0] += 100.0
    changed = (denoised(model, x, rows) != denoised(model, other, rows)).any(1)[0]
    assert changed[-1, -1]


@pytest.mark.parametrize("learns_empty", [False, True])
def test_far_from_its_blob_a_conditional_is_the_background_to_the_bit(learns_empty):
    model = network(LOCAL, learns_empty=learns_empty)
    background = empty("position") if learns_empty else unconditional("position")
    places = given("position", [(0.1, 0.1), (0.9, 0.9)])
    x = torch.randn(1, 3, SIDE, SIDE)
    with torch.no_grad():
        rows = torch.cat([background, places])
        base, *told = model(x.expand(3, -1, -1, -1), torch.full((3,), 0.3), rows)
    first, second = ((one != base).any(0) for one in told)
    assert first.any()
    assert second.any()
    assert not (first & second).any()  # deltas of disjoint supports
    assert not first[SIDE // 2 :].any()
    assert not second[: SIDE // 2].any()
    # so the product of both is each of them where it differs from the background
    composed = base + sum(one - base for one in told)
    assert torch.allclose(composed[:, : SIDE // 2], told[0][:, : SIDE // 2], atol=1e-6)
    assert torch.allclose(composed[:, SIDE // 2 :], told[1][:, SIDE // 2 :], atol=1e-6)


@pytest.mark.parametrize("sigma", [0.05, 0.5, 5.0])
def test_on_a_mixture_of_places_deltas_are_disjoint_as_the_exact_ones_are(sigma):
    """Pictures of a square of any colour at one of two places; noised compositions of both."""
    places, side = [(0.14, 0.14), (0.86, 0.86)], 7
    ground = torch.full((1, SIDE, SIDE, 3), 120, dtype=torch.uint8)
    rng = torch.Generator().manual_seed(1)
    shown = []
    for x, y in places:
        column, row = (int(one * SIDE) - side // 2 for one in (x, y))
        colors = torch.randint(0, 256, (20, 1, 1, 3), generator=rng).to(torch.uint8)
        pictures = ground.repeat(20, 1, 1, 1)
        pictures[:, row : row + side, column : column + side] = colors
        shown.append(pictures)
    both = torch.where(shown[0][:1] != ground, shown[0][:1], shown[1][:1])
    x = encode(both) + sigma * torch.randn(1, 3, SIDE, SIDE, generator=rng)

    exact = [Points(pictures).posterior(x, sigma).mean for pictures in (*shown, ground)]
    model = network(LOCAL)
    rows = torch.cat([given("position", places), empty("position")])
    with torch.no_grad():
        learned = model(x.expand(3, -1, -1, -1), torch.full((3,), sigma), rows)
    supports = [
        [(one - background).abs().amax(0) > 1e-5 for one in told]
        for *told, background in ([one[0] for one in exact], learned)
    ]
    for first, second in supports:
        assert first.any()
        assert second.any()
        assert not (first & second).any()
    # where the exact models' conditions act, the network's may act too
    for exact_one, learned_one in zip(*supports, strict=True):
        assert learned_one[exact_one].float().mean() > 0.9


def test_an_embedding_tells_every_pixel():
    config = LOCAL.model_copy(update={"conditioning": "both"})
    model = network(config)
    x = torch.randn(1, 3, SIDE, SIDE)
    base, told = denoised(model, x, torch.cat([empty("position"), given("position", [(0.1, 0.1)])]))
    assert (told != base).any(0).all()


def test_a_blob_stands_at_its_place_and_ends():
    shown = ConditionMap("position", 32, 0.05, learns_empty=True)
    planes = shown(torch.cat([given("position", [(0.25, 0.5)]), empty("position")]))
    assert planes.shape == (2, 2, 32, 32)
    blob = planes[0, 0]
    weights = blob / blob.sum()
    pixels = (torch.arange(32) + 0.5) / 32
    assert float((weights.sum(0) * pixels).sum()) == pytest.approx(0.25, abs=1e-3)
    assert float((weights.sum(1) * pixels).sum()) == pytest.approx(0.5, abs=1e-3)
    spread = (weights.sum(0) * (pixels - 0.25) ** 2).sum().sqrt()
    assert float(spread) == pytest.approx(0.05, rel=0.02)
    assert not blob[:, int((0.25 + 4 * 0.05) * 32) + 1 :].any()
    assert not planes[1].any()


def test_dropped_is_marked_only_where_empty_is_learnt():
    dropped = unconditional("position")
    marked = ConditionMap("position", 8, 0.1, learns_empty=True)(dropped)
    assert marked.shape == (1, 2, 8, 8)
    assert not marked[:, 0].any()
    assert (marked[:, 1] == 1).all()
    plain = ConditionMap("position", 8, 0.1, learns_empty=False)(dropped)
    assert plain.shape == (1, 1, 8, 8)
    assert not plain.any()


def test_a_color_is_a_plane_of_its_own():
    rows = torch.cat([given("color", ["red", "gray"]), empty("color"), unconditional("color")])
    planes = ConditionMap("color", 8, 0.1, learns_empty=True)(rows)
    assert planes.shape == (4, 9, 8, 8)
    constant = planes[:, :, 0, 0]
    assert torch.equal(planes, constant[:, :, None, None].expand_as(planes))
    names = list(COLORS)
    assert constant.nonzero().tolist() == [
        [0, names.index("red")],
        [1, names.index("gray")],
        [3, 8],
    ]
