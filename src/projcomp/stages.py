"""What each stage depends on: one settings model per stage, built from the config.

A rule hands its stage these settings as JSON in its ``params``, so that Snakemake runs the stage
again when, and only when, one of them changes. Settings that decide how a stage runs rather than
what comes out (threads, devices, logging) are command-line flags instead. ``FORMATS`` holds one
number per stage: raise it by hand when the stage's code changes what it produces.
"""

from typing import Any, Literal

from pydantic import Field

from projcomp.cases import TRUTH, Case, experiment_cases, reference_cases
from projcomp.config import (
    Config,
    DetectorConfig,
    NetworkConfig,
    RenderConfig,
    SceneConfig,
    TheoryExperiment,
    TrainingConfig,
)
from projcomp.config_experiments import BackgroundConfig
from projcomp.config_operators import Operator
from projcomp.config_samplers import SamplingConfig
from projcomp.config_section import Section
from projcomp.experiments import all_experiments, model_names, resolve

FORMATS = {
    "render": 4,
    "reference": 4,
    "preview": 1,
    "train": 6,
    "check": 1,
    "detector": 1,
    "sample": 5,
    "evaluate": 2,
    "summary": 3,
    "table": 4,
    "figure": 5,
    "theory": 5,
}

OPERATIONAL_TRAINING = (
    *("device", "devices", "nodes", "microbatch"),
    *("checkpoint_minutes", "log_images", "sample_images", "threads"),
)
"""Settings of ``training`` that change how it runs, not what is learned."""

THEORY_TRAINED: tuple[TheoryExperiment, ...] = ("colored_squares", "disjoint_sets")
"""Experiments of ``theory`` that train small networks."""


class RenderRecipe(Section):
    """What Cycles is told, apart from the scene."""

    samples: int = Field(ge=1)
    denoise: bool
    filter_width: float
    device: Literal["cpu", "optix", "cuda", "hip", "metal"] = "cpu"
    assets: str | None = None


class RenderSettings(Section):
    """One dataset's shards. Without the number of images: enlarging keeps the old shards."""

    format: int = FORMATS["render"]
    seed: int
    resolution: int
    dataset: str
    min_objects: int
    max_objects: int
    scene: SceneConfig
    render: RenderRecipe
    shard_size: int


class ReferenceSettings(Section):
    """The true composition of one case, rendered."""

    format: int = FORMATS["reference"]
    seed: int
    resolution: int
    case: Case
    scene: SceneConfig
    render: RenderRecipe
    num_images: int


class TrainSettings(Section):
    """One diffusion model. Operational training settings are left at their defaults."""

    format: int = FORMATS["train"]
    seed: int
    resolution: int
    model: str
    condition: Literal["none", "position", "color"]
    datasets: dict[str, float]
    images_seen: int
    network: NetworkConfig
    training: TrainingConfig


class CheckSettings(Section):
    """How well one diffusion model denoises images that it never saw."""

    format: int = FORMATS["check"]
    seed: int
    model: str
    datasets: list[str]
    sigma_min: float
    sigma_max: float


class DetectorSettings(Section):
    """The object detector."""

    format: int = FORMATS["detector"]
    seed: int
    resolution: int
    detector: DetectorConfig


class SampleSettings(Section):
    """One case of one experiment.

    Composed are the case's conditions of ``conditionals`` and ``models`` told nothing, over
    ``background`` where the operator takes one. ``stream`` names the random streams.
    """

    format: int = FORMATS["sample"]
    seed: int
    experiment: str
    stream: str
    case: Case
    operator: Operator
    conditionals: str | None = None
    models: list[str] = Field(default=[])
    background: BackgroundConfig | None = None
    control: BackgroundConfig | None = None
    sampling: SamplingConfig
    num_samples: int


class EvaluateSettings(Section):
    """Counting what one case's images show."""

    format: int = FORMATS["evaluate"]
    experiment: str
    case: Case
    threshold: float
    radius: float


class SummarySettings(Section):
    """The summary table: which cases of which experiments, and how sure its intervals are."""

    format: int = FORMATS["summary"]
    seed: int
    confidence: float
    bootstrap: int
    cases: dict[str, list[str]]


class TheorySettings(Section):
    """One of the papers' exact experiments; ``num_updates`` only where a network is trained."""

    format: int = FORMATS["theory"]
    seed: int
    experiment: TheoryExperiment
    num_samples: int
    num_seeds: int
    num_steps: int
    num_updates: int | None = None


def _recipe(render: RenderConfig) -> RenderRecipe:
    return RenderRecipe(**{name: getattr(render, name) for name in RenderRecipe.model_fields})


