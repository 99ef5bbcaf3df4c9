"""The page to play with: whether a run has what it needs, and what it carries."""

from projcomp.config.features import FeatureSection, Luminance, Palette
from projcomp.config.section import defaults
from projcomp.plan.run import Run
from projcomp.settings.report import KnownModel, KnownRun, PlaygroundSettings

MOST_PIXELS = 32
"""Side of the pictures: larger ones make a page too large, and a composition too slow."""


def known_run(run: Run) -> KnownRun | None:
    """The datasets of single objects and of the empty ground, and the networks that compose.

    None where there are no such datasets of small pictures: then there is no page.
    """
    config = run.config
    single = [
        name
        for name, dataset in config.rendered.items()
        if dataset.min_objects == dataset.max_objects == 1 and dataset.colors is None
    ]
    empty = [name for name, dataset in config.rendered.items() if dataset.max_objects == 0]
    if not single or not empty or config.resolution > MOST_PIXELS:
        return None
    return KnownRun(datasets=single, empty=empty[0], trained=_trained(run, [*single, *empty]))


def playground_settings(run: Run) -> PlaygroundSettings:
    """Settings of the page."""
    return PlaygroundSettings(seed=run.config.seed, run=known_run(run))


def _trained(run: Run, known: list[str]) -> list[KnownModel]:
    """Networks of the page's datasets with an empty condition, the first of each kind."""
    found: dict[tuple[str, str], KnownModel] = {}
    for name in run.networks:
        model = run.models[name]
        if model.condition not in ("position", "color") or not set(model.datasets) <= set(known):
            continue
        datasets = [run.config.rendered[dataset] for dataset in model.datasets]
        if not any(dataset.max_objects == 0 for dataset in datasets):
            continue
        features = "rgb" if model.features is None else model.features.name
        if model.features not in (None, _default(features)):
            continue
        kind = (model.condition, features)
        known_as = {"name": name, "condition": model.condition, "features": features}
        found.setdefault(kind, KnownModel.model_validate(known_as))
    return list(found.values())


def _default(name: str) -> FeatureSection | None:
    """The feature map of that name with its default settings; None where it has none."""
    kinds: tuple[type[FeatureSection], ...] = (Luminance, Palette)
    return next((defaults(kind)() for kind in kinds if kind.default_name() == name), None)
