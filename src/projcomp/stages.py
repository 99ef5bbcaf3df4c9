"""What each stage depends on: one settings model per stage, built from the config.

A rule hands its stage these settings as JSON in its ``params``, so that Snakemake runs the stage
again when, and only when, one of them changes. Settings that decide how a stage runs rather than
what comes out (threads, devices, logging) are command-line flags instead. ``FORMATS`` holds one
number per stage: raise it by hand when the stage's code changes what it produces.
"""

from typing import Any, Literal

from pydantic import Field

from projcomp.cases import TRUTH, Case, cases, reference_cases
from projcomp.config import (
    BackgroundConfig,
    Config,
    DetectorConfig,
    NetworkConfig,
    Operator,
    RenderConfig,
    SamplingConfig,
    SceneConfig,
    Section,
    TheoryExperiment,
    TrainingConfig,
)

FORMATS = {
    "render": 3,
    "reference": 3,
    "preview": 1,
    "train": 4,
    "check": 1,
    "detector": 1,
    "sample": 1,
    "evaluate": 1,
    "summary": 1,
    "figure": 1,
    "theory": 1,
}

OPERATIONAL_TRAINING = (
    *("device", "devices", "nodes", "microbatch"),
    *("checkpoint_minutes", "log_images", "sample_images", "threads"),
)
"""Settings of ``training`` that change how it runs, not what is learned."""

THEORY_TRAINED: tuple[TheoryExperiment, ...] = ("colored_squares", "disjoint_sets")
"""Experiments of ``theory`` that train small networks."""

FigureKind = Literal[
    "grid",
    "samples4",
    "counts",
    "rates",
    "pairs",
    "rgb",
    "unconditional",
    "denoising",
    "detector",
    "theory",
]


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
    """One case of one experiment; for ``bayes`` the background is the conditionals' own model."""

    format: int = FORMATS["sample"]
    seed: int
    experiment: str
    case: Case
    operator: Operator
    conditionals: str
    background: BackgroundConfig
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


class FigureSettings(Section):
    """One figure: the names of the cases it shows, by experiment, or of the models."""

    format: int = FORMATS["figure"]
    name: str
    kind: FigureKind
    cases: dict[str, list[str]] = Field(default={})
    models: list[str] = Field(default=[])


def _recipe(render: RenderConfig) -> RenderRecipe:
    return RenderRecipe(**{name: getattr(render, name) for name in RenderRecipe.model_fields})


def render_settings(config: Config, dataset: str) -> RenderSettings:
    """Settings of the shards of ``dataset``."""
    return RenderSettings(
        seed=config.seed,
        resolution=config.resolution,
        dataset=dataset,
        min_objects=config.datasets[dataset].min_objects,
        max_objects=config.datasets[dataset].max_objects,
        scene=config.scene,
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
    used: set[str] = set()
    for experiment in config.experiments.values():
        used.add(experiment.conditionals)
        if experiment.background is not None:
            used.add(experiment.background.model)
    return [name for name in config.models if name in used]


def detector_settings(config: Config) -> DetectorSettings:
    """Settings of the detector."""
    return DetectorSettings(
        seed=config.seed, resolution=config.resolution, detector=config.detector
    )


def sample_settings(config: Config, experiment: str, case: Case) -> SampleSettings:
    """Settings of one case of ``experiment``."""
    chosen = config.experiments[experiment]
    own = BackgroundConfig(model=chosen.conditionals, condition="unconditional")
    return SampleSettings(
        seed=config.seed,
        experiment=experiment,
        case=case,
        operator=chosen.operator,
        conditionals=chosen.conditionals,
        background=chosen.background or own,
        sampling=config.sampling,
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
    return {name: [c.name for c in cases(config, name)] for name in [*config.experiments, TRUTH]}


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


def _location_cases(config: Config) -> dict[str, list[str]]:
    """Location cases of the experiments that have any, with the truth of them last."""
    found = {
        name: [f"k{k}" for k in experiment.num_composed]
        for name, experiment in config.experiments.items()
        if experiment.num_composed
    }
    truth = [case.name for case in reference_cases(config) if not case.colors]
    return {**found, TRUTH: truth} if found else {}


def _color_cases(config: Config) -> dict[str, list[str]]:
    """Colour cases of the experiments that have any, with the truth of them last."""
    everything = {name: cases(config, name) for name in [*config.experiments, TRUTH]}
    found = {name: [c.name for c in some if c.colors] for name, some in everything.items()}
    return {name: names for name, names in found.items() if names}


def figures(config: Config) -> dict[str, FigureSettings]:
    """Every figure of the run with its settings, by name, in the order of the report."""
    places, colors = _location_cases(config), _color_cases(config)
    found: dict[str, FigureSettings] = {}

    def add(kind: FigureKind, shown: dict[str, list[str]], subject: str = "") -> None:
        name = f"{kind}_{subject}" if subject else kind
        found[name] = FigureSettings(name=name, kind=kind, cases=shown)

    for kind in ("counts", "rates"):
        if places:
            add(kind, places)
    for name, names in places.items():
        add("grid", {name: names}, name)
    for name, names in places.items():
        if "k4" in names:
            add("samples4", {name: ["k4"]}, name)
    for name, names in colors.items():
        add("pairs", {name: names}, name)
    for name, names in colors.items():
        if name != TRUTH:
            add("rgb", {name: names, TRUTH: names}, name)
    background = {name: ["k0"] for name, names in places.items() if "k0" in names}
    if background:
        add("unconditional", background)
    found["denoising"] = FigureSettings(
        name="denoising", kind="denoising", models=used_models(config)
    )
    add("detector", {})
    for experiment in config.theory.experiments:
        add("theory", {}, experiment)
    return found


def figure_names(config: Config) -> list[str]:
    """Names of all figures of the run."""
    return list(figures(config))


def to_json(settings: Section) -> str:
    """The settings as one line of JSON, without what does not change the result."""
    exclude: dict[str, Any] | None = None
    if isinstance(settings, TrainSettings):
        exclude = {"training": set(OPERATIONAL_TRAINING)}
    return settings.model_dump_json(exclude=exclude)
