"""The files that each kind of table is computed from."""

from projcomp.folder import CHECK, LOCALITY, REFERENCE, Folder
from projcomp.plan.rows import each_case, name_of
from projcomp.settings.case import TRUTH
from projcomp.settings.report import TableSettings


def summary(_: object, folder: Folder) -> list[str]:
    """The summary alone."""
    return [folder.summary()]


def counted(table: TableSettings, folder: Folder) -> list[str]:
    """What was counted of every case."""
    return each_case(table, folder.counted)


def counted_and_check(table: TableSettings, folder: Folder) -> list[str]:
    """What was counted, and the detector's errors on renders."""
    return [*counted(table, folder), folder.detector(CHECK)]


def ranked(table: TableSettings, folder: Folder) -> list[str]:
    """The summary, what was counted of composed cases, and the distances."""
    composed = {name: cases for name, cases in table.cases.items() if name != TRUTH}
    found = counted(table.model_copy(update={"cases": composed}), folder)
    names = dict.fromkeys(table.distances.values())
    far = [folder.table(name_of("distance", name)) for name in names]
    return [folder.summary(), *found, *far]


def ceilings_and_localities(table: TableSettings, folder: Folder) -> list[str]:
    """The ceilings of the experiments and how local their models are."""
    models = dict.fromkeys(model for model, _ in table.deltas.values())
    ceilings = [folder.table(name_of("ceiling", name)) for name in table.cases]
    return [*ceilings, *(folder.model(name, LOCALITY) for name in models)]


def clutter_datasets(table: TableSettings, folder: Folder) -> list[str]:
    """The datasets whose clutter is composed."""
    names = [name for clutter in table.clutter.values() for name in clutter.datasets]
    return [folder.index(name) for name in dict.fromkeys(names)]


def counted_and_datasets(table: TableSettings, folder: Folder) -> list[str]:
    """What was counted, and the training pictures."""
    return [*counted(table, folder), *(folder.index(name) for name in table.datasets)]


def counted_and_samples(table: TableSettings, folder: Folder) -> list[str]:
    """What was counted, and the samples."""
    return [*counted(table, folder), *samples(table, folder)]


def samples(table: TableSettings, folder: Folder) -> list[str]:
    """The samples of every case."""
    return each_case(table, folder.samples)


def samples_and_detector(table: TableSettings, folder: Folder) -> list[str]:
    """The samples, and the detector that looks at them."""
    return [*samples(table, folder), *folder.detector_files()]


def counted_samples_and_detector(table: TableSettings, folder: Folder) -> list[str]:
    """What was counted, the samples, and the detector that looks at them."""
    return [*counted(table, folder), *samples_and_detector(table, folder)]


def projected(table: TableSettings, folder: Folder) -> list[str]:
    """The detector says the colours of what stands at places."""
    return samples_and_detector(table, folder) if table.threshold else samples(table, folder)


def counted_samples_and_datasets(table: TableSettings, folder: Folder) -> list[str]:
    """What was counted, the samples and the training pictures."""
    return [
        *counted_and_samples(table, folder),
        *(folder.index(name) for name in table.datasets),
    ]


def classified(table: TableSettings, folder: Folder) -> list[str]:
    """What the classifier saw of the samples and of the reference."""
    return [folder.classifier(REFERENCE), *each_case(table, folder.classified)]


def samples_and_scores(table: TableSettings, folder: Folder) -> list[str]:
    """The samples, and a judge's scores of them."""
    scores = each_case(table, folder.scored) if table.judge else []
    return [*samples(table, folder), *scores]
