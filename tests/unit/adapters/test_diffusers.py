"""Pipelines of diffusers: our loop is the pipeline's own, on tiny random ones of every family."""

import json
import math
import re
import shutil
from pathlib import Path
from typing import get_args

import diffusers
import pytest
import torch
from diffusers import (
    DDIMScheduler,
    DDPMScheduler,
    EulerAncestralDiscreteScheduler,
    EulerDiscreteScheduler,
    FlowMatchEulerDiscreteScheduler,
    PNDMScheduler,
)
from peft import LoraConfig, inject_adapter_in_model
from toy_pipelines import SD_SCHEDULE, save_pipelines

from projcomp import (
    Corrector,
    FollowedField,
    Langevin,
    NoiseStreams,
    ReverseSde,
    SuperpositionAnd,
    SuperpositionOr,
    UserError,
    euler,
    product_field,
    start_noise,
    weighted_product,
)
from projcomp.adapters.diffusers import Pipeline, compose
from projcomp.adapters.diffusers.schedule import Schedule, noise_levels, scheduler_named
from projcomp.composition.densities import DensityTracker
from projcomp.config.pipelines import Scheduler
from projcomp.diffusion.batched import BatchedScores
from projcomp.samplers.sde import Ancestral

PAGE = Path(__file__).parents[3] / "docs" / "other_models.md"
SEEDS = [3, 4]
STEPS = 5  # DDIM steps to the next of its steps only where their number divides those of training
GUIDANCE = 3.0
V = {"prediction_type": "v_prediction"}
ZERO_SNR = {**V, "rescale_betas_zero_snr": True, "timestep_spacing": "trailing"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("pipelines")
    save_pipelines(made)
    return made


@pytest.fixture
def load(folder):
    """Loads a pipeline, with another scheduler where one is given."""

    def loaded(name, scheduler=None, **settings):
        absent = {"text_encoder_3": None, "tokenizer_3": None} if name == "sd3" else {}
        pipeline = Pipeline.load(folder / name, **absent)
        if scheduler is None:
            return pipeline
        pipeline.pipe.scheduler = scheduler(**settings)
        return Pipeline(pipeline.pipe)

    return loaded


def guided(scores):
    """Classifier-free guidance as a product."""
    return product_field(scores, [GUIDANCE])


def own_loop(pipeline, monkeypatch, text):
    """The latents of the pipeline's own loop, from our start and with our noise."""
    noise = start_noise(SEEDS, pipeline.dims)
    streams = NoiseStreams(SEEDS, pipeline.dims)
    # the first step from an infinite level takes the start's noise (composition/infinite_noise.py)
    first = [noise] if pipeline.noise_levels(STEPS)[0].isinf() else []
    drawn = lambda *_, **__: first.pop() if first else streams.normal()  # noqa: E731
    for module in ("scheduling_ddpm", "scheduling_euler_ancestral_discrete"):
        monkeypatch.setattr(f"diffusers.schedulers.{module}.randn_tensor", drawn)
    pipe, found = pipeline.pipe, []
    if hasattr(pipe, "labels"):
        start = lambda *_, **__: noise  # noqa: E731
        monkeypatch.setattr("diffusers.pipelines.dit.pipeline_dit.randn_tensor", start)
        decode = pipe.vae.decode
        monkeypatch.setattr(pipe.vae, "decode", lambda z: (found.append(z), decode(z))[1])
        pipe(class_labels=[int(text)] * 2, guidance_scale=GUIDANCE, num_inference_steps=STEPS)
        return found[0] * pipe.vae.config.scaling_factor
    return pipe(
        [text] * 2,
        latents=noise,
        guidance_scale=GUIDANCE,
        num_inference_steps=STEPS,
        output_type="latent",
    ).images


DDPM = (DDPMScheduler, {**SD_SCHEDULE, "clip_sample": False})
DDIM = (DDIMScheduler, {**SD_SCHEDULE, "clip_sample": False})
EULER = (EulerDiscreteScheduler, {**SD_SCHEDULE, "timestep_spacing": "leading"})
EULER_ANCESTRAL = (EulerAncestralDiscreteScheduler, EULER[1])


@pytest.mark.parametrize(
    ("name", "scheduler", "more", "predictor"),
    [
        pytest.param("sd", (), {}, euler, id="sd-ddim-own-last-level"),
        pytest.param("sd", DDPM, {}, Ancestral(), id="sd-ddpm"),
        pytest.param("sd", DDPM, V, Ancestral(), id="sd-ddpm-v"),
        pytest.param("sd", DDPM, {"prediction_type": "sample"}, Ancestral(), id="sd-ddpm-sample"),
        pytest.param("sd", DDPM, ZERO_SNR, Ancestral(), id="sd-ddpm-zero-snr"),
        pytest.param("sd", DDIM, ZERO_SNR, euler, id="sd-ddim-zero-snr"),
        pytest.param("sdxl", (), {}, Ancestral(), id="sdxl-ddpm"),
        pytest.param("sdxl", EULER, {}, euler, id="sdxl-euler"),
        pytest.param("sdxl", EULER_ANCESTRAL, {}, Ancestral(), id="sdxl-euler-ancestral"),
        pytest.param("dit", (), {}, euler, id="dit-ddim"),
        pytest.param("sd3", (), {}, euler, id="sd3-flow"),
    ],
)
def test_our_loop_is_the_pipelines_own(load, monkeypatch, name, scheduler, more, predictor):
    pipeline = load(name, *scheduler[:1], **{**dict(*scheduler[1:]), **more})
    text = "207" if name == "dit" else "an otter"
    ours = compose(
        [pipeline.nothing(), pipeline.prompt(text)], guided, predictor, seeds=SEEDS, levels=STEPS
    ).latents
    theirs = own_loop(pipeline, monkeypatch, text)
    assert float((ours - theirs).abs().max() / theirs.std()) < 1e-4


def test_steps_between_those_of_training_are_the_schedulers_own(load):
    scheduler = EulerDiscreteScheduler(use_karras_sigmas=True, **SD_SCHEDULE)
    pipeline = load("sdxl")
    levels = pipeline.noise_levels(7, scheduler)
    scheduler.set_timesteps(7)
    steps = pipeline.network.schedule.steps(levels[:-1].float())
    torch.testing.assert_close(steps, scheduler.timesteps, atol=2e-3, rtol=0)
    assert (steps != steps.round()).any()


@pytest.mark.parametrize("prediction", ["epsilon", "v_prediction", "sample", "flow"])
def test_every_prediction_is_the_denoised_sample(load, prediction):
    """Of a known sample and a known noise, at levels of training and between them."""
    known = load("sd").network.schedule.levels
    schedule = Schedule(prediction, 1000, known)
    x0, noise = start_noise([1], (3, 2)), start_noise([2], (3, 2))
    for level in (0.05, 1.7, 12.0):
        sigma = torch.tensor([level])
        x = x0 + level * noise
        signal = 1 / (1 + level**2) ** 0.5
        told = {
            "epsilon": noise,
            "v_prediction": signal * noise - level * signal * x0,
            "sample": x0,
            "flow": noise - x0,
        }[prediction]
        torch.testing.assert_close(schedule.denoised(told, x, sigma), x0, atol=2e-5, rtol=1e-4)
        scale = 1 / (1 + level) if prediction == "flow" else signal
        torch.testing.assert_close(schedule.input(x, sigma), scale * x)
        torch.testing.assert_close(schedule.start(noise, level), noise / scale)
    assert torch.equal(schedule.start(noise, math.inf), noise)


def test_levels_are_the_schedulers(load):
    pipeline = load("sd")
    scheduler = PNDMScheduler(skip_prk_steps=True, **SD_SCHEDULE)  # asks its second step twice
    levels = pipeline.noise_levels(5, scheduler)
    abar = scheduler.alphas_cumprod.double()
    steps = [801, 601, 401, 201, 1, 0]
    torch.testing.assert_close(levels, ((1 - abar) / abar).sqrt()[steps])
    flow = load("sd3").noise_levels(2)
    assert flow[0].isinf()
    assert len(flow) == 3
    assert flow[-1] == 0


@pytest.mark.parametrize("kind", [PNDMScheduler, DDIMScheduler, DDPMScheduler])
@pytest.mark.parametrize("other", [None, *get_args(Scheduler)[:2], "EulerDiscreteScheduler"])
@pytest.mark.parametrize("spacing", [{}, {"timestep_spacing": "leading"}])
def test_as_many_steps_as_training_had_go_through_all_of_its_levels(kind, other, spacing):
    """An offset of the steps, which Stable Diffusion has, would ask one after the last."""
    taken = {"skip_prk_steps": True} if kind is PNDMScheduler else {}
    last = {} if kind is DDPMScheduler else {"set_alpha_to_one": False}
    scheduler = own = kind(**SD_SCHEDULE, **last, **taken, **spacing)
    if other is not None:
        scheduler = scheduler_named(other, own)
    abar = own.alphas_cumprod.double()
    trained = ((1 - abar) / abar).sqrt().flip(0)
    expected = torch.cat([trained, torch.zeros(1).double()])
    torch.testing.assert_close(noise_levels(scheduler, 1000), expected, rtol=1e-6, atol=0)
    assert own.config.steps_offset == 1


@pytest.mark.parametrize(
    ("name", "steps", "told"),
    [
        ("KDPM2DiscreteScheduler", 30, "31 that decrease for 30 steps, got 60 of KDPM2Discrete"),
        ("PNDMScheduler", 1001, "1002 that decrease for 1001 steps, got 2 of PNDMScheduler"),
        ("DPMSolverMultistepScheduler", 1000, "got 1000 of DPMSolverMultistepScheduler; take few"),
        ("UniPCMultistepScheduler", 1000, "got 1000 of UniPCMultistepScheduler; take fewer"),
        ("SASolverScheduler", 1000, "got 1000 of SASolverScheduler; take fewer steps"),
        ("DDIMInverseScheduler", 30, "got 31 that do not of DDIMInverseScheduler"),
        ("IPNDMScheduler", 30, "expected a scheduler that has them, by sigmas or alphas_cumprod"),
    ],
)
def test_levels_are_one_more_than_steps_or_refused(name, steps, told):
    settings = {} if name == "IPNDMScheduler" else SD_SCHEDULE
    settings = {**settings, "skip_prk_steps": True} if name == "PNDMScheduler" else settings
    with pytest.raises(UserError, match=f"noise levels: .*{told}"):
        noise_levels(getattr(diffusers, name)(**settings), steps)


def test_a_named_scheduler_has_the_levels_of_its_own_class(folder):
    own = Pipeline.load(folder / "sd")
    for name in get_args(Scheduler):
        made = Pipeline.load(folder / "sd", scheduler=name)
        kind = getattr(diffusers, name)
        assert type(made.pipe.scheduler) is kind
        expected = own.noise_levels(30, kind.from_config(own.pipe.scheduler.config))
        assert torch.equal(made.noise_levels(30), expected)
        torch.testing.assert_close(made.network.schedule.levels, own.network.schedule.levels)
    for name in ("Euler", "UNet2DConditionModel"):
        with pytest.raises(UserError, match="scheduler: expected a scheduler of diffusers by its"):
            Pipeline.load(folder / "sd", scheduler=name)
    for name in ("FlowMatchEulerDiscreteScheduler", "EDMEulerScheduler", "UnCLIPScheduler"):
        with pytest.raises(UserError, match="expected one that keeps the schedule of DDIMSched"):
            Pipeline.load(folder / "sd", scheduler=name)


def test_conditions_are_equal_by_what_was_asked(load):
    pipeline = load("sdxl")
    assert pipeline.prompt("an otter") == pipeline.prompt("an otter")
    assert pipeline.prompt("an otter") != pipeline.prompt("a heron")
    nothing, empty = pipeline.nothing(), pipeline.prompt("")
    assert nothing != empty
    assert not nothing.parts["tokens"].any()
    assert not nothing.parts["pooled"].any()
    assert empty.parts["tokens"].any()
    assert nothing.parts["sizes"].tolist() == [16, 16, 0, 0, 16, 16]
    told = [pipeline.prompt("an otter"), nothing, pipeline.prompt("an otter")]
    scores = BatchedScores([(one.pipeline.network, one) for one in told], 8)
    assert scores.num_distinct == 2


def test_stable_diffusions_nothing_is_the_empty_prompt(load):
    pipeline = load("sd")
    parts = [told.parts["tokens"] for told in (pipeline.nothing(), pipeline.prompt(""))]
    assert torch.equal(*parts)


def test_classes_of_dit_have_names(load):
    pipeline = load("dit")
    pipeline.pipe.labels = {"otter": 360}
    assert int(pipeline.prompt("otter").parts["label"]) == 360
    assert int(pipeline.nothing().parts["label"]) == 1000
    for text in ("heron", "1000", ""):
        with pytest.raises(UserError, match="prompt: expected the name of a class or a number be"):
            pipeline.prompt(text)


@pytest.fixture
def adapted(load):
    """Stable Diffusion with two random adapters, in the network and in the text encoder."""
    pipeline = load("sd")
    torch.manual_seed(2)
    for name in ("dog", "ink"):
        adapter = LoraConfig(r=2, target_modules=["to_q", "to_v"], init_lora_weights=False)
        pipeline.pipe.unet.add_adapter(adapter, adapter_name=name)
        of_text = LoraConfig(r=2, target_modules=["q_proj"], init_lora_weights=False)
        inject_adapter_in_model(of_text, pipeline.pipe.text_encoder, name)
    return pipeline


def alone(pipeline, loras, text, x, sigma):
    """The denoised sample of the pipeline, its adapters set by its own means."""
    pipe = pipeline.pipe
    if loras:
        pipe.enable_lora()
        pipe.set_adapters(list(loras), list(loras.values()))
    else:
        pipe.disable_lora()
    with torch.no_grad():
        tokens = pipe.encode_prompt(text, "cpu", 1, False)[0].expand(len(x), -1, -1)
        level = torch.full((len(x),), sigma)
        inputs = pipeline.network.schedule.input(x, level)
        step = pipeline.network.schedule.steps(level)
        noise = pipe.unet(inputs, step, encoder_hidden_states=tokens).sample
    return pipeline.network.schedule.denoised(noise, x, level)


@pytest.mark.parametrize(
    ("wanted", "calls"),
    [
        ([{}, {"dog": 1.0}, {"ink": 0.5}], 1),
        ([{"dog": 1.0}, {"dog": 1.0}], 1),
        ([{}, {"dog": 1.0}, {"dog": 0.3}], 3),  # of one adapter two weights
        ([{"dog": 1.0, "ink": 0.5}, {"dog": 1.0}], 2),
    ],
)
def test_adapters_share_weights_and_where_they_can_a_batch(adapted, monkeypatch, wanted, calls):
    x, sigma = adapted.start(start_noise(SEEDS, adapted.dims), 2.0), 2.0
    expected = torch.stack([alone(adapted, loras, "a dog", x, sigma) for loras in wanted])
    views = [adapted.with_loras(loras) for loras in wanted]
    told = [view.prompt("a dog") for view in views]
    unet, made = adapted.pipe.unet, []
    forward = unet.forward
    monkeypatch.setattr(unet, "forward", lambda *a, **k: (made.append(1), forward(*a, **k))[1])
    scores = BatchedScores([(one.pipeline.network, one) for one in told], 16)
    with torch.no_grad():
        found = scores.denoised(x, sigma)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)
    assert len(made) == calls
    assert all(view.network is adapted.network for view in views)
    if len(set(map(str, wanted))) > 1:
        assert float((expected[0] - expected[1]).abs().max()) > 1e-3


