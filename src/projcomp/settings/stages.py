"""What each stage depends on: one settings model per stage.

A rule hands its stage these settings as JSON in its ``params``, so that Snakemake runs the stage
again when, and only when, one of them changes. Settings that decide how a stage runs rather than
what comes out (threads, devices, logging) are command-line flags instead. ``FORMATS`` holds one
number per stage: raise it by hand when the stage's code changes what it produces. Tables, figures
and exact experiments have a number each, in their rows (``plan/tables.py``, ``plan/figures.py``,
``config/theory.py``).
"""

from typing import Any, Literal

from pydantic import Field, field_serializer

from projcomp.config.conditions import Condition, Distribution
from projcomp.config.evaluation import ClassifierConfig, LocalityConfig
from projcomp.config.experiments import BackgroundConfig, RequestConfig
from projcomp.config.features import FeatureMap
from projcomp.config.judges import Judge
from projcomp.config.learning import DetectorConfig, NetworkConfig, TrainingConfig
from projcomp.config.operators import Operator
from projcomp.config.pipelines import PipelineConfig
from projcomp.config.samplers import SamplingConfig
from projcomp.config.scenes import SceneConfig
from projcomp.config.section import Section
from projcomp.config.theory import TheoryExperiment
from projcomp.settings.case import Case

FORMATS = {
    "read": 1,
    "archive": 2,
    "render": 4,
    "reference": 4,
    "preview": 1,
    "train": 6,
    "check": 1,
    "locality": 2,
    "detector": 3,
    "sample": 5,
    "pipeline": 3,
    "evaluate": 6,
    "summary": 5,
    "classifier": 1,
    "classify": 1,
    "score": 1,
    "playground": 1,
}


_NEW = ("conditioning", "blob_width")
"""Fields of a network that trainings of before did not have."""


class RenderRecipe(Section):
    """What Cycles is told, apart from the scene."""

    samples: int = Field(ge=1)
    denoise: bool
    filter_width: float
    device: Literal["cpu", "optix", "cuda", "hip", "metal"] = "cpu"
    assets: str | None = None


class RenderSettings(Section):
    """One dataset's shards. Without the number of images: enlarging keeps the old shards.

    ``points`` are the places at which the images have an object, one after the other, and
    ``moved_from`` is the dataset whose scenes, noise included, are those before it moved there.
    """

    format: int = FORMATS["render"]
    seed: int
    resolution: int
    dataset: str
    min_objects: int
    max_objects: int
    scene: SceneConfig
    render: RenderRecipe
    shard_size: int
    points: list[tuple[float, float]] | None = Field(
        default=None, min_length=1, exclude_if=lambda points: points is None
    )
    moved_from: str | None = Field(default=None, exclude_if=lambda name: name is None)


class LabelSettings(Section):
    """Where a label of pictures stands, and all its values in the order of their numbers.

    ``position`` has points in place of values.
    """

    column: str
    values: list[str] = Field(default=[])


class ReadSettings(Section):
    """One dataset of pictures that were not rendered.

    ``only`` has values by label: pictures with others are left out. Of what is left, ``part`` is
    one of several random parts, by the run's ``seed``. ``listing`` is what a folder
    holds, by a check sum of names, sizes and times; nothing where ``file`` is a file.
    """

    format: int = FORMATS["read"]
    dataset: str
    resolution: int
    file: str
    labels: dict[str, LabelSettings]
    only: dict[str, list[str]]
    part: tuple[int, int] | None = Field(default=None, exclude_if=lambda part: part is None)
    seed: int | None = Field(default=None, exclude_if=lambda seed: seed is None)
    fit: Literal["pad", "resize"] | None = None
    listing: str | None = Field(default=None, exclude_if=lambda listing: listing is None)


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
    """One diffusion model."""

    format: int = FORMATS["train"]
    seed: int
    resolution: int
    model: str
    condition: Condition
    datasets: dict[str, float]
    images_seen: int
    network: NetworkConfig
    training: TrainingConfig
    features: FeatureMap | None = Field(None, exclude_if=lambda chosen: chosen is None)

    @field_serializer("network")
    def _network(self, network: NetworkConfig) -> dict[str, Any]:
        """Fields that are new are left out where they change nothing, so that nothing reruns."""
        fields = NetworkConfig.model_fields
        new = {name for name in _NEW if getattr(network, name) == fields[name].default}
        return network.model_dump(mode="json", exclude=new)


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


