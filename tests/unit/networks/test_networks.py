"""EDM2's layers and U-Net against their equations."""

import math
from pathlib import Path

import pytest
import torch

from projcomp.config.learning import NetworkConfig
from projcomp.errors import FileFormatError
from projcomp.networks import conditioning
from projcomp.networks.checkpoint import load_model, save_model
from projcomp.networks.denoiser import Denoiser
from projcomp.networks.layers import (
    MPConv,
    MPFourier,
    mp_cat,
    mp_silu,
    mp_sum,
    mp_sum_weights,
    normalize,
    normalize_weight,
)
from projcomp.networks.unet import Block, UNet, attention
from projcomp.plan.load import load_files

TINY = NetworkConfig(channels=8, multipliers=[1, 2], blocks=1, attention_resolutions=[8])


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


def rms(x: torch.Tensor) -> float:
    return float(x.double().square().mean().sqrt())


def test_silu_keeps_unit_magnitude():
    assert rms(mp_silu(torch.randn(1_000_000))) == pytest.approx(1, abs=0.005)


@pytest.mark.parametrize("t", [0.0, 0.3, 0.5, 1.0])
def test_sum_keeps_unit_magnitude(t):
    a, b = torch.randn(2, 200_000)
    assert rms(mp_sum(a, b, t)) == pytest.approx(1, abs=0.01)
    assert torch.allclose(mp_sum(a, b, t), ((1 - t) * a + t * b) / math.hypot(1 - t, t), atol=1e-6)


@pytest.mark.parametrize("num_b", [8, 24])
def test_cat_keeps_unit_magnitude_and_balances_its_inputs(num_b):
    a, b = torch.randn(4, 8, 40, 40), torch.randn(4, num_b, 40, 40)
    both = mp_cat(a, b)
    assert rms(both) == pytest.approx(1, abs=0.02)
    assert float(both[:, :8].square().sum()) == pytest.approx(
        float(both[:, 8:].square().sum()), rel=0.05
    )


def test_fourier_features_have_unit_variance():
    features = MPFourier(256)(torch.randn(2000))
    assert features.shape == (2000, 256)
    assert rms(features) == pytest.approx(1, abs=0.02)


def test_normalize_is_pixel_norm():
    x = normalize(5 * torch.randn(2, 16, 4, 4), dim=1)
    assert torch.allclose(x.square().mean(1), torch.ones(2, 4, 4), atol=1e-3)


@pytest.mark.parametrize("kernel", [0, 1, 3])
def test_convolution_keeps_unit_magnitude(kernel):
    conv = MPConv(64, 64, kernel).train()
    x = torch.randn(64, 64) if kernel == 0 else torch.randn(8, 64, 32, 32)
    y = conv(x)
    inner = y if kernel == 0 else y[..., 1:-1, 1:-1]
    assert rms(inner) == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize("kernel", [0, 1, 3])
def test_weights_start_and_end_on_the_sphere(kernel):
    conv = MPConv(8, 4, kernel)
    start = conv.weight.detach().clone()
    assert torch.allclose(start, normalize_weight(start), atol=1e-3)
    with torch.no_grad():
        conv.weight.mul_(7.0)
    conv.normalize_weights()
    assert torch.allclose(conv.weight, start, atol=1e-3)


@pytest.mark.parametrize("kernel", [0, 1, 3])
def test_projected_gradient_is_that_of_normalising_in_the_forward_pass(kernel):
    conv = MPConv(8, 4, kernel)
    x = torch.randn(16, 8) if kernel == 0 else torch.randn(2, 8, 8, 8)
    conv(x).square().sum().backward()
    before = conv.weight.grad.clone()
    conv.project_gradient()
    weight = conv.weight.detach().clone().requires_grad_()
    torch.func.functional_call(
        conv, {"weight": normalize_weight(weight)}, (x,)
    ).square().sum().backward()
    assert torch.allclose(conv.weight.grad, weight.grad, atol=1e-3 * float(before.abs().max()))
    assert not torch.allclose(conv.weight.grad, before, atol=1e-3 * float(before.abs().max()))


