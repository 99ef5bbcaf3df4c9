"""The one meeting place: checkpoints, a composition and a sampler make images.

Everything is decided by the settings alone: sample ``i`` of a case starts from its own stream
``(seed, "sample", experiment, case, i)`` and does not depend on the batch that it is computed in.
"""

import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from projcomp import seeds
from projcomp.composition.registry import get_operator
from projcomp.data.images import write_samples
from projcomp.devices import torch_device
from projcomp.diffusion.batched import BatchedScores
from projcomp.diffusion.field import Denoiser, ScoreField
from projcomp.diffusion.noise_levels import edm_sigmas
from projcomp.diffusion.pixels import decode
from projcomp.errors import ConfigError, UserError
from projcomp.networks import conditioning
from projcomp.networks.checkpoint import load_model
from projcomp.networks.precision import at_precision
from projcomp.samplers.noise import NoiseStreams
from projcomp.samplers.process import Predictor, sample
from projcomp.samplers.registry import get_sampler
from projcomp.samplers.start import start_noise

if TYPE_CHECKING:
    from projcomp.stages import SampleSettings


class SamplingError(UserError):
    """A reverse process did not end in images."""


class Model(Protocol):
    """What sampling needs of a checkpoint: a denoiser that says what it is told and how large."""

    @property
    def condition_kind(self) -> str:
        """The kind of its conditions: none, position or color."""
        ...

    @property
    def resolution(self) -> int:
        """Side of its images, pixels."""
        ...

    def __call__(self, x: Tensor, sigma: Tensor, condition: Tensor, /) -> Tensor:
        """Denoise ``x`` ``(B, 3, H, W)`` at ``sigma`` ``(B,)`` given ``condition`` ``(B, C)``."""
        ...


@dataclass(frozen=True)
class DrawnSamples:
    """Images of one case, and what making them cost.

    Attributes:
        images: uint8, shape ``(num_samples, H, W, 3)``.
        field_evaluations: evaluations of the composed score along one path.
        network_evaluations: network evaluations that one image cost.
        seconds_per_image: wall time, networks loaded.
    """

    images: np.ndarray
    field_evaluations: int
    network_evaluations: int
    seconds_per_image: float


def run(
    settings: "SampleSettings",
    models_dir: Path,
    out: Path,
    device: str | torch.device = "auto",
    threads: int | None = None,
) -> None:
    """Sample one case of one experiment and write it to ``out``.

    Args:
        settings: what to sample.
        models_dir: folder of the trained models, one folder per name.
        out: the samples file, written atomically.
        device: "auto" (a GPU where there is one), "cpu", "gpu", or a torch device.
        threads: CPU threads of torch; None leaves them as they are.

    Raises:
        UserError: a model is missing or cannot be asked what the case asks, the device is not
            there, or the samples are not finite.
    """
    if threads is not None:
        torch.set_num_threads(threads)
    target = torch_device(device)
    names = {settings.conditionals, _background(settings)[0]}
    drawn = draw_samples(settings, lambda name: load_model(models_dir / name, target), target)
    weights = {name: _sha256(models_dir / name / "weights.safetensors") for name in sorted(names)}
    attributes = {**_attributes(settings, drawn), "models": json.dumps(weights)}
    write_samples(out, drawn.images, settings.case, attributes)


