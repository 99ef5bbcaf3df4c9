"""The stage: from the folder of models to the samples file of one case."""

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from projcomp.data.images import write_samples
from projcomp.exact.load import load_exact
from projcomp.exact.model import ExactModel
from projcomp.folder import WEIGHTS
from projcomp.machine.devices import torch_device
from projcomp.machine.memory import memory_for
from projcomp.networks.checkpoint import load_model
from projcomp.own_code import unedited
from projcomp.sampling.case import CaseSamples, sample_case
from projcomp.sampling.prompts import sample_prompts
from projcomp.sampling.requests import Model
from projcomp.settings.stages import model_names

if TYPE_CHECKING:
    from projcomp.settings.stages import SampleSettings


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
        models_dir: folder of the trained models, one folder per name; the datasets of exact models
            lie in the same run, beside it.
        out: the samples file, written atomically.
        device: "auto" (a GPU where there is one), "cpu", "gpu", or a torch device.
        threads: CPU threads of torch; None leaves them as they are.

    Raises:
        UserError: a model is missing or cannot be asked what the case asks, the device is not
            there, its memory does not suffice, the samples are not finite, or a file of the user's
            own was edited meanwhile.
    """
    if threads is not None:
        torch.set_num_threads(threads)
    target = torch_device(device, "compute.sampling.device")
    key, size = "sampling.chunk_size", settings.sampling.chunk_size
    if settings.pipelines:
        key = "models.<name>.chunk_size"
        size = min(one.chosen.chunk_size for one in settings.pipelines.values())
    with (
        unedited() as executed,
        memory_for(
            f"{key}: expected networks and images that fit into the memory, got none left "
            f"with {size} images at once; lower it or take a larger device"
        ),
    ):
        exact: dict[str, ExactModel] = {}

        def load(name: str) -> Model:
            if name not in settings.exact:
                return load_model(models_dir / name, target)
            exact[name] = load_exact(name, settings.exact[name], models_dir.parent, target)
            return exact[name]

        if settings.pipelines:
            samples = sample_prompts(settings, target)
        else:
            samples = sample_case(settings, load, target)
    others = {*settings.exact, *settings.pipelines}
    names = sorted(name for name in model_names(settings) if name not in others)
    weights = {name: _sha256(models_dir / name / WEIGHTS) for name in names}
    attributes = {
        **_attributes(settings, samples),
        **_of_exact(exact),
        "models": json.dumps(weights),
        "own_files": json.dumps({file: executed[file] for file in own_files(settings)}),
    }
    write_samples(out, samples.images, settings.case, attributes, samples.measured)


def own_files(settings: "SampleSettings") -> list[str]:
    """The user's own files that a case is sampled by, each once.

    A feature map's of an exact model too; a network carries the check sum of its own.
    """
    maps = [model.features for model in settings.exact.values() if model.features]
    files = [*settings.operator.files, *settings.sampling.sampler.files]
    return list(dict.fromkeys([*files, *(file for one in maps for file in one.files)]))


def _attributes(settings: "SampleSettings", samples: CaseSamples) -> dict[str, Any]:
    """What the samples file says of its making."""
    return {
        "settings": settings.model_dump_json(),
        "experiment": settings.experiment,
        "seed": settings.seed,
        "operator": settings.operator.name,
        "sampler": settings.sampling.sampler.name,
        "sigmas": samples.sigmas,
        "num_steps": settings.sampling.num_steps,
        "field_evaluations": samples.field_evaluations,
        "network_evaluations_per_image": samples.network_evaluations,
        "seconds_per_image": samples.seconds_per_image,
    }


def _of_exact(models: dict[str, ExactModel]) -> dict[str, Any]:
    """How many renders each exact model knows, and the share of weight left out at the most."""
    if not models:
        return {}
    known = {
        name: {"renders": model.num_images, "discarded": model.discarded}
        for name, model in sorted(models.items())
    }
    return {"exact_models": json.dumps(known)}


def _sha256(path: Path) -> str:
    total = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(2**20):
            total.update(piece)
    return total.hexdigest()