def dataset_scene_config(config: Config, dataset: str) -> SceneConfig:
    """What may be in a picture of ``dataset``: the scene with the dataset's own colours."""
    colors = config.datasets[dataset].colors
    return config.scene if colors is None else config.scene.model_copy(update={"colors": colors})


def render_settings(config: Config, dataset: str) -> RenderSettings:
    """Settings of the shards of ``dataset``."""
    return RenderSettings(
        seed=config.seed,
        resolution=config.resolution,
        dataset=dataset,
        min_objects=config.datasets[dataset].min_objects,
        max_objects=config.datasets[dataset].max_objects,
        scene=dataset_scene_config(config, dataset),
        render=_recipe(config.render),
        shard_size=config.render.shard_size,
    )


def reference_settings(config: Config, case: Case) -> ReferenceSettings:
    """Settings of the rendered truth of ``case``."""
    return ReferenceSettings(
        seed=config.seed,
        resolution=config.resolution,
        case=case,
        scene=config.scene,
        render=_recipe(config.render),
        num_images=config.reference.num_images,
    )


def train_settings(config: Config, model: str) -> TrainSettings:
    """Settings of the diffusion model ``model``."""
    chosen = config.models[model]
    lasting = config.training.model_dump(exclude=set(OPERATIONAL_TRAINING))
    return TrainSettings(
        seed=config.seed,
        resolution=config.resolution,
        model=model,
        condition=chosen.condition,
        datasets=chosen.datasets,
        images_seen=chosen.images_seen,
        network=config.network,
        training=TrainingConfig(**lasting),
    )


def check_settings(config: Config, model: str) -> CheckSettings:
    """Settings of checking the diffusion model ``model``."""
    return CheckSettings(
        seed=config.seed,
        model=model,
        datasets=list(config.models[model].datasets),
        sigma_min=config.sampling.sigma_min,
        sigma_max=config.sampling.sigma_max,
    )


def used_models(config: Config) -> list[str]:
    """Models that some experiment composes; the others are trained only when asked for."""
    experiments = all_experiments(config).values()
    used = {name for experiment in experiments for name in model_names(experiment.config)}
    return [name for name in config.models if name in used]


def detector_settings(config: Config) -> DetectorSettings:
    """Settings of the detector."""
    return DetectorSettings(
        seed=config.seed, resolution=config.resolution, detector=config.detector
    )


def sample_settings(config: Config, experiment: str, case: Case) -> SampleSettings:
    """Settings of one case of ``experiment``."""
    resolved = resolve(config, experiment)
    chosen = resolved.config
    background = chosen.background
    if chosen.operator.background == "own" and chosen.conditionals is not None:
        background = BackgroundConfig(model=chosen.conditionals, condition="unconditional")
    return SampleSettings(
        seed=config.seed,
        experiment=experiment,
        stream=resolved.stream,
        case=case,
        operator=chosen.operator,
        conditionals=chosen.conditionals,
        models=chosen.models or [],
        background=background,
        control=chosen.control,
        sampling=resolved.sampling,
        num_samples=chosen.num_samples,
    )


def evaluate_settings(config: Config, experiment: str, case: Case) -> EvaluateSettings:
    """Settings of counting one case of ``experiment`` (or of the truth)."""
    return EvaluateSettings(
        experiment=experiment,
        case=case,
        threshold=config.detector.threshold,
        radius=config.evaluation.radius,
    )


def case_names(config: Config) -> dict[str, list[str]]:
    """Names of all cases by experiment, the truth last."""
    found = {name: experiment_cases(e.config) for name, e in all_experiments(config).items()}
    found[TRUTH] = reference_cases(config)
    return {name: [case.name for case in some] for name, some in found.items()}


def summary_settings(config: Config) -> SummarySettings:
    """Settings of the summary table."""
    return SummarySettings(
        seed=config.seed,
        confidence=config.evaluation.confidence,
        bootstrap=config.evaluation.bootstrap,
        cases=case_names(config),
    )


def theory_settings(config: Config, experiment: TheoryExperiment) -> TheorySettings:
    """Settings of one of the papers' exact experiments."""
    chosen, trains = config.theory, experiment in THEORY_TRAINED
    return TheorySettings(
        seed=config.seed,
        experiment=experiment,
        num_samples=chosen.num_samples,
        num_seeds=chosen.num_seeds,
        num_steps=chosen.num_steps,
        num_updates=chosen.num_updates if trains else None,
    )


def to_json(settings: Section) -> str:
    """The settings as one line of JSON, without what does not change the result."""
    exclude: dict[str, Any] | None = None
    if isinstance(settings, TrainSettings):
        exclude = {"training": set(OPERATIONAL_TRAINING)}
    return settings.model_dump_json(exclude=exclude)