def draw_samples(
    settings: "SampleSettings",
    load: Callable[[str], Model],
    device: torch.device,
) -> DrawnSamples:
    """Sample one case of one experiment.

    Args:
        settings: what to sample.
        load: the model of a given name, on ``device``; called once per model.
        device: where the reverse process runs; its state is float32 whatever the precision.

    Raises:
        UserError: as :func:`run`.
    """
    requests, resolution = model_requests(settings, load, device)
    recipe = settings.sampling
    scores = BatchedScores(requests, recipe.chunk_size)
    field = get_operator(settings.operator).field(scores, [1.0] * (len(requests) - 1))
    sigmas = edm_sigmas(recipe.num_steps, recipe.sigma_min, recipe.sigma_max, recipe.rho)
    predictor = get_sampler(recipe.sampler)
    pieces = _pieces(settings.num_samples, max(1, recipe.chunk_size // scores.widest_group))
    images, num_evaluations = [], 0
    began = time.perf_counter()
    for indices in tqdm(pieces, desc=f"{settings.experiment}/{settings.case.name}", disable=None):
        stream = [sample_seed(settings, int(i)) for i in indices]
        x, num_evaluations = _sample(field, predictor, sigmas, stream, resolution, device)
        _check_finite(x, settings)
        images.append(decode(x))
    return DrawnSamples(
        images=np.concatenate(images),
        field_evaluations=num_evaluations,
        network_evaluations=num_evaluations * scores.num_distinct,
        seconds_per_image=(time.perf_counter() - began) / settings.num_samples,
    )


def sample_seed(settings: "SampleSettings", index: int) -> int:
    """The seed of the stream that sample ``index`` of the case starts from."""
    return seeds.integer_seed(
        settings.seed, "sample", settings.experiment, settings.case.name, index
    )


def model_requests(
    settings: "SampleSettings",
    load: Callable[[str], Model],
    device: torch.device,
) -> tuple[list[tuple[Denoiser, Tensor]], int]:
    """The (denoiser, condition) pairs of a case, the background first, and their resolution.

    Raises:
        ConfigError: the models differ in resolution, or do not understand the case's conditions.
    """
    background, background_condition = _background(settings)
    models = {name: load(name) for name in dict.fromkeys([settings.conditionals, background])}
    sizes = {name: model.resolution for name, model in models.items()}
    if len(set(sizes.values())) > 1:
        raise ConfigError(
            f"experiment {settings.experiment}: expected models of one resolution, got {sizes}; "
            "train them at the same resolution"
        )
    precision = settings.sampling.precision
    denoisers = {name: at_precision(model, precision, device) for name, model in models.items()}
    kind = models[background].condition_kind
    of_background = {"empty": conditioning.empty, "unconditional": conditioning.unconditional}
    rows = _case_conditions(settings, models[settings.conditionals].condition_kind)
    requests = [(denoisers[background], of_background[background_condition](kind)[0])]
    requests += [(denoisers[settings.conditionals], row) for row in rows]
    return requests, sizes[background]


def _background(settings: "SampleSettings") -> tuple[str, str]:
    """Model and condition of the background that the operator takes its product over."""
    given = (settings.background.model, settings.background.condition)
    own = (settings.conditionals, "unconditional")
    if get_operator(settings.operator).background == "unconditional" and given != own:
        raise ConfigError(
            f"experiment {settings.experiment}: expected the background of {settings.operator} to "
            f"be {own[0]} ({own[1]}), got {given[0]} ({given[1]}); leave the background out"
        )
    return given


def _case_conditions(settings: "SampleSettings", kind: str) -> list[Tensor]:
    """One condition per composed distribution of the case; none where it asks for nothing."""
    case = settings.case
    asked = "position" if len(case.locations) else "color" if len(case.colors) else kind
    if asked != kind:
        raise ConfigError(
            f"experiment {settings.experiment}: expected a model conditioned on {asked} for case "
            f"{case.name}, got {settings.conditionals}, which is conditioned on {kind}"
        )
    if len(case.locations):
        return list(conditioning.at_locations(case.locations))
    return list(conditioning.of_colors(case.colors))


@torch.inference_mode()
def _sample(
    field: ScoreField,
    predictor: Predictor,
    sigmas: Tensor,
    stream: list[int],
    resolution: int,
    device: torch.device,
) -> tuple[Tensor, int]:
    """Samples ``(batch, 3, H, W)``, one per seed of ``stream``, and evaluations of the field."""
    dims = (3, resolution, resolution)
    start = float(sigmas[0]) * field.start_scale * start_noise(stream, dims).to(device)
    noise = NoiseStreams(stream, dims, device)
    result = sample(field, start, sigmas, predictor, noise=noise)
    return result.x, result.num_evaluations


def _pieces(num_samples: int, largest: int) -> list[np.ndarray]:
    """Sample indices in consecutive pieces of nearly equal size, none above ``largest``."""
    return np.array_split(np.arange(num_samples), -(-num_samples // largest))


def _check_finite(x: Tensor, settings: "SampleSettings") -> None:
    bad = int((~torch.isfinite(x)).flatten(1).any(1).sum())
    if bad:
        raise SamplingError(
            f"experiment {settings.experiment}, case {settings.case.name}: expected finite samples,"
            f" got NaN or infinity in {bad} of {len(x)}; check the models' metrics.csv, or sample "
            "with sampling.precision fp32"
        )


def _attributes(settings: "SampleSettings", drawn: DrawnSamples) -> dict[str, Any]:
    """What the samples file says of its making."""
    model, condition = _background(settings)
    return {
        "settings": settings.model_dump_json(),
        "experiment": settings.experiment,
        "seed": settings.seed,
        "operator": settings.operator,
        "conditionals": settings.conditionals,
        "background_model": model,
        "background_condition": condition,
        "sampler": settings.sampling.sampler,
        "num_steps": settings.sampling.num_steps,
        "field_evaluations": drawn.field_evaluations,
        "network_evaluations_per_image": drawn.network_evaluations,
        "seconds_per_image": drawn.seconds_per_image,
    }


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