def test_attention_is_the_same_with_and_without_gradients():
    q, k, v = torch.randn(3, 2, 2, 9, 8).unbind(0)
    with torch.no_grad():
        fused = attention(q, k, v)
    assert torch.allclose(attention(q.requires_grad_(), k, v), fused, atol=1e-5)


@pytest.mark.parametrize("decoder", [False, True])
@pytest.mark.parametrize("attention", [False, True])
def test_block_follows_its_equations(decoder, attention):
    """The folded factors compute exactly silu/.596, lerp/hypot and attention as written."""
    block = Block(16, 24, 12, decoder=decoder, attention=attention).eval()
    block.emb_gain.data.fill_(0.7)
    x, emb = torch.randn(2, 16, 8, 8), torch.randn(2, 12)
    skip = block.conv_skip
    h = x if decoder else normalize(skip(x), 1)
    y = block.conv_0(mp_silu(h)) * (1 + 0.7 * block.emb_linear(emb))[:, :, None, None]
    y = block.conv_1(mp_silu(y))
    out = mp_sum(skip(x) if decoder else h, y, 0.3)
    if attention:
        qkv = normalize(block.attention_qkv(out).reshape(2, 3, 1, 24, 64), 3)
        q, k, v = qkv.unbind(1)
        weights = torch.einsum("nhcq,nhck->nhqk", q, k / math.sqrt(24)).softmax(3)
        attended = torch.einsum("nhqk,nhck->nhcq", weights, v).reshape(2, 24, 8, 8)
        out = mp_sum(out, block.attention_out(attended), 0.3)
    assert torch.allclose(block(x, emb), out, atol=1e-4)


@pytest.mark.parametrize(
    ("decoder", "resample"), [(False, "keep"), (False, "down"), (True, "keep"), (True, "up")]
)
def test_block_keeps_unit_magnitude_in_expectation(decoder, resample):
    """Over draws of the weights; away from the border, where zero padding takes some of it."""
    squares = []
    for _ in range(12):
        block = Block(32, 48, 16, decoder=decoder, resample=resample)
        y = block(torch.randn(2, 32, 16, 16), torch.randn(2, 16))
        squares.append(rms(y[..., 2:-2, 2:-2]) ** 2)
    assert sum(squares) / len(squares) == pytest.approx(1, abs=0.05)


def test_attention_keeps_what_it_adds_to_and_adds_at_most_unit_magnitude():
    """A mean of values is shorter than they are: EDM2 leaves that as it is."""
    keep, take = mp_sum_weights(0.3)
    for _ in range(4):
        block = Block(32, 32, 16, decoder=False, attention=True)
        y = block(torch.randn(4, 32, 16, 16), torch.randn(4, 16))
        assert keep - 0.05 < rms(y[..., 2:-2, 2:-2]) < math.hypot(keep, take) + 0.05
    q, k = torch.randn(2, 2, 1, 9, 8).unbind(0)
    alike = normalize(torch.randn(2, 1, 1, 8), 3).expand(2, 1, 9, 8)
    assert rms(attention(q, k, alike)) == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize(
    ("kind", "rows"),
    [
        (
            "position",
            conditioning.given(
                "position", [(x / 20, y / 20) for x in range(21) for y in range(21)]
            ),
        ),
        ("color", conditioning.given("color", ["gray", "red", "cyan", "yellow"])),
        ("position", conditioning.empty("position")),
        ("color", conditioning.empty("color")),
        ("none", conditioning.empty("none")),
    ],
)
def test_condition_features_have_unit_magnitude(kind, rows):
    """But for the one feature that marks empty, 0 elsewhere: of a colour's nine it is one."""
    features = conditioning.ConditionFeatures(kind, 64, 4.0)(rows)
    assert rms(features) == pytest.approx(1, abs=0.07)


