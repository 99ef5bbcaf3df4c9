"""Samples of one case of pipelines: their prompts, their schedulers' levels, their pictures.

The adapter, and with it diffusers, is imported where a pipeline is loaded: nobody else has it.
"""

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import torch

from projcomp.adapters.loading import loading
from projcomp.config.conditions import UNCONDITIONAL
from projcomp.config.pipelines import PROMPT, PipelineConfig
from projcomp.diffusion.batched import BatchedScores
from projcomp.errors import ConfigError
from projcomp.files.pipeline_folder import absent_parts, pipeline_folder
from projcomp.samplers.window import Windowed
from projcomp.sampling.case import CaseSamples, draw
from projcomp.sampling.parts import CountedScores, Path, Process, build_process
from projcomp.sampling.requests import Requests
from projcomp.words import short

if TYPE_CHECKING:
    from projcomp.adapters.diffusers import Pipeline
    from projcomp.settings.stages import PipelineSettings, SampleSettings

_PRECISIONS = {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}


def sample_prompts(settings: "SampleSettings", device: torch.device) -> CaseSamples:
    """Sample one case of an experiment that tells pipelines prompts.

    Args:
        settings: what to sample.
        device: where the pipelines and the samples lie; the samples are float32 whatever the
            networks' precision.

    Raises:
        UserError: a pipeline or an adapter cannot be loaded, pipelines have latents of other
            shapes, or the samples are not finite.
    """
    pipelines = load_pipelines(settings.pipelines, device)
    told = _told(settings, pipelines)
    first = told[0][1].pipeline
    levels = first.noise_levels(settings.sampling.num_steps)
    for _, one in told:
        one.pipeline.check_start(levels)
    requests = Requests(
        composed=told,
        num_conditions=len(settings.composed),
        num_models=0,
        num_controls=int(settings.control is not None),
        explained=[],
        dims=first.dims,
        pictures=lambda x: first.decode(first.latents(x, float(levels[-1]))),
        weights=[one.weight for one in settings.composed],
    )
    chunk_size = min(one.chosen.chunk_size for one in settings.pipelines.values())
    scores = CountedScores(BatchedScores(requests.composed, chunk_size))
    at_infinity = bool(levels[0].isinf())
    start = partial(_begin, first, scores, levels)
    path = Path(levels[at_infinity:], start, evaluations=int(at_infinity))
    process = build_process(settings, requests, scores, path)
    _check_windows(settings, process)
    return draw(settings, requests, process, scores, chunk_size, device)


def load_pipelines(
    chosen: Mapping[str, "PipelineSettings"], device: torch.device
) -> "dict[str, Pipeline]":
    """Pipelines by name; those that differ in their adapters alone share their weights.

    Raises:
        UserError: one of them, or an adapter, cannot be loaded.
    """
    loaded: dict[tuple[Any, ...], Pipeline] = {}
    found: dict[str, Pipeline] = {}
    for name, one in chosen.items():
        model = one.chosen
        key = (model.pipeline, model.revision, model.variant, model.dtype, model.scheduler)
        key = (*key, model.height, model.width, model.chunk_size)
        if key not in loaded:
            loaded[key] = _load(model, device)
        found[name] = loaded[key]
        if model.lora is not None:
            _load_lora(loaded[key], name, model.lora)
            found[name] = loaded[key].with_loras({name: model.lora_weight})
    return found


def _load(model: PipelineConfig, device: torch.device) -> "Pipeline":
    from projcomp.adapters.diffusers import Pipeline

    folder = pipeline_folder(model.pipeline, model.revision)
    return Pipeline.load(
        folder,
        device=str(device),
        height=model.height,
        width=model.width,
        chunk_size=model.chunk_size,
        scheduler=model.scheduler,
        dtype=_PRECISIONS[model.dtype],
        variant=model.variant,
        use_safetensors=True,  # weights in pickles are not read
        **dict.fromkeys(absent_parts(folder)),
    )


def _load_lora(pipeline: "Pipeline", name: str, lora: str) -> None:
    key = f"models.{name}.lora: {short(lora)}"
    with loading(
        f"{key}: expected an adapter of {type(pipeline.pipe).__name__}",
        "name a whole one that was trained for this pipeline",
    ):
        pipeline.pipe.load_lora_weights(
            lora, adapter_name=name, local_files_only=True, use_safetensors=True
        )
        if name not in pipeline.known_loras:  # diffusers passes over what it does not know
            raise ValueError("nothing in it is for a part of this pipeline")


def _told(settings: "SampleSettings", pipelines: "Mapping[str, Pipeline]") -> list[tuple[Any, Any]]:
    """The networks and what each is told: the background, what is composed, the control."""

    def told(model: str, condition: Any) -> tuple[Any, Any]:
        pipeline = pipelines[model]
        if condition == UNCONDITIONAL:
            return pipeline.network, pipeline.nothing()
        return pipeline.network, pipeline.prompt(condition[PROMPT])

    first = [settings.background] if settings.background else []
    last = [settings.control] if settings.control else []
    each = [told(one.model, one.condition) for one in [*first, *settings.composed, *last]]
    dims = each[0][1].pipeline.dims
    for _, one in each:
        if one.pipeline.dims != dims:
            raise ConfigError(
                f"experiment {settings.experiment}: expected pipelines with latents of one shape, "
                f"got {dims} and {one.pipeline.dims}; compose pipelines of one kind, "
                "with the same height and width"
            )
    return each


def _begin(
    pipeline: "Pipeline", scores: CountedScores, levels: Any, field: Any, noise: torch.Tensor
) -> torch.Tensor:
    from projcomp.adapters.diffusers import begin

    return begin(pipeline, field, scores, noise, levels)


def _check_windows(settings: "SampleSettings", process: Process) -> None:
    """Refuse a corrector or a swarm whose window has no level of the path that it acts at."""
    levels = process.path.sigmas[1:].tolist()
    parts: dict[str, Windowed | None] = {"corrector": process.corrector, "swarm": process.swarms}
    for name, part in parts.items():
        if part is not None and not any(part.runs_at(level) for level in levels):
            raise ConfigError(
                f"experiment {settings.experiment}, sampling.{name}.sigma_min: expected a window "
                f"with a noise level of the scheduler's, from {levels[0]:.4g} down, got one "
                "without any"
            )
