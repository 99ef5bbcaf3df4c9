"""The stage: how well the pictures of one case show their prompts, by a judge of the config."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from projcomp.config.judges import AnyJudge, ClipJudge, JudgeFromFile
from projcomp.data.images import read_samples
from projcomp.evaluation.scored import Scored, write_scored
from projcomp.machine.devices import torch_device
from projcomp.own_code import load_function, unedited

if TYPE_CHECKING:
    from projcomp.settings.stages import ScoreSettings


def score(
    settings: "ScoreSettings", samples: Path, out: Path, device: str = "auto", threads: int = 1
) -> None:
    """Write the scores of ``samples`` to ``out``.

    Args:
        settings: the judge, and the prompts.
        samples: images of the case.
        out: the file, written atomically.
        device: auto, cpu or gpu, where a network judges.
        threads: CPU threads of torch.

    Raises:
        UserError: the samples are missing or damaged, the judge does not judge, or its file was
            edited meanwhile.
    """
    torch.set_num_threads(threads)
    images = read_samples(samples, settings.case, settings.experiment).images
    with unedited():
        found = scores_of(settings.judge, images, settings.prompts, device)
    write_scored(out, Scored(settings.prompts, found))


def scores_of(
    judge: AnyJudge, images: NDArray[np.uint8], prompts: list[str], device: str = "auto"
) -> NDArray[Any]:
    """Scores ``(N, P)`` of images uint8 ``(N, H, W, 3)`` for P prompts.

    Raises:
        UserError: the judge cannot be loaded, or makes what are no such scores.
    """
    if not prompts:  # what is composed is told nothing
        return np.empty((len(images), 0))
    match judge:
        case ClipJudge():
            from projcomp.adapters.clip import Clip

            clip = Clip.load(judge.folder, torch_device(device, "compute.sampling.device"))
            return clip.scores(images, prompts, judge.chunk_size)
        case JudgeFromFile():
            return _by_own_code(judge, images, prompts)


def _by_own_code(judge: JudgeFromFile, images: NDArray[np.uint8], prompts: list[str]) -> Any:
    own = load_function(judge.file, "judge")
    own.check_arguments(2, judge.settings)
    with own.guard():
        made = own.function(images.copy(), list(prompts), **judge.settings)
        found = np.asarray(made, dtype=float)
    if found.shape != (len(images), len(prompts)):
        raise own.error(f"expected scores {(len(images), len(prompts))}, got {found.shape}")
    if not np.isfinite(found).all():
        raise own.error("expected finite scores, got NaN or infinity")
    return found