@pytest.mark.parametrize("kind", ["none", "position", "color"])
def test_embedding_has_unit_magnitude_in_expectation(kind):
    config = NetworkConfig(channels=64, multipliers=[1, 2], blocks=1, attention_resolutions=[])
    rows = {
        "none": conditioning.unconditional("none").repeat(64, 1),
        "position": conditioning.given("position", torch.rand(64, 2).numpy()),
        "color": conditioning.given("color", ["gray", "red", "blue", "yellow"] * 16),
    }[kind]
    squares = [rms(UNet(config, 8, kind).embed(torch.randn(64), rows)) ** 2 for _ in range(16)]
    expected = (1 + 8 / 9) / 2 if kind == "color" else 1  # a colour leaves the feature 'empty' at 0
    assert sum(squares) / len(squares) == pytest.approx(expected, abs=0.08)


@pytest.mark.parametrize("kind", ["none", "position", "color"])
def test_unet_keeps_unit_magnitude_at_initialisation(kind):
    """In expectation over the weights, but for what padding and attention take of it."""
    config = NetworkConfig(channels=32, multipliers=[1, 2], blocks=2, attention_resolutions=[8])
    rows = {
        "none": conditioning.unconditional("none").repeat(16, 1),
        "position": conditioning.given("position", torch.rand(16, 2).numpy()),
        "color": conditioning.given("color", ["gray", "red", "blue", "yellow"] * 4),
    }[kind]
    squares = []
    for _ in range(10):
        unet = UNet(config, 16, kind).train()
        unet.out_gain.data.fill_(1.0)
        y = unet(torch.randn(16, 3, 16, 16), torch.randn(16), rows)
        squares.append(rms(y[..., 2:-2, 2:-2]) ** 2)
    assert sum(squares) / len(squares) == pytest.approx(1, abs=0.2)


def test_paper_configuration_has_124_million_weights():
    """EDM2-XS has 124 to 125 million weights (Karras et al. 2024, table 2)."""
    config = NetworkConfig(
        channels=128,
        multipliers=[1, 2, 3, 4],
        blocks=3,
        attention_resolutions=[16, 8],
        coordinate_planes=False,
    )
    with torch.device("meta"):
        model = Denoiser(config, 64, "color")
    assert sum(p.numel() for p in model.parameters()) / 1e6 == pytest.approx(124.5, abs=1.0)


def test_the_papers_position_network_at_128_has_124_million_weights():
    root = Path(__file__).parents[3]
    config = load_files([root / "config.yaml", root / "presets/paper.yaml"]).config
    with torch.device("meta"):
        model = Denoiser(config.network, config.resolution, "position")
    assert sum(p.numel() for p in model.parameters()) == 124_232_229


def test_denoiser_limits():
    """D = x as sigma -> 0 and D does not follow x's scale as sigma -> infinity."""
    model = Denoiser(TINY, 16, "none").eval()
    model.unet.out_gain.data.fill_(1.0)  # it starts at 0, and the network with it
    x, condition = torch.randn(2, 3, 16, 16), conditioning.unconditional("none").repeat(2, 1)
    assert torch.allclose(model(x, torch.full((2,), 1e-5), condition), x, atol=1e-3)
    far = model(1e4 * x, torch.full((2,), 1e4), condition)
    assert rms(far) < 1.0


def test_dropped_given_and_empty_are_told_apart():
    features = conditioning.ConditionFeatures("position", 16, 4.0)
    dropped = features(conditioning.unconditional("position"))
    empty = features(conditioning.empty("position"))
    given = features(conditioning.given("position", [(0.2, 0.7), (0.7, 0.2)]))
    assert torch.all(dropped == 0)
    assert not torch.allclose(empty[0], given[0])
    assert not torch.allclose(given[0], given[1])
    # x is told through the first half of the waves alone.
    other_y = features(conditioning.given("position", [(0.2, 0.1)]))
    assert torch.allclose(given[0, :17], other_y[0, :17])
    assert not torch.allclose(given[0, 17:], other_y[0, 17:])


