"""Prompts in the stages of the workflow: samples, scores, table and figure, on tiny pipelines."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from pydantic import TypeAdapter, ValidationError
from safetensors.torch import save_file
from toy_pipelines import SD_SCHEDULE, save_clip, save_pipelines

from projcomp import ReverseSde, SuperpositionAnd, UserError, weighted_product
from projcomp.adapters.clip import Clip
from projcomp.adapters.diffusers import Pipeline, compose
from projcomp.config.judges import ClipJudge, JudgeFromFile
from projcomp.config.section import Name
from projcomp.data.images import SampleSet, read_samples
from projcomp.errors import ConfigError
from projcomp.evaluation.make_table import make_table
from projcomp.evaluation.score import score, scores_of
from projcomp.evaluation.scored import read_scored
from projcomp.plan.load import load, load_files, look_at_files
from projcomp.plan.plan import Plan
from projcomp.plan.stages import sample_settings, score_settings
from projcomp.reporting.draw import draw
from projcomp.samplers.sde import Ancestral
from projcomp.sampling import run as sampling
from projcomp.sampling.case import sample_seed
from projcomp.sampling.prompts import load_pipelines

REPOSITORY = Path(__file__).parents[3]
PRESET = REPOSITORY / "presets" / "sdxl.yaml"
PAGE = REPOSITORY / "docs" / "other_models.md"
PAIR = ["an otter", "a heron"]
STEPS = 4
OVER = {"model": "xl", "condition": {"prompt": ""}}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("pipelines")
    save_pipelines(made)
    save_clip(made / "clip")
    return made


@pytest.fixture(autouse=True)
def here(folder, monkeypatch):
    monkeypatch.chdir(folder)


def plan(experiment: dict[str, Any], **config: Any) -> Plan:
    """A run of one experiment of pipelines, in the folder that they are in."""
    base = {"prompts": [PAIR], "num_samples": 2, "sampling": {"sampler": "sde"}}
    base["sampling"]["num_steps"] = STEPS
    sampling = {**base["sampling"], **experiment.get("sampling", {})}
    models = {name: {"pipeline": name} for name in ("sd", "sdxl", "dit", "sd3")}
    models |= {"xl": {"pipeline": "sdxl"}, "dog": {"pipeline": "sdxl", "lora": "dog"}}
    return Plan(
        load(
            {
                "datasets": {},
                "models": models,
                "sweeps": {},
                "theory": {"experiments": []},
                "experiments": {"both": {**base, **experiment, "sampling": sampling}},
                **config,
            }
        )
    )


def sampled(planned: Plan, name: str | None = None) -> SampleSet:
    """The samples of the one case, made by its stage."""
    name = name or next(iter(planned.run.experiments["both"].cases))
    out = Path(planned.folder.samples("both", name))
    out.parent.mkdir(parents=True, exist_ok=True)
    sampling.run(sample_settings(planned.run, "both", name), Path("models"), out, device="cpu")
    return read_samples(out, name, "both")


def seeds_of(planned: Plan) -> list[int]:
    (name,) = planned.run.experiments["both"].cases
    settings = sample_settings(planned.run, "both", name)
    return [sample_seed(settings, index) for index in range(settings.num_samples)]


def test_a_product_is_the_one_that_the_library_composes(tmp_path):
    planned = plan(
        {
            "conditionals": "xl",
            "background": OVER,
            "operator": {"name": "product", "weights": 2},
            "sampling": {"sampler": "ancestral"},
        },
        root=str(tmp_path),
    )
    look_at_files(planned.run)
    made = sampled(planned)
    pipeline = Pipeline.load("sdxl")
    told = [pipeline.prompt(text) for text in ("", *PAIR)]
    expected = compose(
        told,
        lambda scores: weighted_product(scores, [2.0, 2.0]),
        Ancestral(),
        seeds=seeds_of(planned),
        levels=STEPS,
    )
    assert made.images.shape == (2, 16, 16, 3)
    assert np.abs(made.images.astype(int) - expected.images.astype(int)).max() <= 1
    interaction = made.measured["interaction"]
    assert interaction.shape == (2, STEPS - 1, 2, 2)
    np.testing.assert_allclose(interaction, expected.measured["interaction"], rtol=1e-3)
    assert made.measured["interaction_map"].shape == (2, 8, 8)
    assert made.attrs["network_evaluations_per_image"] == 3 * STEPS
    levels = pipeline.noise_levels(STEPS)
    np.testing.assert_allclose(made.attrs["sigmas"], levels)


def test_a_superposition_with_guidance_keeps_the_densities_equal(tmp_path):
    operator = {"name": "superposition_and", "guidance": 2}
    planned = plan(
        {"conditionals": "xl", "background": OVER, "operator": operator}, root=str(tmp_path)
    )
    made = sampled(planned)
    pipeline = Pipeline.load("sdxl")
    expected = compose(
        [pipeline.prompt(text) for text in ("", *PAIR)],
        lambda scores: SuperpositionAnd(scores, num_models=2, guidance=2.0),
        ReverseSde(),
        seeds=seeds_of(planned),
        levels=STEPS,
    )
    assert expected.kappa is not None
    np.testing.assert_allclose(made.measured["kappa"], expected.kappa, rtol=1e-2, atol=1e-3)
    assert made.measured["log_q"].shape == (2, 2)


def test_an_adapter_is_on_for_its_own_prompts_alone(tmp_path):
    told = {"model": "xl", "told": "case"}
    images = []
    for other in ("dog", "xl"):
        composed = [told, {"model": other, "told": {"prompt": "a dog"}}]
        experiment = {"composed": composed, "operator": "average", "prompts": [["a park"]]}
        images.append(sampled(plan(experiment, root=str(tmp_path))).images)
    assert (images[0] != images[1]).any()
    weightless = {"dog": {"pipeline": "sdxl", "lora": "dog", "lora_weight": 0.0}}
    models = {"xl": {"pipeline": "sdxl"}, **weightless}
    composed = [told, {"model": "dog", "told": {"prompt": "a dog"}}]
    experiment = {"composed": composed, "operator": "average", "prompts": [["a park"]]}
    off = sampled(plan(experiment, root=str(tmp_path), models=models)).images
    assert np.abs(off.astype(int) - images[1].astype(int)).max() <= 1


def test_nothing_is_what_the_pipeline_guides_away_from(tmp_path):
    made = []
    for condition in ("unconditional", {"prompt": ""}):
        over = {"model": "xl", "condition": condition}
        experiment = {"conditionals": "xl", "background": over}
        made.append(sampled(plan(experiment, root=str(tmp_path))).images)
    assert (made[0] != made[1]).any()  # SDXL's are zeros


@pytest.mark.parametrize(
    ("model", "prompts", "more"),
    [
        ("sd3", PAIR, {"sampling": {"sampler": "euler"}}),  # begins at an infinite noise level
        ("dit", [207, 360], {}),
        ("sd", PAIR, {"sampling": {"sampler": "heun", "corrector": {"name": "langevin"}}}),
        ("sd", PAIR, {"sampling": {"swarm": {"particles": 2}}}),
        ("sd", PAIR, {"operator": "superposition_or"}),
    ],
)
def test_every_family_and_part_samples_finite_pictures(model, prompts, more, tmp_path):
    over = {"model": model, "condition": "unconditional"}
    experiment = {"conditionals": model, "background": over, "prompts": [prompts], **more}
    if "operator" in more:
        del experiment["background"]
    made = sampled(plan(experiment, root=str(tmp_path)))
    assert made.images.shape == (2, 16, 16, 3)
    assert made.images.std() > 0
    if "swarm" in more.get("sampling", {}):
        assert {"effective_size", "log_z"} <= set(made.measured)


def test_an_operator_of_the_users_own_is_tried_and_composes(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text("def operator(scores, x, sigma):\n    return scores.mean(0)\n")
    mean = {"conditionals": "xl", "operator": "average"}
    own = {**mean, "operator": {"name": "own", "file": str(file), "background": "none"}}
    first, second = (sampled(plan(one, root=str(tmp_path))).images for one in (mean, own))
    assert np.abs(first.astype(int) - second.astype(int)).max() <= 1


def test_what_a_stage_finds_wrong_is_one_line(tmp_path):
    mixed = {
        "composed": [{"model": "sd", "told": "case"}, {"model": "large", "told": "case"}],
        "operator": "average",
    }
    models = {"sd": {"pipeline": "sd"}, "large": {"pipeline": "sd", "height": 32}}
    with pytest.raises(ConfigError, match="both: expected pipelines with latents of one shape"):
        sampled(plan(mixed, root=str(tmp_path), models=models))
    high = {"sampler": "sde", "corrector": {"name": "langevin", "sigma_min": 1e4}}
    beyond = {"conditionals": "xl", "background": OVER, "sampling": high}
    with pytest.raises(ConfigError, match="sigma_min: expected a window with"):
        sampled(plan(beyond, root=str(tmp_path)))
    foreign = {"dog": {"pipeline": "sdxl", "lora": "sd/unet"}}
    told = {"conditionals": "dog", "operator": "average"}
    with pytest.raises(UserError, match=r"models.dog.lora: sd/unet: expected an adapter of"):
        sampled(plan(told, root=str(tmp_path), models=foreign))
    pickled = {"xl": {"pipeline": "sdxl", "variant": "fp16"}}
    told = {"conditionals": "xl", "operator": "average"}
    with pytest.raises(UserError, match="sdxl: expected the folder of a pipeline"):
        sampled(plan(told, root=str(tmp_path), models=pickled))


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ("other", "Error.* in loading state_dict for UNet2DConditionModel: size mismatch"),
        ("damaged", "Error while deserializing header"),
        ("empty", "nothing in it is for a part of this pipeline"),
    ],
)
def test_an_adapter_that_does_not_load_is_one_line(wrong, told, tmp_path):
    """SDXL's on Stable Diffusion, a damaged file, and one with weights of something else."""
    lora = Path("dog/pytorch_lora_weights.safetensors")
    if wrong != "other":
        lora = Path(shutil.copy(lora, f"{wrong}.safetensors"))
    if wrong == "damaged":
        lora.write_bytes(lora.read_bytes()[:100])
    if wrong == "empty":
        save_file({"lora_A.weight": torch.zeros(2, 2)}, lora)
    pipeline = "sd" if wrong == "other" else "sdxl"
    models = {"dog": {"pipeline": pipeline, "lora": str(lora)}}
    experiment = {"conditionals": "dog", "operator": "average"}
    with pytest.raises(UserError, match=rf"models.dog.lora: {lora}: expected an adapter .*{told}"):
        sampled(plan(experiment, root=str(tmp_path), models=models))


