"""How a run is computed: where, by how many, in what pieces; nothing that changes its results."""

from typing import Literal

from pydantic import Field

from projcomp.config.section import MOST_THREADS, Number, Section, Whole, defaults

Device = Literal["auto", "cpu", "gpu"]


class TrainingCompute(Section):
    """How networks are trained: the diffusion models and the detector."""

    device: Device = Field("auto", description="auto takes a GPU where there is one")
    devices: Whole = Field(
        1,
        ge=1,
        le=1024,
        description="GPUs (or CPU processes) per node that share each update of a diffusion model",
    )
    nodes: Whole = Field(
        1, ge=1, le=65_536, description="nodes that share each update; Slurm starts the processes"
    )
    threads: Whole = Field(
        1,
        ge=1,
        le=MOST_THREADS,
        description="CPU threads of one training job; one gives most images per core, more finish "
        "a single model sooner where cores would idle",
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


class SamplingCompute(Section):
    """How trained networks are used: sampling, and the checks of models."""

    device: Device = Field("auto", description="auto takes a GPU where there is one")
    threads: Whole = Field(1, ge=1, le=MOST_THREADS, description="CPU threads of one job")


class RenderingCompute(Section):
    """How scenes are rendered; on what is `render.device`, because pictures differ by it."""

    threads: Whole = Field(
        1,
        ge=1,
        le=MOST_THREADS,
        description="threads per Blender process; one process per core measures best",
    )


class ComputeConfig(Section):
    """How the stages run. A change here runs nothing again."""

    training: TrainingCompute = Field(
        default_factory=defaults(TrainingCompute), description="how networks are trained"
    )
    sampling: SamplingCompute = Field(
        default_factory=defaults(SamplingCompute), description="how trained networks are used"
    )
    rendering: RenderingCompute = Field(
        default_factory=defaults(RenderingCompute), description="how scenes are rendered"
    )


MOVED = {
    **{f"training.{key}": f"compute.training.{key}" for key in TrainingCompute.model_fields},
    "training.device": "compute.training.device, and compute.sampling.device for sampling,",
    "render.threads": "compute.rendering.threads",
}
"""Keys of earlier versions, and what to write instead."""
