"""Training and checking the classifier of pictures that were not rendered: minutes, in one go."""

import io
from math import ceil, cos, isfinite, pi
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import torch
from torch.nn import functional

from projcomp import seeds
from projcomp.config.evaluation import CONFIDENCE
from projcomp.data.dataset import RenderedImages
from projcomp.errors import UserError
from projcomp.evaluation.classified import Classified, write_classified
from projcomp.evaluation.efficientnet import described
from projcomp.evaluation.intervals import wilson
from projcomp.evaluation.picture_classifier import PictureClassifier, save_classifier
from projcomp.files.atomic import write_text
from projcomp.folder import CHECK, REFERENCE, index_name

if TYPE_CHECKING:
    from projcomp.settings.stages import ClassifierSettings

_WARM_UP = 0.1
_WEIGHT_DECAY = 1e-2
CHECK_COLUMNS = ["pictures", "class", "images", "right", "right_low", "right_high"]
HELD_OUT, OTHERS = "held out", "reference"


def train_classifier(
    settings: "ClassifierSettings", data_dir: Path, out_dir: Path, threads: int = 1
) -> None:
    """Train, check and describe the reference; a training that was killed starts again.

    Writes ``weights.safetensors``, ``classifier.json``, ``check.csv`` (how many pictures of each
    class it tells rightly, of those held out and of the reference) and ``reference.npz`` (what it
    says of the reference, with the true classes) into ``out_dir``.

    Raises:
        FileFormatError: a dataset is missing, damaged, or has no such label.
        UserError: the loss became non-finite.
    """
    torch.set_num_threads(threads)
    chosen = settings.classifier
    path = data_dir / index_name(chosen.dataset)
    learned = RenderedImages(path, settings.kind)
    held = RenderedImages(path, settings.kind, held_out=True)
    network = _fitted(settings, learned)
    reference = _described(network, data_dir / index_name(chosen.reference), chosen.published)
    rows = _right(HELD_OUT, network, *_images_of(held)) + _right_of(OTHERS, reference)
    buffer = io.StringIO()
    pd.DataFrame(rows, columns=pd.Index(CHECK_COLUMNS)).to_csv(
        buffer, index=False, float_format="%.6g"
    )
    save_classifier(out_dir, network, settings.model_dump(mode="json"))
    write_text(out_dir / CHECK, buffer.getvalue())
    write_classified(out_dir / REFERENCE, reference)


def _fitted(settings: "ClassifierSettings", images: RenderedImages) -> PictureClassifier:
    """The network after its training: AdamW, a linear warm-up and a cosine descent to zero."""
    chosen = settings.classifier
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seeds.integer_seed(settings.seed, "classifier", "weights"))
        network = PictureClassifier(settings.kind, chosen.channels, settings.resolution)
    optimizer = torch.optim.AdamW(
        network.parameters(), lr=chosen.learning_rate, weight_decay=_WEIGHT_DECAY
    )
    total = ceil(chosen.images_seen / chosen.batch_size)
    rng = torch.Generator().manual_seed(seeds.integer_seed(settings.seed, "classifier", "draws"))
    for update in range(total):
        index = torch.randint(len(images), (chosen.batch_size,), generator=rng)
        loss = functional.cross_entropy(
            network(images.read(index)), images.labels[index, 0, 0].long()
        )
        done = (update + 1) / total
        for group in optimizer.param_groups:
            share = done / _WARM_UP if done < _WARM_UP else 0.5 + 0.5 * cos(pi * done)
            group["lr"] = chosen.learning_rate * share
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if not isfinite(float(loss.detach())):
            raise UserError(
                f"classifier, update {update + 1}: expected a finite loss, got another; lower "
                "evaluation.classifier.learning_rate"
            )
    return network.eval().requires_grad_(False)


def _images_of(images: RenderedImages) -> tuple[np.ndarray, np.ndarray]:
    """All pictures, uint8 ``(N, H, W, 3)``, and the numbers of their classes ``(N,)``."""
    every = images.read(torch.arange(len(images))).numpy()
    return every, images.labels[:, 0, 0].long().numpy()


def _described(network: PictureClassifier, path: Path, published: str | None) -> Classified:
    """What the network, and perhaps a published one, says of all pictures of a dataset."""
    parts = [RenderedImages(path, network.kind, held_out=held) for held in (False, True)]
    images, classes = (np.concatenate(some) for some in zip(*map(_images_of, parts), strict=True))
    others = described(images) if published else None
    return Classified(network.values, *network.described(images), classes, others)


def _right(
    name: str, network: PictureClassifier, images: np.ndarray, classes: np.ndarray
) -> list[dict[str, object]]:
    found = network.described(images)
    return _right_of(name, Classified(network.values, *found, classes))


def _right_of(name: str, found: Classified) -> list[dict[str, object]]:
    """Of each class and of all, how many pictures are told rightly, with Wilson intervals."""
    rows = []
    right = found.told == found.classes
    for number, value in [*enumerate(found.values), (None, "all")]:
        here = right if number is None else right[found.classes == number]
        if len(here):
            low, high = wilson(int(here.sum()), len(here), CONFIDENCE)
            share = float(here.mean())
            rows.append(
                dict(zip(CHECK_COLUMNS, (name, value, len(here), share, low, high), strict=True))
            )
    return rows