class ClassifierSettings(Section):
    """The classifier of pictures; ``kind`` is its label with all values (``conditions/``)."""

    format: int = FORMATS["classifier"]
    seed: int
    resolution: int
    kind: str
    classifier: ClassifierConfig


class ClassifySettings(Section):
    """What the classifier says of the images of one case."""

    format: int = FORMATS["classify"]
    experiment: str
    case: str
    published: str | None = Field(None, exclude_if=lambda chosen: chosen is None)


class ExactSettings(Section):
    """An exact model that a case composes: renders in place of a network (``exact/``)."""

    condition: Condition
    datasets: dict[str, float]
    bandwidth: float
    window: int | None = None
    features: FeatureMap | None = Field(None, exclude_if=lambda chosen: chosen is None)


PIPELINES_OWN = ("sigma_min", "sigma_max", "rho", "precision", "chunk_size")
"""Settings of sampling that a pipeline decides: its scheduler, and its model's section."""


class PipelineSettings(Section):
    """A pipeline that a case composes.

    ``listing`` and ``lora_listing`` are what the folders hold, by check sums of names, sizes and
    times; nothing of what a revision pins, and of a file.
    """

    format: int = FORMATS["pipeline"]
    chosen: PipelineConfig
    listing: str | None = None
    lora_listing: str | None = None


class LocalitySettings(Section):
    """How far the Jacobian of one composed model reaches, and of what sets it off a background.

    Its images are held-out renders of ``dataset``. ``exact`` describes the models among it and its
    ``backgrounds`` that are no networks.
    """

    format: int = FORMATS["locality"]
    seed: int
    model: str
    dataset: str
    backgrounds: list[BackgroundConfig]
    sigma_min: float
    sigma_max: float
    locality: LocalityConfig
    exact: dict[str, ExactSettings]


class Composed(Section):
    """One of the distributions that are composed, with its weight."""

    model: str
    condition: Distribution
    weight: float = 1.0


class SampleSettings(Section):
    """One case of one experiment.

    Composed are the case's conditions of ``conditionals`` and the unconditional ``models``, or what
    ``composed`` lists, over ``background`` where the operator takes one. ``stream`` names the
    random streams. ``exact`` describes the models among them that are no networks of the run's,
    ``pipelines`` those that are other people's; these stand alone.
    """

    format: int = FORMATS["sample"]
    seed: int
    experiment: str
    stream: str
    case: Case
    operator: Operator
    conditionals: str | None = None
    models: list[str] = Field(default=[])
    composed: list[Composed] = Field([], exclude_if=lambda composed: not composed)
    background: BackgroundConfig | None = None
    control: BackgroundConfig | None = None
    sampling: SamplingConfig
    num_samples: int
    exact: dict[str, ExactSettings] = Field({}, exclude_if=lambda models: not models)
    pipelines: dict[str, PipelineSettings] = Field({}, exclude_if=lambda models: not models)


class ScoreSettings(Section):
    """How well the images of one case show each of some prompts, by a judge.

    ``listing`` is what the judge's folder holds, as of a pipeline's.
    """

    format: int = FORMATS["score"]
    experiment: str
    case: str
    prompts: list[str]
    judge: Judge
    listing: str | None = None


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
    """One of the papers' exact experiments; ``num_updates`` only where a network is trained.

    ``format`` is the number of the experiment's row (``config/theory.py``).
    """

    format: int
    seed: int
    experiment: TheoryExperiment
    num_samples: int
    num_seeds: int
    num_steps: int
    num_updates: int | None = None


def model_names(composed: RequestConfig | SampleSettings) -> list[str]:
    """The models that an experiment, or one case of it, composes, each once."""
    names = [composed.conditionals] if composed.conditionals else []
    names += composed.models or []
    names += [one.model for one in composed.composed or []]
    names += [one.model for one in (composed.background, composed.control) if one is not None]
    return list(dict.fromkeys(names))


def to_json(settings: Section) -> str:
    """The settings as one line of JSON."""
    return settings.model_dump_json()
