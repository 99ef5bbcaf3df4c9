"""Whether a composition is projective: Definition 4.1 of Bradley et al. 2025, measured.

A law is a projective composition of p_1, ..., p_k over p_b if its projection i has the law of p_i's
projection i, for every i, and the rest has that of p_b's rest. Projection i is the window around
requested place i, the rest is what lies in no requested window; of colours, projection i is what is
like the colour, the rest what is like the others (``evaluation/crops.py``). Every projection of the
composed samples is held against

- ``conditional``: that of the conditional's own samples, the case of this place or colour alone;
- ``background``: the rest of the background's own samples, the case of nothing;
- ``truth``: that of rendered true compositions of the same request, where these are right.

The same is asked of the truth as the subject: what it breaks of the definition (the shadow of
another object in the window, say) no model can keep. Its halves against each other are the floor.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from projcomp import seeds
from projcomp.evaluation.case_samples import case_samples
from projcomp.evaluation.classifier import held_out_accuracy
from projcomp.evaluation.crops import at_place, color_fields, elsewhere, of_colors
from projcomp.evaluation.detect import detect
from projcomp.evaluation.forward import load_detector
from projcomp.evaluation.grid import ATTRIBUTES
from projcomp.evaluation.heatmaps import Detections
from projcomp.evaluation.marginal import against_law, over_places
from projcomp.evaluation.matching import match
from projcomp.evaluation.two_sample import (
    Compared,
    Statistic,
    compare,
    detectable,
    distances,
    energy_coefficient,
    gaussian_kernel,
    kernel_discrepancy,
)
from projcomp.folder import DETECTOR, Folder
from projcomp.scenes.vocabulary import COLORS
from projcomp.settings.case import TRUTH

if TYPE_CHECKING:
    from projcomp.settings.report import TableSettings

Images = NDArray[Any]
Projection = Callable[[Images], NDArray[np.float32]]
Matrix = Callable[[NDArray[Any]], NDArray[np.float64]]

ALL = "all"
REST = "rest"
"""Projections beside the places' numbers, from 1, and the colours: their mean, and the rest."""

COMPOSED = "composed"

COLUMNS = ["case", "num_composed", "subject", "projection", "against", "measure"]
COLUMNS += ["value", "low", "high", "p_value", "floor", "critical", "detects"]
COLUMNS += ["unsure", "num_samples", "num_reference"]
"""One row per case, subject (``composed`` samples or the ``truth``), projection, reference and
measure: ``energy`` (coefficient in pixels), ``mmd`` (Gaussian kernel, squared), ``classifier``
(held-out accuracy), and against ``uniform`` the total variation of the ``color``, ``shape``,
``material`` and ``size`` of what stands there. ``floor`` and ``critical`` are the mean and the
upper quantile where both have one law, at these numbers of images (of objects, with attributes).
With attributes the row ``all`` is the mean over places, and its p-value Bonferroni's, with no
critical value (``evaluation/marginal.py``). ``detects`` is the least share of samples without the
object that the energy tells from the truth in 4 of 5 runs. ``unsure`` is the share of the subject's
images that the detector doubts, of the truth's in both halves; empty where colours are asked for,
which no detector is asked about."""

WORDS = ("subject", "projection", "against")
"""Those of COLUMNS that hold words, besides the common ones."""

MOST = 500
"""Images taken of a case, at most, the first ones."""


@dataclass(frozen=True)
class _Pictures:
    """Images of one case, and the places or the colours that it asks for.

    Of a case that asks for colours, ``images`` are the fields of these (``color_fields``).
    """

    images: Images
    places: list[tuple[float, float]]
    colors: list[str]

    @property
    def asked(self) -> list[Any]:
        return self.places or self.colors

    def projections(self, radius: float) -> dict[str, Projection]:
        """Of what is asked for, by name, in order."""
        if self.places:
            windows = [partial(at_place, place=place, radius=radius) for place in self.places]
            return {str(number): window for number, window in enumerate(windows, 1)}
        return {color: partial(of_colors, colors=[color]) for color in self.colors}

    def rest(self, radius: float) -> Projection:
        """What none of these shows."""
        if self.places:
            return partial(elsewhere, places=self.places, radius=radius)
        return partial(of_colors, colors=[color for color in COLORS if color not in self.colors])


def table(settings: "TableSettings", folder: Folder) -> pd.DataFrame:
    """The rows of one experiment; the settings' cases name it, and the truth where that is right.

    Raises:
        FileFormatError: a file is missing or damaged.
    """
    read = {
        COMPOSED if name != TRUTH else TRUTH: {
            case: _read(folder, name, case, settings) for case in cases
        }
        for name, cases in settings.cases.items()
    }
    # of places alone is asked what stands there
    at_places = any(some.places for cases in read.values() for some in cases.values())
    detector = load_detector(Path(folder.detector(DETECTOR)).parent) if at_places else None
    rows: list[dict[str, Any]] = []
    for subject, cases in read.items():
        for name, pictures in cases.items():
            if not pictures.asked:
                continue
            known = {"case": name, "num_composed": len(pictures.asked), "subject": subject}
            objects = detect(detector, pictures.images, settings.threshold) if detector else []
            if objects:
                known["unsure"] = float(np.mean([one.unsure for one in objects]))
            found = list(_against_truth(settings, read, subject, name)) if TRUTH in read else []
            found += _against_composed(settings, cases, subject, name)
            if objects:
                found += _attributes(settings, objects, pictures, name, subject)
            rows += [{**known, **row} for row in found]
    return pd.DataFrame(rows).reindex(columns=pd.Index(COLUMNS))