def test_an_adapter_that_is_not_there_is_refused(adapted):
    with pytest.raises(UserError, match=r"loras: expected adapters of the pipeline \(dog, ink\)"):
        adapted.with_loras({"cat": 1.0})


def test_prompts_are_superposed_with_guidance(load):
    """SuperDiff's AND and OR over the empty prompt, from a finite and from an infinite level."""
    for name in ("sdxl", "sd3"):
        pipeline = load(name)
        told = [pipeline.nothing(), pipeline.prompt("an otter"), pipeline.prompt("a heron")]
        both = compose(
            told,
            lambda scores: SuperpositionAnd(scores, num_models=2, guidance=2.0),
            ReverseSde(),
            seeds=SEEDS,
            levels=STEPS,
        )
        assert both.images.shape == (2, 16, 16, 3)
        assert both.kappa is not None
        torch.testing.assert_close(both.kappa.sum(1), torch.ones(2).double())
        first, second = both.log_densities.T
        torch.testing.assert_close(first, second, atol=0.05, rtol=0)  # equal, as AND has them
        either = compose(
            told[1:],
            lambda scores: SuperpositionOr(
                scores, num_models=2, densities=DensityTracker("hutchinson")
            ),
            euler,
            seeds=SEEDS,
            levels=STEPS,
        )
        torch.testing.assert_close(either.kappa, either.log_densities.softmax(1), atol=0.2, rtol=0)
        assert either.interaction_map is None


