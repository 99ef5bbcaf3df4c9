"""The configuration as a pydantic tree: the one source of defaults, bounds and descriptions.

The defaults are the demo scale. ``config.yaml``, ``docs/configuration.md`` and the JSON schema are
generated from it (``projcomp config write``) and a test holds them together. The sections of
experiments, operators and samplers are in ``config_experiments.py``, ``config_operators.py`` and
``config_samplers.py``, what the demo consists of in ``config_demo.py``. Checks across settings live
in ``config_checks.py``; reading and error messages in ``config_load.py``.
"""

from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, BeforeValidator, Field

from projcomp import config_demo
from projcomp.config_experiments import MAX_OBJECTS, ExperimentConfig, SweepConfig
from projcomp.config_samplers import SamplingConfig
from projcomp.config_section import (
    Color,
    Number,
    Section,
    Text,
    Whole,
    defaults,
    drop_none,
)
from projcomp.paths import normal_path

Shape = Literal["cube", "sphere", "cylinder"]
Size = Literal["large", "small"]
Material = Literal["rubber", "metal"]
TheoryExperiment = Literal[
    "backgrounds",
    "rotations",
    "lost_modes",
    "colored_squares",
    "disjoint_sets",
    "density_estimators",
    "repair",
]


class SceneConfig(Section):
    """What may be in a picture: CLEVR's vocabulary and the generator's placement rules."""

    shapes: list[Shape] = Field(
        ["cube", "sphere", "cylinder"], min_length=1, description="shapes drawn from, uniformly"
    )
    sizes: list[Size] = Field(
        ["large"],
        min_length=1,
        description="sizes drawn from, uniformly (CLEVR has large and small)",
    )
    materials: list[Material] = Field(
        ["rubber", "metal"], min_length=1, description="materials drawn from, uniformly"
    )
    colors: list[Color] = Field(
        ["gray", "red", "blue", "green", "brown", "purple", "cyan", "yellow"],
        min_length=1,
        description="colours drawn from, uniformly",
    )
    camera_jitter: Number = Field(
        0.0,
        ge=0,
        le=2,
        description="half-width of the camera's uniform jitter per axis, scene units (CLEVR: 0.5)",
    )
    light_jitter: Number = Field(
        0.0,
        ge=0,
        le=3,
        description="half-width of the three lamps' uniform jitter "
        "per axis, scene units (CLEVR: 1.0)",
    )
    extent: Number = Field(
        3.0,
        gt=0,
        le=5,
        description="objects stand at x and y uniform in [-extent, extent], scene units",
    )
    min_distance: Number = Field(
        0.25,
        ge=0,
        le=10,
        description="least distance between the surfaces of two objects, scene units",
    )
    margin: Number = Field(
        0.4,
        ge=0,
        le=10,
        description="least separation along the camera's left/right/front/behind "
        "directions, scene units",
    )
    min_visible_pixels: Whole = Field(
        200,
        ge=0,
        le=320 * 240,
        description="least visible pixels of every object, counted at 320 x 240",
    )
    max_retries: Whole = Field(
        50, ge=1, le=10_000, description="tries per object before the scene is drawn anew"
    )


class DatasetConfig(Section):
    """One dataset of rendered scenes; its name is the key under ``datasets``."""

    num_images: Whole = Field(
        ge=2,
        le=1_000_000_000,
        description="number of images, a multiple of render.shard_size; every 50th is held out "
        "from training",
    )
    min_objects: Whole = Field(
        ge=0, le=MAX_OBJECTS, description="least number of objects in a scene"
    )
    max_objects: Whole = Field(
        ge=0, le=MAX_OBJECTS, description="greatest number of objects in a scene"
    )
    colors: list[Color] | None = Field(
        None, min_length=1, description="colours drawn from in this dataset, if not scene.colors"
    )


class RenderConfig(Section):
    """How scenes become pixels."""

    samples: Whole = Field(8, ge=1, le=4096, description="Cycles samples per pixel")
    denoise: bool = Field(True, description="run OpenImageDenoise on the render")
    filter_width: Number = Field(
        1.0,
        ge=0.01,
        le=10,
        description="width of the pixel filter (Blackman-Harris), pixels; 1 comes nearest to "
        "CLEVR's 320 x 240 pictures shrunk by averaging, 1.5 is CLEVR's own at its own size",
    )
    shard_size: Whole = Field(
        500, ge=1, le=1_000_000, description="images per shard file; one shard is one job"
    )
    threads: Whole = Field(
        1,
        ge=1,
        le=1024,
        description="threads per Blender process; one process per core measures best",
    )
    device: Literal["cpu", "optix", "cuda", "hip", "metal"] = Field(
        "cpu", description="what Cycles renders on"
    )
    assets: Text | None = Field(
        None,
        description="folder with CLEVR's own .blend files, to render with them instead of the "
        "scene built in code (the folder `data` of its image generator); paths count from here",
    )


