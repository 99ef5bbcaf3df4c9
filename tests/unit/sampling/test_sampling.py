"""Sampling end to end with networks whose distribution is known exactly."""

import hashlib
import json

import numpy as np
import pytest
import torch
from pixel_model import RESOLUTION, PixelModel

from projcomp.composition.linear import LinearField
from projcomp.config.experiments import BackgroundConfig
from projcomp.config.samplers import SamplingConfig
from projcomp.data.images import read_samples
from projcomp.diffusion.batched import BatchedScores
from projcomp.diffusion.noise_levels import edm_sigmas
from projcomp.errors import ConfigError, DeviceError
from projcomp.machine.devices import KEY, torch_device
from projcomp.samplers.result import Move
from projcomp.samplers.start import start_noise
from projcomp.sampling import run
from projcomp.sampling.case import SamplingError, sample_case
from projcomp.sampling.parts import Path, Process
from projcomp.sampling.run import own_files
from projcomp.settings.case import Case
from projcomp.settings.stages import SampleSettings

CPU = torch.device("cpu")
PLACES = [(0.1, 0.1), (0.9, 0.1), (0.4, 0.6), (0.6, 0.9)]


def settings_of(locations=PLACES[:2], colors=(), *, recipe=None, **changes):
    values = {
        "seed": 5,
        "experiment": "A",
        "stream": "A",
        "case": Case(name="case", locations=list(locations), colors=list(colors)),
        "operator": "product",
        "conditionals": "single",
        "background": BackgroundConfig(model="single", condition="empty"),
        "sampling": SamplingConfig(num_steps=4, precision="fp32", **(recipe or {})),
        "num_samples": 3,
    }
    return SampleSettings(**{**values, **changes})


def draw(settings, **models):
    return sample_case(settings, models.__getitem__, CPU)


def pixel(value):
    return round((min(max(value, -1), 1) + 1) * 127.5)


def test_product_puts_an_object_at_every_place():
    drawn = draw(settings_of(PLACES), single=PixelModel(std=1e-4))
    assert drawn.images.shape == (3, RESOLUTION, RESOLUTION, 3)
    assert drawn.images.dtype == np.uint8
    expected = np.full((RESOLUTION, RESOLUTION), pixel(-0.8))
    for x, y in PLACES:
        expected[int(y * RESOLUTION), int(x * RESOLUTION)] = pixel(0.6)
    assert np.abs(drawn.images.astype(int) - expected[None, :, :, None]).max() <= 1


def test_bayes_is_the_product_over_the_unconditional_model():
    own = BackgroundConfig(model="single", condition="unconditional")
    drawn = draw(
        settings_of(operator="bayes", background=own),
        single=PixelModel(std=1e-4, unconditional=-0.2),
    )
    # -0.2 + 2 * (-0.8 + 0.2) off the places, which is darker than black; 0.6 - 0.6 = 0 on them.
    expected = np.full((RESOLUTION, RESOLUTION), pixel(-1.4))
    for x, y in PLACES[:2]:
        expected[int(y * RESOLUTION), int(x * RESOLUTION)] = pixel(-0.2 + 0.8 - 0.6)
    assert np.abs(drawn.images.astype(int) - expected[None, :, :, None]).max() <= 1


@pytest.mark.parametrize(("condition", "level"), [("empty", -0.8), ("unconditional", 0.3)])
def test_no_conditionals_sample_the_background_alone(condition, level):
    model = PixelModel(std=1e-4, unconditional=0.3)
    background = BackgroundConfig(model="single", condition=condition)
    drawn = draw(settings_of([], background=background), single=model)
    assert np.abs(drawn.images.astype(int) - pixel(level)).max() <= 1
    assert drawn.network_evaluations == drawn.field_evaluations == 7
    assert set(model.batches) == {3}