def test_a_product_has_its_interaction_and_its_densities(load):
    pipeline = load("sd")
    told = [pipeline.nothing(), pipeline.prompt("an otter"), pipeline.prompt("a heron")]
    weighed = compose(
        told, lambda s: weighted_product(s, [1.0, 1.0]), ReverseSde(), seeds=SEEDS, levels=STEPS
    )
    assert weighed.interaction.shape == (2, STEPS, 2, 2)
    assert weighed.interaction_map.shape == (2, *pipeline.dims)
    torch.testing.assert_close(
        weighed.interaction_map.double().sum((1, 2, 3)),
        weighed.interaction[:, :, 0, 1].sum(1),
        rtol=1e-4,
        atol=1e-6,
    )
    followed = compose(
        told,
        lambda s: FollowedField(product_field(s, [1.0, 1.0])),
        ReverseSde(),
        seeds=SEEDS,
        levels=STEPS,
    )
    torch.testing.assert_close(followed.latents, weighed.latents, rtol=1e-4, atol=1e-4)
    assert followed.log_densities.shape == (2, 3)


def test_a_sample_depends_on_its_own_seed_alone(load):
    """With a corrector, from pure noise: one evaluation a step, and two a level between."""
    pipeline = load("sd3")
    told = [pipeline.nothing(), pipeline.prompt("an otter")]
    corrector = Corrector(Langevin(0.05), steps=2)
    both, one = (
        compose(told, guided, ReverseSde(), seeds=seeds, levels=STEPS, corrector=corrector)
        for seeds in (SEEDS, SEEDS[1:])
    )
    torch.testing.assert_close(both.latents[1:], one.latents, rtol=1e-4, atol=1e-5)
    assert both.num_evaluations == STEPS + 2 * (STEPS - 2)