def test_no_network_begins_where_it_predicts_nothing(tmp_path):
    composed = [{"model": name, "told": "case"} for name in ("sd3", "sd")]
    experiment = {"composed": composed, "operator": "average", "sampling": {"sampler": "euler"}}
    with pytest.raises(UserError, match="noise levels: expected a finite first one"):
        sampled(plan(experiment, root=str(tmp_path)))


def test_a_prompt_may_be_the_number_of_a_class():
    prompts = TypeAdapter(list[Name])
    assert prompts.validate_python([207, "360", "an otter"]) == ["207", "360", "an otter"]
    for wrong in (True, 2.5, None, "two\nlines"):
        with pytest.raises(ValidationError):
            prompts.validate_python([wrong])


# The preset ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize("kind", ["PNDMScheduler", "DDIMScheduler"])
def test_table_2_goes_through_all_levels_of_stable_diffusions_training(kind, named, tmp_path):
    """By the scheduler that the preset names, and by the one that the weights come with."""
    weights = Path(shutil.copytree("sd", tmp_path / "sd14"))
    shipped = {**SD_SCHEDULE, "set_alpha_to_one": False, "clip_sample": False}
    shipped |= {"_class_name": kind, "num_train_timesteps": 1000}
    shipped |= {"skip_prk_steps": True} if kind == "PNDMScheduler" else {}
    (weights / "scheduler/scheduler_config.json").write_text(json.dumps(shipped))
    index = json.loads((weights / "model_index.json").read_text())
    index["scheduler"] = ["diffusers", kind]
    (weights / "model_index.json").write_text(json.dumps(index))
    sd14 = {"pipeline": str(weights), "dtype": "fp32", **({} if named else {"scheduler": None})}
    short = {"models": {"sd14": sd14}}
    (tmp_path / "short.yaml").write_text(yaml.safe_dump(short))
    run = load_files([REPOSITORY / "config.yaml", PRESET, tmp_path / "short.yaml"])
    for name in ("joint", "table2-and-sde"):
        case = next(iter(run.experiments[name].cases))
        settings = sample_settings(run, name, case)
        pipeline = load_pipelines(settings.pipelines, torch.device("cpu"))["sd14"]
        scheduler = "EulerDiscreteScheduler" if named else kind
        assert type(pipeline.pipe.scheduler).__name__ == scheduler
        levels = pipeline.noise_levels(settings.sampling.num_steps)
        assert levels.shape == (1001,)
        assert (levels[1:] < levels[:-1]).all()
        assert levels[-1] == 0
        trained = pipeline.network.schedule.levels.flip(0)
        torch.testing.assert_close(levels[:-1], trained, rtol=1e-6, atol=0)


