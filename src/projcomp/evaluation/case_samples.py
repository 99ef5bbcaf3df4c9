"""The samples of one case of a run, or the renders of its truth, which name no experiment."""

from projcomp.data.images import SampleSet, read_samples
from projcomp.folder import Folder
from projcomp.settings.case import TRUTH


def case_samples(folder: Folder, experiment: str, case: str) -> SampleSet:
    """What ``samples/<experiment>/<case>.h5`` holds.

    Raises:
        FileFormatError: the file is missing, damaged, or of another case.
    """
    path = folder.samples(experiment, case)
    return read_samples(path, case, None if experiment == TRUTH else experiment)