def test_the_state_is_fp32_whatever_the_networks_precision(folder, load):
    half = Pipeline.load(folder / "sd", dtype=torch.bfloat16)
    assert half.network.model.dtype == torch.bfloat16
    ends = []
    for pipeline in (load("sd"), half):
        told = [pipeline.nothing(), pipeline.prompt("an otter")]
        ends.append(compose(told, guided, euler, seeds=SEEDS, levels=STEPS))
    assert ends[1].latents.dtype == torch.float32
    error = float((ends[1].latents - ends[0].latents).std() / ends[0].latents.std())
    assert 0 < error < 0.1


def test_pictures_are_decoded_in_pieces_that_fit(load, monkeypatch):
    pipeline = load("sd3")
    latents = start_noise(range(5), pipeline.dims)
    with torch.no_grad():
        whole = pipeline.pipe.vae.decode(latents / 0.18215 + 0.06).sample
    decode, sizes = pipeline.pipe.vae.decode, []

    def cramped(z, **settings):
        sizes.append(len(z))
        if len(z) > 2:
            raise torch.OutOfMemoryError
        return decode(z, **settings)

    monkeypatch.setattr(pipeline.pipe.vae, "decode", cramped)
    pictures = torch.from_numpy(pipeline.decode(latents))
    expected = ((whole + 1) * 127.5).clamp(0, 255).permute(0, 2, 3, 1)
    torch.testing.assert_close(pictures.float(), expected, atol=0.51, rtol=0)
    assert sizes == [5, 2, 2, 1]