# Judges -------------------------------------------------------------------------------------------


def test_clip_sees_pictures_as_its_own_processor_shows_them(folder):
    processors = pytest.importorskip("transformers.models.clip.image_processing_pil_clip")
    images = np.random.default_rng(0).integers(0, 256, (3, 20, 31, 3), dtype=np.uint8)
    clip = Clip.load("clip")
    side = clip.model.config.vision_config.image_size
    processor = processors.CLIPImageProcessorPil(
        size={"shortest_edge": side}, crop_size={"height": side, "width": side}
    )
    expected = processor(list(images), return_tensors="pt")["pixel_values"]
    torch.testing.assert_close(clip.pixels(images), expected, atol=1e-5, rtol=0)


def test_clips_scores_are_the_models_own_cosines(folder):
    images = np.random.default_rng(0).integers(0, 256, (3, 16, 16, 3), dtype=np.uint8)
    found = scores_of(ClipJudge(folder="clip", chunk_size=2), images, PAIR)
    clip = Clip.load("clip")
    tokens = clip.tokenizer(PAIR, padding=True, return_tensors="pt")
    told = {name: tokens[name] for name in ("input_ids", "attention_mask")}
    with torch.no_grad():
        out = clip.model(**told, pixel_values=clip.pixels(images))
        expected = 100 * out.logits_per_image / clip.model.logit_scale.exp()
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)
    assert np.abs(found).max() <= 100
    with pytest.raises(UserError, match="expected prompts of at most 77 tokens"):
        scores_of(ClipJudge(folder="clip"), images, ["otter " * 20])
    with pytest.raises(UserError, match="sd: expected the folder of a CLIP model"):
        scores_of(ClipJudge(folder="sd"), images, PAIR)


