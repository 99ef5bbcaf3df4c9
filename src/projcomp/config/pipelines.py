"""Models that are other people's: pipelines of diffusers, told a prompt."""

from typing import Literal

from pydantic import Field

from projcomp.config.from_file import UsersFile
from projcomp.config.section import Number, Section, Text, Whole

PROMPT = "prompt"
"""What a pipeline is conditioned on: a text, or of DiT a class by name or number."""

Scheduler = Literal[
    "DDIMScheduler",
    "DDPMScheduler",
    "DPMSolverMultistepScheduler",
    "EulerAncestralDiscreteScheduler",
    "EulerDiscreteScheduler",
    "HeunDiscreteScheduler",
    "LMSDiscreteScheduler",
    "UniPCMultistepScheduler",
]
"""Schedulers of diffusers by their classes, for networks that are told a step, and no flow."""


class PipelineConfig(Section):
    """One diffusion model that is a pipeline of diffusers; it is composed, and never trained.

    Nothing is fetched. `dtype` is the precision of its network; the sampler's state stays fp32.
    """

    pipeline: UsersFile = Field(
        description="folder that `save_pretrained` has written; paths count from here; with "
        "`revision` the name of a repository of the hub, whose files are in the hub's cache",
    )
    revision: Text | None = Field(
        None, description="commit of that repository, 40 digits of a hash; nothing for a folder"
    )
    variant: Text | None = Field(
        None, description="which files of weights are read, such as fp16; nothing for the plain"
    )
    lora: UsersFile | None = Field(
        None, description="folder, or .safetensors file, of an adapter that is on in this model"
    )
    lora_weight: Number = Field(1.0, description="weight of the adapter")
    condition: Literal["prompt"] = Field(
        PROMPT, description="its kind of condition, always a prompt"
    )
    scheduler: Scheduler | None = Field(
        None,
        exclude_if=lambda name: name is None,
        description="the scheduler of diffusers whose noise levels its paths have, with the "
        "settings of the pipeline's own; nothing for the pipeline's own",
    )
    dtype: Literal["fp32", "fp16", "bf16"] = Field("fp32", description="precision of its network")
    height: Whole | None = Field(
        None, ge=8, le=16_384, description="of its pictures, pixels; nothing for its own"
    )
    width: Whole | None = Field(
        None, ge=8, le=16_384, description="of its pictures, pixels; nothing for its own"
    )
    chunk_size: Whole = Field(
        16,
        ge=1,
        le=65_536,
        description="latents per call of its network or decoder, halved where a GPU's memory does "
        "not suffice",
    )