def test_what_cannot_be_composed_is_one_line(folder, load):
    pipeline = load("sd")
    with pytest.raises(UserError, match="nowhere: expected the folder of a pipeline"):
        Pipeline.load("nowhere")
    with pytest.raises(UserError, match="size: expected a height and a width that 2 divides"):
        Pipeline(pipeline.pipe, height=15)
    with pytest.raises(UserError, match="size: expected a height and a width that 4 divides"):
        Pipeline(load("sd3").pipe, width=18)
    with pytest.raises(UserError, match="noise levels: expected at least 1 step, got 0"):
        pipeline.noise_levels(0)
    with pytest.raises(UserError, match="conditions: expected at least one"):
        compose([], guided, euler, seeds=SEEDS)
    large = Pipeline(pipeline.pipe, height=32).nothing()
    with pytest.raises(UserError, match=r"conditions: expected latents of \(4, 8, 8\)"):
        compose([pipeline.nothing(), large], guided, euler, seeds=SEEDS)
    zero = DDIMScheduler(**{**DDIM[1], **ZERO_SNR, "prediction_type": "epsilon"})
    with pytest.raises(UserError, match="noise levels: expected a finite first one"):
        pipeline.noise_levels(STEPS, zero)
    shifting = FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True)
    with pytest.raises(UserError, match="noise levels: expected settings that FlowMatchEuler"):
        pipeline.noise_levels(STEPS, shifting)
    pipeline.pipe.scheduler.register_to_config(prediction_type="score")
    with pytest.raises(UserError, match="scheduler: expected a schedule of alphas_cumprod"):
        Pipeline(pipeline.pipe)
    pipeline.pipe.vae.register_to_config(latent_channels=3)
    with pytest.raises(UserError, match="pipeline: expected one from text or a label to pict"):
        Pipeline(pipeline.pipe)
    pipeline.pipe.unet.register_to_config(addition_embed_type="image")
    with pytest.raises(UserError, match="pipeline: expected the network of SD 1"):
        Pipeline(pipeline.pipe)