@pytest.mark.parametrize(
    ("breaks", "told"),
    [
        ("tokenizer", "broken: expected a tokenizer of the 54 tokens .* got one of 2; copy the"),
        ("weights", "broken: expected the folder of a CLIP model .*deserializing header"),
        ({"hidden_size": 32}, "broken: expected the folder of a CLIP model"),
        ({"num_hidden_layers": 3}, "broken: expected .*no weights of text_model.encoder.layers.2"),
    ],
)
def test_a_clip_that_is_not_whole_is_refused(breaks, told, monkeypatch, tmp_path):
    """Without its tokenizer all texts would score equally, and without weights at random."""
    broken = Path(shutil.copytree("clip", tmp_path / "broken"))
    monkeypatch.chdir(tmp_path)
    if breaks == "tokenizer":
        for file in broken.glob("tokenizer*"):
            file.unlink()
    elif breaks == "weights":
        (broken / "model.safetensors").write_bytes(b"\0" * 100)
    else:
        config = json.loads((broken / "config.json").read_text())
        config["text_config"] |= breaks
        (broken / "config.json").write_text(json.dumps(config))
    with pytest.raises(UserError, match=told):
        Clip.load("broken")


def test_a_judge_of_the_users_own_says_scores_or_is_refused(tmp_path):
    images = np.zeros((3, 4, 4, 3), np.uint8)
    file = tmp_path / "judge.py"
    judge = JudgeFromFile(file=str(file))
    for text, told in (
        ("def judge(images, prompts): return [[1.0]]", r"expected scores \(3, 2\), got \(1, 1\)"),
        ("def judge(images, prompts): return [[1, float('nan')]] * 3", "expected finite scores"),
        ("def judge(images, prompts): return 1 / 0", "expected code that runs, got ZeroDivision"),
        ("def judge(images): return 0", "expected a function of 2 arguments"),
        ("def other(images, prompts): return 0", "expected one function named judge"),
    ):
        file.write_text(text + "\n")
        with pytest.raises(UserError, match=told):
            scores_of(judge, images, PAIR)