class NetworkConfig(Section):
    """The EDM2 U-Net (Karras et al. 2024); XS has 128 channels, [1, 2, 3, 4], 3 blocks."""

    channels: Whole = Field(16, ge=4, le=4096, description="base channels")
    multipliers: list[Annotated[Whole, Field(ge=1, le=64)]] = Field(
        [1, 2, 4],
        min_length=1,
        max_length=10,
        description="channel multiplier of each level; the resolution halves between levels",
    )
    blocks: Whole = Field(1, ge=1, le=64, description="residual blocks per level")
    attention_resolutions: list[Whole] = Field(
        [8], description="resolutions at which blocks attend over the image"
    )
    position_frequencies: Whole = Field(
        32, ge=1, le=4096, description="Fourier features per coordinate of a requested place"
    )
    position_bandwidth: Number = Field(
        4.0,
        ge=1e-3,
        le=1e3,
        description="standard deviation of those frequencies, cycles per image side",
    )
    coordinate_planes: bool = Field(
        True,
        description="feed Fourier features of the pixel coordinates with the image (not in EDM2)",
    )
    sigma_data: Number = Field(
        0.5,
        ge=1e-3,
        le=1e3,
        description="standard deviation of the data assumed by the preconditioning",
    )


class TrainingConfig(Section):
    """How the diffusion models are trained (EDM2, with the paper's two changes)."""

    batch_size: Whole = Field(64, ge=1, le=1_000_000, description="images per update")
    learning_rate: Number = Field(0.01, gt=0, le=10, description="reference learning rate of Adam")
    ramp_images: Whole = Field(
        2_000, ge=0, le=1_000_000_000_000, description="images of linear learning-rate ramp"
    )
    decay_updates: Whole = Field(
        600,
        ge=1,
        le=1_000_000_000_000,
        description="updates after which the learning rate decays as 1/sqrt",
    )
    sigma_log_mean: Number = Field(-0.8, ge=-20, le=20, description="mean of ln(sigma) in training")
    sigma_log_std: Number = Field(
        1.6, gt=0, le=10, description="standard deviation of ln(sigma) in training"
    )
    condition_dropout: Number = Field(
        0.1,
        ge=0,
        lt=1,
        description="share of draws whose condition is dropped; trains the unconditional model",
    )
    average_updates: Whole = Field(
        256,
        ge=1,
        le=1_000_000_000,
        description="the result is the average of the weights of the last this many updates, "
        "but of no more than half of the training (paper: 4096)",
    )
    precision: Literal["bf16", "fp32"] = Field(
        "bf16", description="arithmetic of the forward and backward pass; weights stay fp32"
    )
    device: Literal["auto", "cpu", "gpu"] = Field(
        "auto", description="auto takes a GPU where there is one"
    )
    devices: Whole = Field(
        1, ge=1, le=1024, description="GPUs (or CPU processes) per node that share each update"
    )
    nodes: Whole = Field(
        1, ge=1, le=65_536, description="nodes that share each update; Slurm starts the processes"
    )
    microbatch: Whole | None = Field(
        None,
        ge=1,
        description="images per forward and backward pass, for batches that do not fit into the "
        "memory; nothing takes the whole batch at once",
    )
    checkpoint_minutes: Number = Field(
        2.0, ge=0.01, le=100_000, description="time between checkpoints to resume from"
    )
    log_images: Whole = Field(
        4_096, ge=1, le=1_000_000_000_000, description="images between two lines of metrics.csv"
    )
    sample_images: Whole = Field(
        20_000,
        ge=1,
        le=1_000_000_000_000,
        description="images between two sheets of samples in models/<model>/samples",
    )
    threads: Whole = Field(
        1,
        ge=1,
        le=1024,
        description="CPU threads of one training job; one gives most images per core, more finish "
        "a single model sooner where cores would idle",
    )