def test_every_network_is_asked_whether_levels_may_begin_at_infinity(load):
    flow, noise = load("sd3"), load("sd")
    told = [flow.nothing(), noise.prompt("an otter")]
    infinite = [math.inf, 2.0, 0.0]
    for conditions, levels in ((told, STEPS), (told, infinite), (told[1:], infinite)):
        with pytest.raises(UserError, match="noise levels: expected a finite first one"):
            compose(conditions, guided, euler, seeds=SEEDS, levels=levels)


def test_levels_may_be_any_sequence_that_decreases(load):
    pipeline = load("sd")
    told = [pipeline.nothing(), pipeline.prompt("an otter")]
    written = [10.0, 1.0, 0.0]
    ends = [
        compose(told, guided, euler, seeds=SEEDS, levels=levels).latents
        for levels in (written, tuple(written), torch.tensor(written))
    ]
    assert torch.equal(ends[0], ends[1])
    assert torch.equal(ends[0], ends[2])
    for wrong in ([], [1.0], [1.0, 2.0], [1.0, -1.0], [1.0, math.nan], 2.5, "ab", [None, 1.0]):
        with pytest.raises(UserError, match="levels: expected a whole number of steps, or at"):
            compose(told, guided, euler, seeds=SEEDS, levels=wrong)
    with pytest.raises(UserError, match="seeds: expected at least one"):
        compose(told, guided, euler, seeds=[], levels=written)


