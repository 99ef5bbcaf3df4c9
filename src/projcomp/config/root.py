"""The configuration as a pydantic tree: the one source of defaults, bounds and descriptions.

The defaults are the demo scale. ``config.yaml``, ``docs/configuration.md`` and the JSON schema are
generated from it (``projcomp config write``) and a test holds them together. Each section is a
file of this folder, and what the demo consists of is ``demo.py``. Checks across settings live in
``plan/checks.py``; reading in ``plan/load.py``, error messages in ``messages.py``.
"""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, Tag

from projcomp.config import demo
from projcomp.config.compute import ComputeConfig
from projcomp.config.evaluation import EvaluationConfig
from projcomp.config.experiments import ExperimentConfig, SweepConfig
from projcomp.config.learning import (
    DetectorConfig,
    ModelConfig,
    NetworkConfig,
    TrainingConfig,
    WandbConfig,
)
from projcomp.config.paths import normal_path
from projcomp.config.pictures import FileDatasetConfig, LabelValues
from projcomp.config.pipelines import PipelineConfig
from projcomp.config.places import Places
from projcomp.config.samplers import SamplingConfig
from projcomp.config.scenes import DatasetConfig, ReferenceConfig, RenderConfig, SceneConfig
from projcomp.config.section import Section, Text, Whole, defaults, drop_none
from projcomp.config.theory import TheoryConfig


def _kind_of_dataset(value: Any) -> str:
    """By which of its keys a dataset is told from the other kind."""
    if isinstance(value, FileDatasetConfig) or (isinstance(value, Mapping) and "file" in value):
        return "from a file"
    return "rendered"


AnyDataset = Annotated[
    Annotated[DatasetConfig, Tag("rendered")] | Annotated[FileDatasetConfig, Tag("from a file")],
    Discriminator(_kind_of_dataset),
]
"""A dataset that is rendered, or one that has a ``file``."""


def _kind_of_model(value: Any) -> str:
    """By which of its keys a model is told from the other kind."""
    if isinstance(value, PipelineConfig) or (isinstance(value, Mapping) and "pipeline" in value):
        return "a pipeline"
    return "of data"


AnyModel = Annotated[
    Annotated[ModelConfig, Tag("of data")] | Annotated[PipelineConfig, Tag("a pipeline")],
    Discriminator(_kind_of_model),
]
"""A model of the run's datasets, or one that has a ``pipeline``."""


class Config(Section):
    """Everything that decides a run."""

    seed: Whole = Field(0, ge=0, lt=2**32, description="root of every random stream")
    root: Annotated[Text, AfterValidator(normal_path)] = Field(
        ".", description="folder that the run's data, models, samples and results go to"
    )
    resolution: Whole = Field(
        32,
        ge=8,
        le=1024,
        description="side of every image, pixels; CLEVR's 4:3 view is squeezed into the square",
    )
    compute: ComputeConfig = Field(
        default_factory=defaults(ComputeConfig),
        description="how the stages run; nothing here changes what comes out",
    )
    scene: SceneConfig = Field(
        default_factory=lambda: SceneConfig.model_validate(demo.scene()),
        description="what may be in a picture",
    )
    render: RenderConfig = Field(
        default_factory=defaults(RenderConfig), description="how scenes become pixels"
    )
    places: Annotated[dict[str, Places], BeforeValidator(drop_none)] = Field(
        default_factory=demo.places,
        description="sets of places by name, beside the nine of `grid`: image points, x to the "
        "right and y down, as shares of the image side",
    )
    labels: Annotated[dict[str, LabelValues], BeforeValidator(drop_none)] = Field(
        {},
        description="labels of pictures from files by name, each with all its values in the order "
        "of their numbers",
    )
    datasets: Annotated[dict[str, AnyDataset], BeforeValidator(drop_none)] = Field(
        default_factory=demo.datasets, description="the datasets, by name"
    )
    network: NetworkConfig = Field(
        default_factory=lambda: NetworkConfig.model_validate(demo.network()),
        description="the U-Net of every model",
    )
    training: TrainingConfig = Field(
        default_factory=lambda: TrainingConfig.model_validate(demo.training()),
        description="how every model is trained",
    )
    models: Annotated[dict[str, AnyModel], BeforeValidator(drop_none)] = Field(
        default_factory=demo.models, description="the diffusion models, by name"
    )
    sampling: SamplingConfig = Field(
        default_factory=defaults(SamplingConfig), description="the sampler of every experiment"
    )
    experiments: Annotated[dict[str, ExperimentConfig], BeforeValidator(drop_none)] = Field(
        default_factory=demo.experiments, description="the experiments, by name"
    )
    sweeps: Annotated[dict[str, SweepConfig], BeforeValidator(drop_none)] = Field(
        default_factory=demo.sweeps,
        description="grids of operators and samplers on the same requests and noise, by name",
    )
    reference: ReferenceConfig = Field(
        default_factory=defaults(ReferenceConfig), description="the true compositions, rendered"
    )
    detector: DetectorConfig = Field(
        default_factory=defaults(DetectorConfig), description="the detector that counts objects"
    )
    evaluation: EvaluationConfig = Field(
        default_factory=defaults(EvaluationConfig), description="what counts as right"
    )
    theory: TheoryConfig = Field(
        default_factory=defaults(TheoryConfig), description="the papers' exact experiments"
    )
    wandb: WandbConfig = Field(
        default_factory=defaults(WandbConfig), description="optional logging"
    )

    @property
    def rendered(self) -> dict[str, DatasetConfig]:
        """The datasets of scenes."""
        return {k: v for k, v in self.datasets.items() if isinstance(v, DatasetConfig)}

    @property
    def filed(self) -> dict[str, FileDatasetConfig]:
        """The datasets of pictures that were not rendered."""
        return {k: v for k, v in self.datasets.items() if isinstance(v, FileDatasetConfig)}

    @property
    def of_data(self) -> dict[str, ModelConfig]:
        """The models of the run's own datasets: networks and exact ones."""
        return {k: v for k, v in self.models.items() if isinstance(v, ModelConfig)}

    @property
    def pipelines(self) -> dict[str, PipelineConfig]:
        """The models that are pipelines of other people."""
        return {k: v for k, v in self.models.items() if isinstance(v, PipelineConfig)}

    def scene_of(self, dataset: str) -> SceneConfig:
        """What may be in a picture of a dataset of scenes: its own colours and sizes, if any."""
        entry = self.rendered[dataset]
        own = {"colors": entry.colors, "sizes": entry.sizes}
        return self.scene.model_copy(update={k: v for k, v in own.items() if v is not None})
