"""The stage: what the classifier says of the samples of one case."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from projcomp.data.images import read_samples
from projcomp.evaluation.classified import Classified, write_classified
from projcomp.evaluation.efficientnet import described
from projcomp.evaluation.picture_classifier import load_classifier

if TYPE_CHECKING:
    from projcomp.settings.stages import ClassifySettings


def classify(
    settings: "ClassifySettings", samples: Path, classifier: Path, out: Path, threads: int = 1
) -> None:
    """Write the probabilities and features of ``samples`` to ``out``.

    Raises:
        ModuleNotFoundError: the weights of a published network are asked for, and missing.
        FileFormatError: the samples or the classifier are missing, damaged, or of another size.
    """
    torch.set_num_threads(threads)
    network = load_classifier(classifier)
    images = read_samples(samples, settings.case, settings.experiment).images
    found, nobody_knows = network.described(images), np.empty(0, np.int64)
    published = described(images) if settings.published else None
    write_classified(out, Classified(network.values, *found, nobody_knows, published))