def test_other_numbers_of_models_than_conditions_are_one_line(load):
    pipeline = load("sd")
    told = [pipeline.nothing(), pipeline.prompt("an otter")]
    for composition, line in (
        (lambda s: SuperpositionAnd(s, num_models=3), "num_models: expected 3 stacked scores, got"),
        (lambda s: product_field(s, [1.0, 1.0]), "coefficients: expected 3 stacked scores, got 2"),
    ):
        with pytest.raises(UserError, match=line):
            compose(told, composition, ReverseSde(), seeds=SEEDS, levels=STEPS)


@pytest.fixture
def broken(folder, tmp_path, monkeypatch):
    """A copy of Stable Diffusion's folder, to be broken."""
    monkeypatch.chdir(tmp_path)
    return shutil.copytree(folder / "sd", Path("broken"))


def named(index, **changes):
    index.write_text(json.dumps({**json.loads(index.read_text()), **changes}))


@pytest.mark.parametrize(
    "breaks",
    [
        lambda at: named(at / "model_index.json", _class_name="FooPipeline"),
        lambda at: named(at / "model_index.json", scheduler=["diffusers", "FooScheduler"]),
        lambda at: (at / "model_index.json").write_text("[]"),
        lambda at: (at / "text_encoder/model.safetensors").write_bytes(b"\0" * 100),
        lambda at: named(at / "text_encoder/config.json", hidden_size=32),
        lambda at: named(at / "unet/config.json", block_out_channels=[8, 32]),
    ],
    ids=["class", "scheduler", "index", "damaged", "text encoder", "network"],
)
def test_a_folder_that_is_broken_is_one_line(broken, breaks):
    breaks(broken)
    with pytest.raises(UserError, match=r"broken: expected the folder of a pipeline.*got none th"):
        Pipeline.load(broken)


def test_a_pipeline_without_its_tokenizers_files_is_refused(broken):
    for file in (broken / "tokenizer").iterdir():
        file.unlink()
    told = "broken, tokenizer: expected a tokenizer of the 54 tokens .* got one of 2"
    with pytest.raises(UserError, match=told):
        Pipeline.load(broken)


def test_pipelines_of_other_kinds_are_one_line(load):
    pipe = load("sd").pipe
    pipe.unet.register_to_config(addition_embed_type="text")  # DeepFloyd's, in pixels
    with pytest.raises(UserError, match="with UNet2DConditionModel, text; write a denoiser"):
        Pipeline(pipe)
    pipe.unet.register_to_config(addition_embed_type=None)
    pipe.vae = None
    with pytest.raises(UserError, match="pipeline: expected one with a vae"):
        Pipeline(pipe)


def test_the_page_runs_and_comes_out_as_it_says(folder, monkeypatch):
    monkeypatch.chdir(folder)
    names: dict = {}
    for block in re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL):
        exec(block, names)
    assert names["pictures"].shape == names["adapted"].shape == (2, 16, 16, 3)
    first, second = names["log_densities"].T
    torch.testing.assert_close(first, second, atol=0.05, rtol=0)
    assert names["weights"].shape == (2, 2)
    assert names["pairs"].shape == (2, 29, 2, 2)
    assert names["where"].shape == (2, 8, 8)
    assert names["likely"].shape == (2, 3)
    assert len(names["levels"]) == 31
    assert (names["adapted"] != names["composed"].images).any()
