"""The files that each kind of figure is drawn from."""

from collections.abc import Callable

from projcomp.folder import CHECK, LOCALITY, RELIABILITY, Folder
from projcomp.plan import table_inputs
from projcomp.plan.rows import each_case, name_of
from projcomp.settings.report import FigureSettings


def summary_and_clutter(figure: FigureSettings, folder: Folder) -> list[str]:
    """The summary, and the laws of clutter where it is composed."""
    clutter = [folder.table("clutter")] if figure.clutter else []
    return [*table_inputs.summary(figure, folder), *clutter]


def own_table(figure: FigureSettings, folder: Folder) -> list[str]:
    """The table of the same name."""
    return [folder.table(figure.name)]


def samples(figure: FigureSettings, folder: Folder) -> list[str]:
    """The samples of every case."""
    return each_case(figure, folder.samples)


def cases(figure: FigureSettings, folder: Folder) -> list[str]:
    """The samples, and what was counted of them."""
    return [*samples(figure, folder), *each_case(figure, folder.counted)]


def samples_and_datasets(figure: FigureSettings, folder: Folder) -> list[str]:
    """The samples, and pictures of nothing but the background."""
    return [*samples(figure, folder), *(folder.index(name) for name in figure.datasets)]


def table_and_cases(figure: FigureSettings, folder: Folder) -> list[str]:
    """The table of the same name, the samples and their counts."""
    return [*own_table(figure, folder), *cases(figure, folder)]


def checks(figure: FigureSettings, folder: Folder) -> list[str]:
    """The checks of the models."""
    return [folder.model(name, CHECK) for name in figure.models]


def localities(figure: FigureSettings, folder: Folder) -> list[str]:
    """How local the models are."""
    return [folder.model(name, LOCALITY) for name in figure.models]


def table_and_ceilings(figure: FigureSettings, folder: Folder) -> list[str]:
    """The table of the same name, and the ceilings of its experiments."""
    ceilings = [folder.table(name_of("ceiling", name)) for name in figure.cases]
    return [*own_table(figure, folder), *ceilings]


def each_memorised(figure: FigureSettings, folder: Folder) -> list[str]:
    """The tables of what every experiment memorised."""
    return [folder.table(name_of("memorised", name)) for name in figure.cases]


def detector_check(_: FigureSettings, folder: Folder) -> list[str]:
    """The detector's check on held-out renders."""
    return [folder.detector(CHECK), folder.detector(RELIABILITY)]


def exact_table(name: str) -> Callable[[FigureSettings, Folder], list[str]]:
    """An exact experiment's table."""
    return lambda _, folder: [folder.exact(name)]