def _read(folder: Folder, experiment: str, case: str, settings: "TableSettings") -> _Pictures:
    samples = case_samples(folder, experiment, case)
    places = [(x, y) for x, y in samples.locations.tolist()]
    images = samples.images[:MOST]
    return _Pictures(color_fields(images) if samples.colors else images, places, samples.colors)


def _against_truth(
    settings: "TableSettings", read: dict[str, dict[str, _Pictures]], subject: str, case: str
) -> Iterator[dict[str, Any]]:
    """Place by place, all places at once, and the rest; of the truth, its halves, all at once."""
    true = read[TRUTH][case]
    x, y = read[subject][case].images, true.images
    if subject == TRUTH:
        order = _stream(settings, case, "halves").permutation(len(y))
        x, y = (y[half] for half in np.array_split(order, 2))
    projections, empty = true.projections(settings.radius), _case_of(read[TRUTH], [])
    for name, projection in projections.items() if subject == COMPOSED else ():
        rows = list(_told(settings, x, y, [projection], (case, subject, name, TRUTH)))
        if empty is not None:
            rng = _stream(settings, case, name, "detects")
            known = projection(y), projection(empty.images), len(x), len(y), settings.confidence
            rows[0]["detects"] = detectable(*known, rng=rng)
        yield from rows
    yield from _told(settings, x, y, list(projections.values()), (case, subject, ALL, TRUTH))
    rest = true.rest(settings.radius)
    yield from _told(settings, x, y, [rest], (case, subject, REST, TRUTH))


def _against_composed(
    settings: "TableSettings", own: dict[str, _Pictures], subject: str, case: str
) -> Iterator[dict[str, Any]]:
    """What is asked for against the conditionals' samples, the rest against the background's."""
    composed = own[case]
    x, projections = composed.images, composed.projections(settings.radius)
    for asked, (name, projection) in zip(composed.asked, projections.items(), strict=True):
        alone = _case_of(own, [asked])
        if alone is not None and alone is not composed:
            names = (case, subject, name, "conditional")
            yield from _told(settings, x, alone.images, [projection], names)
    empty = _case_of(own, [])
    if empty is not None:
        rest, names = composed.rest(settings.radius), (case, subject, REST, "background")
        yield from _told(settings, x, empty.images, [rest], names)


def _case_of(own: dict[str, _Pictures], asked: list[Any]) -> _Pictures | None:
    """The case of exactly these places or colours."""
    return next((some for some in own.values() if some.asked == asked), None)


def _told(
    settings: "TableSettings",
    x: Images,
    y: Images,
    projections: Sequence[Projection],
    names: tuple[str, str, str, str],
) -> Iterator[dict[str, Any]]:
    """Two sets of images by each measure, the energy first, several projections of them at once.

    The mean of the projections' distances, or kernels, is one of the images, so that permutations
    and intervals are over whole images, whose places depend on each other. There are no rows where
    no pixel is compared.

    Args:
        settings: of the table.
        x: the first set.
        y: the reference.
        projections: what is compared of an image.
        names: case, subject, projection and reference.
    """
    confidence, both = settings.confidence, np.concatenate([x, y])
    points = [projection(both) for projection in projections]
    if not points[0].shape[1]:
        return
    whole = np.concatenate(points, axis=1)

    def compared(matrix: Matrix, statistic: Statistic, measure: str) -> Compared:
        mean = np.mean([matrix(some) for some in points], axis=0)
        rng = _stream(settings, *names, measure)
        return compare(mean, len(x), statistic, confidence, rng=rng)

    rng = _stream(settings, *names, "classifier")
    found = {
        "energy": compared(distances, energy_coefficient, "energy"),
        "mmd": compared(gaussian_kernel, kernel_discrepancy, "mmd"),
        "classifier": held_out_accuracy(whole[: len(x)], whole[len(x) :], confidence, rng=rng),
    }
    counts = {"num_samples": len(x), "num_reference": len(y)}
    for measure, values in found.items():
        known = {"projection": names[2], "against": names[3], "measure": measure}
        yield {**known, **vars(values), **counts}


def _attributes(
    settings: "TableSettings",
    objects: Sequence[Detections],
    pictures: _Pictures,
    case: str,
    subject: str,
) -> Iterator[dict[str, Any]]:
    """What stands at the places, attribute by attribute, against the uniform law of the truth."""
    places, number = np.array(pictures.places), len(objects)
    counts = {
        kind: np.zeros((number, len(places), len(ATTRIBUTES[kind])), int) for kind in settings.drawn
    }
    for index, found in enumerate(objects):
        which, place = match(found.xy, places, settings.radius)
        for kind, count in counts.items():
            count[index, place, getattr(found, kind)[which]] = 1
    for kind, count in counts.items():
        drawn = settings.drawn[kind]
        law = [float(name in drawn) / len(drawn) for name in ATTRIBUTES[kind]]
        told = {}
        for place in range(len(places)):
            rng = _stream(settings, case, subject, str(place + 1), kind)
            told[str(place + 1)] = against_law(count[:, place], law, settings.confidence, rng=rng)
        rng, each = _stream(settings, case, subject, ALL, kind), list(told.values())
        told[ALL] = over_places(count, each, law, settings.confidence, rng=rng)
        numbers = [*count.sum((0, 2)).tolist(), int(count.sum())]
        for (projection, compared), number in zip(told.items(), numbers, strict=True):
            known = {"projection": projection, "against": "uniform", "measure": kind}
            yield {**known, **vars(compared), "num_samples": number}


def _stream(settings: "TableSettings", *names: str) -> np.random.Generator:
    return seeds.generator(settings.seed, "permutations", settings.name, *names)