class ModelConfig(Section):
    """One diffusion model; its name is the key under ``models``."""

    datasets: Annotated[dict[str, Annotated[Number, Field(gt=0)]], BeforeValidator(drop_none)] = (
        Field(
            min_length=1,
            description="datasets it learns from, each with its share of the draws; "
            "images without objects get the condition 'empty'",
        )
    )
    condition: Literal["none", "position", "color"] = Field(
        description="what it is told: nothing, the place, or the colour of one object"
    )
    images_seen: Whole = Field(
        ge=1, le=1_000_000_000_000, description="length of the training, in images"
    )


class ReferenceConfig(Section):
    """The true compositions, rendered."""

    num_images: Whole = Field(100, ge=1, le=1_000_000, description="renders per case")


class DetectorConfig(Section):
    """The object detector that counts: a small convolutional network."""

    dataset: Text = Field("counting", description="dataset it is trained and checked on")
    holdout: Whole = Field(
        1000,
        ge=1,
        le=1_000_000_000,
        description="images at the end of the dataset kept for checking",
    )
    channels: Whole = Field(32, ge=4, le=4096, description="base channels")
    images_seen: Whole = Field(
        80_000, ge=1, le=1_000_000_000_000, description="length of the training, in images"
    )
    batch_size: Whole = Field(64, ge=1, le=1_000_000, description="images per update")
    learning_rate: Number = Field(2e-3, gt=0, le=10, description="peak learning rate of AdamW")
    threshold: Number = Field(
        0.5, ge=0.01, le=0.99, description="least height of a heatmap peak that counts as an object"
    )


class EvaluationConfig(Section):
    """What counts as right, and how sure we are."""

    radius: Number = Field(
        0.09,
        gt=0,
        le=1,
        description="a place holds an object when a detected centre "
        "lies this near, as a share of the image side",
    )
    confidence: Number = Field(0.95, ge=0.01, le=0.9999, description="level of all intervals")
    bootstrap: Whole = Field(
        2000, ge=100, le=1_000_000, description="bootstrap resamples behind the intervals of means"
    )


class TheoryConfig(Section):
    """The papers' experiments on exact distributions, without a picture of CLEVR's."""

    experiments: list[TheoryExperiment] = Field(
        list(get_args(TheoryExperiment)), description="which of them are run; [] runs none"
    )
    num_samples: Whole = Field(
        500,
        ge=32,
        le=1_000_000,
        description="samples per seed of every distribution that is measured",
    )
    num_seeds: Whole = Field(
        5,
        ge=2,
        le=10_000,
        description="repetitions; every number comes with its interval over them",
    )
    num_steps: Whole = Field(
        100, ge=4, le=10_000, description="noise levels above zero of the reverse processes"
    )
    num_updates: Whole = Field(
        4_000,
        ge=1,
        le=1_000_000_000,
        description="updates of the small networks of two of the experiments",
    )


class WandbConfig(Section):
    """Logging to Weights & Biases, beside the CSV."""

    enabled: bool = Field(False, description="log training to wandb too (needs the wandb extra)")
    mode: Literal["offline", "online"] = Field(
        "offline", description="offline writes to the run folder only"
    )
    project: Text = Field("projcomp", description="project name there")


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
    scene: SceneConfig = Field(
        default_factory=defaults(SceneConfig), description="what may be in a picture"
    )
    render: RenderConfig = Field(
        default_factory=defaults(RenderConfig), description="how scenes become pixels"
    )
    datasets: Annotated[dict[str, DatasetConfig], BeforeValidator(drop_none)] = Field(
        default_factory=config_demo.datasets, description="the rendered datasets, by name"
    )
    network: NetworkConfig = Field(
        default_factory=defaults(NetworkConfig), description="the U-Net of every model"
    )
    training: TrainingConfig = Field(
        default_factory=defaults(TrainingConfig), description="how every model is trained"
    )
    models: Annotated[dict[str, ModelConfig], BeforeValidator(drop_none)] = Field(
        default_factory=config_demo.models, description="the diffusion models, by name"
    )
    sampling: SamplingConfig = Field(
        default_factory=defaults(SamplingConfig), description="the sampler of every experiment"
    )
    experiments: Annotated[dict[str, ExperimentConfig], BeforeValidator(drop_none)] = Field(
        default_factory=config_demo.experiments, description="the experiments, by name"
    )
    sweeps: Annotated[dict[str, SweepConfig], BeforeValidator(drop_none)] = Field(
        default_factory=config_demo.sweeps,
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