def test_the_table_has_of_every_case_what_was_measured_and_the_least_score(tmp_path):
    file = tmp_path / "judge.py"
    file.write_text(
        "import numpy as np\n"
        "def judge(images, prompts, shift=0.0):\n"
        "    light = images.mean((1, 2, 3))\n"
        "    return np.stack([light + shift, 0 * light + shift], 1)\n"
    )
    chosen = {"judge": {"name": "own", "file": str(file), "settings": {"shift": 3.0}}}
    planned = plan(
        {"conditionals": "xl", "background": OVER, "num_samples": 3},
        root=str(tmp_path),
        evaluation=chosen,
    )
    made = sampled(planned)
    (name,) = planned.run.experiments["both"].cases
    out = Path(planned.folder.scored("both", name))
    out.parent.mkdir(parents=True)
    samples = Path(planned.folder.samples("both", name))
    score(score_settings(planned.run, "both", name), samples, out)
    light = made.images.mean((1, 2, 3)) + 3
    np.testing.assert_allclose(read_scored(out, 3).scores[:, 0], light, rtol=1e-6)
    results = Path(planned.folder.table("prompts"))
    results.parent.mkdir()
    make_table("prompts", planned.tables["prompts"].settings, tmp_path, results)
    table = pd.read_csv(results)
    value = {(row.measure, row.prompt): row.value for row in table.fillna("").itertuples()}
    assert value["score", PAIR[0]] == pytest.approx(light.mean(), rel=1e-4)
    assert value["score", PAIR[1]] == 3
    assert value["least", ""] == pytest.approx(np.minimum(light, 3).mean(), rel=1e-4)
    total = made.measured["interaction"].astype(float).sum(1)
    cosine = total[:, 0, 1] / np.sqrt(total[:, 0, 0] * total[:, 1, 1])
    assert value["interaction", PAIR[0]] == pytest.approx(cosine.mean(), rel=1e-4)
    assert value["network_evaluations", ""] == 3 * STEPS
    assert value["seconds", ""] > 0
    for name, figure in planned.figures.items():
        paths = [Path(planned.folder.figure(name, kind)) for kind in ("png", "svg")]
        paths[0].parent.mkdir(exist_ok=True)
        draw(name, figure.settings, tmp_path, *paths)
        assert all(path.stat().st_size > 1000 for path in paths)
        assert json.loads(planned.figure_settings(name))["titles"]


# The page -----------------------------------------------------------------------------------------


def test_the_pages_experiments_are_sampled_and_scored(tmp_path):
    (block,) = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    told, short = tmp_path / "prompts.yaml", tmp_path / "short.yaml"
    told.write_text(block)
    names = list(yaml.safe_load(block)["experiments"])
    cut = {"num_samples": 2, "sampling": {"num_steps": STEPS}}
    short.write_text(
        yaml.safe_dump({"root": str(tmp_path), "experiments": dict.fromkeys(names, cut)})
    )
    config = REPOSITORY / "config.yaml"
    look_at_files(load_files([config, told]))
    run = load_files([config, told, short])
    assert list(run.prompted.experiments) == names == ["both", "joint", "walk"]
    for name in names:
        case = next(iter(run.experiments[name].cases))
        out = tmp_path / f"{name}.h5"
        sampling.run(sample_settings(run, name, case), Path("models"), out, device="cpu")
        score(score_settings(run, name, case), out, tmp_path / f"{name}.npz", "cpu")
        made, found = read_samples(out, case, name), read_scored(tmp_path / f"{name}.npz", 2)
        assert made.images.shape == (2, 16, 16, 3)
        assert len(found.prompts) == 2
    assert "`an-otter_a-heron-73d4e6d9`" in PAGE.read_text(encoding="utf-8")
    assert "an-otter_a-heron-73d4e6d9" in run.experiments["both"].cases