def test_samples_spread_as_their_distribution_does():
    background = BackgroundConfig(model="single", condition="unconditional")
    recipe = SamplingConfig(num_steps=64, precision="fp32")
    settings = settings_of([], background=background, sampling=recipe, num_samples=32)
    drawn = draw(settings, single=PixelModel(std=0.2, unconditional=0.1))
    values = drawn.images / 127.5 - 1
    assert values.mean() == pytest.approx(0.1, abs=0.01)
    assert values.std() == pytest.approx(0.2, rel=0.03)


def test_start_is_scaled_to_the_field_and_the_noise_level():
    """A field that starts narrower by sqrt(1/4), and a predictor that leaves everything there."""

    def stay(field, x, sigma, sigma_next, state, noise):
        return Move(x, state, 0)

    field = LinearField(lambda x, sigma: -torch.stack([x, x]) / sigma**2, (2.0, 2.0))
    sigmas = edm_sigmas(4, 0.002, 80.0, 7.0)
    made = Process(field, Path(sigmas), stay, None, None).run([3, 4], (3, 5, 5), CPU)
    torch.testing.assert_close(made.x, 40.0 * start_noise([3, 4], (3, 5, 5)))


def test_colours_are_asked_for_by_name():
    background = BackgroundConfig(model="colored", condition="empty")
    drawn = draw(
        settings_of([], ["red", "blue"], conditionals="colored", background=background),
        colored=PixelModel(std=1e-4, kind="color"),
    )
    bright = (drawn.images > 128).all((0, 2, 3))
    assert np.flatnonzero(bright).tolist() == [1, 2]


def test_all_conditions_of_a_network_are_one_forward():
    model = PixelModel()
    drawn = draw(settings_of(PLACES), single=model)
    assert model.batches == [5 * 3] * 7
    assert drawn.field_evaluations == 7
    assert drawn.network_evaluations == 35


def test_another_networks_background_is_a_second_forward():
    single, empty = PixelModel(), PixelModel(kind="none")
    background = BackgroundConfig(model="empty", condition="unconditional")
    draw(settings_of(PLACES, background=background), single=single, empty=empty)
    assert single.batches == [4 * 3] * 7
    assert empty.batches == [3] * 7


def test_duplicates_are_evaluated_once_and_still_counted_twice():
    model = PixelModel(std=0.5)
    twice = draw(settings_of([PLACES[0], PLACES[0]]), single=model)
    assert model.batches == [2 * 3] * 7
    assert twice.network_evaluations == 14
    # The same composition asked for by hand: the background's coefficient is -1, the place's 2.
    stack = BatchedScores([(model, torch.tensor(r)) for r in ([2.0, 0, 0], [1.0, 0.1, 0.1])], 99)
    rows = [[2.0, 0, 0], [1.0, 0.1, 0.1], [1.0, 0.1, 0.1]]
    repeated = BatchedScores([(model, torch.tensor(row)) for row in rows], 99)
    x = torch.randn(2, 3, RESOLUTION, RESOLUTION, generator=torch.Generator().manual_seed(0))
    assert repeated.num_distinct == stack.num_distinct == 2
    assert torch.equal(repeated(x, 1.3), stack(x, 1.3)[[0, 1, 1]])


def test_methods_of_one_model_are_one_network():
    """A method is a new object every time it is asked for; it is evaluated once all the same."""
    model = PixelModel(std=0.5)
    row = torch.tensor([1.0, 0.1, 0.1])
    stack = BatchedScores([(model.__call__, row), (model.__call__, row)], 99)
    assert stack.num_distinct == 1
    stack(torch.zeros(3, 3, RESOLUTION, RESOLUTION), 1.0)
    assert model.batches == [3]