def test_colors_are_one_hot():
    features = conditioning.ConditionFeatures("color", 1, 1.0)
    rows = features(conditioning.given("color", ["gray", "yellow"]))
    assert rows.nonzero().tolist() == [[0, 1], [1, 8]]


def test_a_part_that_is_not_told_leaves_no_feature():
    features = conditioning.ConditionFeatures("position+color+shape", 16, 4.0)
    told = {"position": (0.2, 0.7), "color": "red", "shape": "cube"}
    partly = [{}, {"color": "red"}, {"position": (0.2, 0.7)}, told]
    none, color, place, whole = features(conditioning.given("position+color+shape", partly))
    assert torch.all(none == 0)
    assert color.nonzero().tolist() == [[1 + 32 + 1]]
    assert place[:33].count_nonzero() == 32
    assert torch.all(place[33:] == 0)
    shape = features(conditioning.given("position+color+shape", [{"shape": "cube"}]))[0]
    assert torch.equal(whole, color + place + shape)


def test_saved_model_is_the_same_function(tmp_path):
    model = Denoiser(TINY, 16, "position")
    model.unet.out_gain.data.fill_(1.0)
    description = {"network": TINY.model_dump(), "resolution": 16, "condition": "position"}
    save_model(tmp_path, model, description)
    loaded = load_model(tmp_path)
    x, sigma = torch.randn(2, 3, 16, 16), torch.tensor([0.5, 2.0])
    condition = conditioning.given("position", [(0.2, 0.3), (0.6, 0.6)])
    assert torch.allclose(loaded(x, sigma, condition), model.eval()(x, sigma, condition), atol=1e-4)


@pytest.mark.parametrize("learns_empty", [True, False])
def test_a_saved_model_told_by_a_map_is_the_same_function(tmp_path, learns_empty):
    config = TINY.model_copy(update={"conditioning": "map", "attention_resolutions": []})
    model = Denoiser(config, 16, "position", learns_empty=learns_empty)
    model.unet.out_gain.data.fill_(1.0)
    described = {"network": config.model_dump(), "resolution": 16, "condition": "position"}
    save_model(tmp_path, model, {**described, "learns_empty": learns_empty})
    loaded = load_model(tmp_path)
    x, sigma = torch.randn(3, 3, 16, 16), torch.tensor([0.5, 2.0, 1.0])
    rows = [conditioning.given("position", [(0.2, 0.3)]), conditioning.empty("position")]
    condition = torch.cat([*rows, conditioning.unconditional("position")])
    assert torch.allclose(loaded(x, sigma, condition), model.eval()(x, sigma, condition), atol=1e-4)


def test_damaged_model_is_named(tmp_path):
    with pytest.raises(FileFormatError, match="no such file"):
        load_model(tmp_path)
    save_model(
        tmp_path,
        Denoiser(TINY, 16, "none"),
        {"network": TINY.model_dump(), "resolution": 16, "condition": "none"},
    )
    weights = tmp_path / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:100])
    with pytest.raises(FileFormatError, match=r"weights\.safetensors"):
        load_model(tmp_path)


@pytest.mark.parametrize("channels", [4, 5, 64, 128, 129, 130, 195, 254, 1021])
def test_attention_takes_any_number_of_channels(channels: int) -> None:
    with torch.device("meta"):
        block = Block(channels, channels, 8, decoder=False, attention=True)
        assert block(torch.zeros(1, channels, 4, 4), torch.zeros(1, 8)).shape[1] == channels
    assert channels % block.num_heads == 0
    assert block.num_heads == max(1, channels // 64) or channels % (channels // 64)
