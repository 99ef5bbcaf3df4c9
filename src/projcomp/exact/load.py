"""From settings to an exact model: its datasets, read."""

from pathlib import Path
from typing import TYPE_CHECKING

import torch

from projcomp.data.dataset import RenderedImages
from projcomp.exact.model import ExactModel
from projcomp.features.make import make_features
from projcomp.folder import Folder

if TYPE_CHECKING:
    from projcomp.settings.stages import ExactSettings


def load_exact(
    name: str, settings: "ExactSettings", root: Path, device: torch.device | str = "cpu"
) -> ExactModel:
    """The exact model ``name`` on the datasets of the run in the folder ``root``.

    Raises:
        FileFormatError: an index or a shard is missing or damaged.
    """
    folder = Folder(str(root))
    images = {
        dataset: RenderedImages(Path(folder.index(dataset)), settings.condition)
        for dataset in settings.datasets
    }
    return ExactModel(
        name,
        images,
        settings.datasets,
        bandwidth=settings.bandwidth,
        window=settings.window,
        features=make_features(settings.features),
        device=device,
    )