def test_stacked_scores_keep_the_order_of_the_requests():
    a, b = PixelModel(std=0.3), PixelModel(std=0.7, unconditional=0.1)
    row = torch.tensor([0.0, 0, 0]), torch.tensor([1.0, 0.1, 0.9])
    requests = [(a, row[0]), (b, row[1]), (a, row[1]), (b, row[0]), (a, row[0])]
    x = torch.randn(4, 3, RESOLUTION, RESOLUTION, generator=torch.Generator().manual_seed(1))
    expected = [(m.mean(c) - x) / (m.std**2 + 0.6**2) for m, c in requests]
    got = BatchedScores(requests, 3)(x, 0.6)
    torch.testing.assert_close(got, torch.stack(expected), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    "lacks",
    [
        torch.OutOfMemoryError("CUDA out of memory"),
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory"),
    ],
)
def test_pieces_shrink_to_what_the_memory_holds(lacks):
    sizes = []

    def denoiser(x, sigma, condition):
        sizes.append(len(x))
        if len(x) > 5:
            raise lacks
        return x * condition[:, :1, None, None]

    requests = [(denoiser, torch.tensor([c])) for c in (0.5, 0.25, 0.125)]
    x = torch.randn(8, 3, 4, 4)
    scores = BatchedScores(requests, 64)
    first = scores(x, 0.5)
    expected = torch.stack([(c - 1) * x / 0.25 for c in (0.5, 0.25, 0.125)])
    torch.testing.assert_close(first, expected)
    assert sizes == [24, 12, 6, *[3] * 8]
    sizes.clear()
    torch.testing.assert_close(scores(x, 0.5), expected)
    assert sizes == [3] * 8  # learned for good


def test_a_device_that_holds_no_image_is_one_clear_line():
    def denoiser(x, sigma, condition):
        raise torch.OutOfMemoryError("CUDA out of memory")

    scores = BatchedScores([(denoiser, torch.zeros(1))], 4)
    with pytest.raises(DeviceError, match=r"^sampling: expected a device whose memory holds"):
        scores(torch.zeros(2, 3, 4, 4), 1.0)


@pytest.mark.parametrize("chunk_size", [1, 3, 7, 11, 64])
def test_memory_is_bounded_and_pieces_change_nothing(chunk_size):
    whole = draw(settings_of(PLACES, num_samples=5), single=PixelModel(std=0.3))
    model = PixelModel(std=0.3)
    recipe = {"chunk_size": chunk_size}
    cut = draw(settings_of(PLACES, num_samples=5, recipe=recipe), single=model)
    assert max(model.batches) <= chunk_size
    assert sum(model.batches) == 5 * 5 * 7
    assert np.array_equal(cut.images, whole.images)


def test_more_samples_keep_the_first_ones():
    few = draw(settings_of(num_samples=2), single=PixelModel(std=0.3))
    many = draw(settings_of(num_samples=64), single=PixelModel(std=0.3))
    assert np.array_equal(many.images[:2], few.images)
    assert not np.array_equal(many.images[0], many.images[1])


@pytest.mark.parametrize(
    "changes",
    [{"seed": 6}, {"stream": "B"}, {"case": Case(name="other", locations=PLACES[:2])}],
)
def test_every_name_of_the_stream_changes_the_noise(changes):
    one = draw(settings_of(), single=PixelModel(std=0.3))
    other = draw(settings_of(**changes), single=PixelModel(std=0.3))
    assert not np.array_equal(one.images, other.images)


@pytest.mark.parametrize("has_bf16", [True, False])
def test_bf16_is_the_networks_alone_and_only_where_the_device_has_it(has_bf16, monkeypatch):
    monkeypatch.setattr("projcomp.networks.precision.computes_bf16", lambda device: has_bf16)

    class Linear(PixelModel):
        def __call__(self, x, sigma, condition):
            seen.append((torch.is_autocast_enabled("cpu"), x.dtype))
            return super().__call__(x, sigma, condition).to(torch.bfloat16)

    seen = []
    recipe = SamplingConfig(num_steps=4, precision="bf16")
    drawn = draw(settings_of(sampling=recipe), single=Linear(std=1e-4))
    assert set(seen) == {(has_bf16, torch.float32)}
    assert not torch.is_autocast_enabled("cpu")
    assert (drawn.images > 128).all(3).sum() == 3 * 2


def test_samples_that_are_not_finite_are_one_clear_line():
    class Broken(PixelModel):
        def __call__(self, x, sigma, condition):
            return super().__call__(x, sigma, condition) / 0.0

    with pytest.raises(SamplingError, match=r"A, case case: .*in 3 of 3") as caught:
        draw(settings_of(), single=Broken())
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("kind", ["operator", "sampler"])
def test_samples_that_are_not_finite_name_the_users_own_file_first(kind, tmp_path):
    """Here a predictor's, whose steps nobody looks into, or a broken model's beside an operator."""
    file = tmp_path / "mine.py"
    file.write_text(
        "from projcomp import ReverseSde\n"
        "def operator(scores, x, sigma):\n    return scores[-1]\n"
        "def predictor():\n    return ReverseSde()\n"
    )
    own = {"name": "own", "file": str(file)}

    class Broken(PixelModel):
        def __call__(self, x, sigma, condition):
            return super().__call__(x, sigma, condition) / 0.0

    chosen = {"operator": own} if kind == "operator" else {}
    if kind == "sampler":
        chosen = {"sampling": SamplingConfig(sampler=own, num_steps=4, precision="fp32")}
    with pytest.raises(SamplingError, match=r"look into \S*mine.py first; then check the models'"):
        draw(settings_of(**chosen), single=Broken())


def test_a_model_that_cannot_be_asked_is_named():
    with pytest.raises(ConfigError, match="conditioned on position for case case, got single"):
        draw(settings_of(), single=PixelModel(kind="color"))


def test_models_of_different_resolutions_are_refused():
    background = BackgroundConfig(model="empty", condition="unconditional")
    with pytest.raises(ConfigError, match="models of one resolution"):
        draw(
            settings_of(background=background),
            single=PixelModel(),
            empty=PixelModel(resolution=16),
        )


def test_devices_by_name():
    assert torch_device("cpu", KEY) == CPU
    if torch.cuda.is_available():
        assert torch_device("gpu", KEY).type == "cuda"
    else:
        assert torch_device("auto", KEY) == CPU
        with pytest.raises(DeviceError, match="expected a GPU"):
            torch_device("gpu", KEY)


def test_run_writes_the_images_and_how_they_were_made(tmp_path, monkeypatch):
    loaded = []

    def load_model(folder, device):
        loaded.append((folder, device))
        return PixelModel()

    monkeypatch.setattr(run, "load_model", load_model)
    folder = tmp_path / "models" / "single"
    folder.mkdir(parents=True)
    (folder / "weights.safetensors").write_bytes(b"weights")
    settings = settings_of()
    run.run(settings, tmp_path / "models", tmp_path / "out.h5", "cpu")

    assert loaded == [(folder, CPU)]
    written = read_samples(tmp_path / "out.h5")
    assert np.array_equal(written.images, draw(settings, single=PixelModel()).images)
    assert written.locations.tolist() == [list(place) for place in PLACES[:2]]
    assert written.colors == []
    assert SampleSettings.model_validate_json(written.attrs["settings"]) == settings
    digest = hashlib.sha256(b"weights").hexdigest()
    assert json.loads(written.attrs["models"]) == {"single": digest}
    assert written.attrs["operator"] == "product"
    assert set(written.measured) == {"log_weight", "interaction", "interaction_map"}
    assert written.measured["interaction_map"].shape == written.images.shape[:3]
    assert written.measured["interaction"].shape == (3, 3, 2, 2)
    assert written.attrs["field_evaluations"] == 7
    assert written.attrs["network_evaluations_per_image"] == 7 * 3
    assert written.attrs["seconds_per_image"] > 0


def test_samples_name_every_file_of_the_users_that_they_were_made_by(tmp_path):
    operator, features = tmp_path / "mine.py", tmp_path / "map.py"
    operator.write_text("def operator(scores, x, sigma):\n    return scores[0]\n")
    features.write_text("def encode(x):\n    return x\n\n\ndef decode(f):\n    return f\n")
    known = {"condition": "position", "datasets": {"single": 1.0}, "bandwidth": 0.03}
    own = {"name": "own", "file": str(features)}
    settings = settings_of(
        operator={"name": "own", "file": str(operator)},
        exact={name: {**known, "features": own} for name in ("single", "other")},
    )
    assert own_files(settings) == [str(operator), str(features)]
