"""From YAML to a checked run; everything that is wrong with it becomes one line."""

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from projcomp.config.judges import AnyJudge, ClipJudge
from projcomp.config.messages import and_more, first_line
from projcomp.config.root import Config
from projcomp.config.strict_yaml import read_yaml
from projcomp.errors import ConfigError, UserError
from projcomp.files.inputs import check_input
from projcomp.files.pipeline_folder import look_at_lora, look_at_pipeline
from projcomp.plan.checks import problems
from projcomp.plan.run import Run
from projcomp.plan.stages import read_settings, sample_settings
from projcomp.settings.stages import model_names


def load(mapping: Mapping[str, Any]) -> Run:
    """The checked run of a nested mapping such as Snakemake's ``config``.

    Raises:
        ConfigError: naming the key, what was expected and what was got, in one line.
    """
    try:
        config = Config.model_validate({str(key): value for key, value in mapping.items()})
    except ValidationError as error:
        raise ConfigError(f"config: {first_line(error, Config)}") from None
    run = Run(config)
    found = problems(run)
    if found:
        raise ConfigError(f"config: {found[0]}{and_more(len(found) - 1)}")
    _try_own_code(run)
    return run


def _try_own_code(run: Run) -> None:
    """Try every map, operator and sampler from a user's file, the latter two on extreme cases.

    Raises:
        ConfigError: naming the model or the experiment, the file and its line.
    """
    own = [experiment for experiment in run.experiments.values() if experiment.files]
    mapped = [name for name in run.config.of_data if run.model_files(name)]
    if not own and not mapped:
        return
    # torch, which a dry run of anything else does not wait for
    make_features = import_module("projcomp.features.make").make_features
    for name in mapped:
        with _naming(f"models.{name}.features"):
            make_features(run.config.of_data[name].features)
    if not own:
        return
    try_out = import_module("projcomp.sampling.trial").try_out
    for experiment in own:
        first = model_names(experiment.config)[0]
        known = run.models.get(first)  # a pipeline's latents have no map
        features = make_features(known.features if known else None)
        by_size = sorted(experiment.cases.values(), key=lambda case: case.num_conditions)
        for name in dict.fromkeys([by_size[0].name, by_size[-1].name]):
            with _naming(experiment.key, f" (case {name})"):
                settings = sample_settings(run, experiment.name, name)
                try_out(settings, run.config.resolution, features)


@contextmanager
def _naming(key: str, after: str = "") -> Iterator[None]:
    """A user's error with the key that it belongs to."""
    try:
        yield
    except UserError as error:
        raise ConfigError(f"config: {key}: {error}{after}") from None


def load_files(paths: Iterable[str | os.PathLike[str]]) -> Run:
    """The checked run of YAML files, later ones merged deeply over earlier ones.

    As Snakemake does: first all that go over the first file, with each other.
    """
    contents, over = [read_yaml(path) for path in paths], {}
    for content in contents[1:]:
        over = merge(over, content)
    return load(merge(contents[0] if contents else {}, over))


def load_workflow(mapping: Mapping[str, Any], paths: Iterable[str | os.PathLike[str]]) -> Run:
    """The checked run of Snakemake's ``config``, the files that it was read from read again.

    Snakemake lets the last of two equal keys win, for instance; see ``config/strict_yaml.py``.

    Raises:
        ConfigError: as :func:`load` and :func:`~projcomp.config.strict_yaml.read_yaml`.
    """
    for path in paths:
        read_yaml(path)
    run = load(mapping)
    look_at_files(run)
    return run


def look_at_files(run: Run) -> None:
    """See that what is the user's own is there: files of pictures, pipelines, a judge.

    Files of pictures have the columns of their labels, pipelines their parts. Not a part of
    loading: what a run consists of does not depend on them.

    Raises:
        ConfigError: naming the key and the file.
    """
    for name, dataset in run.config.filed.items():
        # h5py, which a dry run of renders does not wait for
        look = import_module("projcomp.data.read_dataset").look
        with _naming(f"datasets.{name}.file"):
            look(read_settings(run, name), dataset.get or "check its name")
    for name, model in run.config.pipelines.items():
        with _naming(f"models.{name}.pipeline"):
            look_at_pipeline(model.pipeline, model.revision)
        if model.lora is not None:
            with _naming(f"models.{name}.lora"):
                look_at_lora(model.lora)
    judge = run.config.evaluation.judge
    if run.prompted.experiments and judge is not None:
        _look_at_judge(judge)


def _look_at_judge(judge: AnyJudge) -> None:
    if isinstance(judge, ClipJudge):
        key, path, expected = "folder", Path(judge.folder) / "config.json", "a CLIP model"
    else:
        key, path, expected = "file", Path(judge.file), "a Python file"
    with _naming(f"evaluation.judge.{key}"):
        check_input(path, expected, "check its name")


def merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """``over`` merged deeply over ``base``, as Snakemake merges ``--configfile`` files."""
    merged = dict(base)
    for key, value in over.items():
        below = merged.get(key)
        if isinstance(value, Mapping):
            value = merge(below if isinstance(below, Mapping) else {}, value)
        merged[key] = value
    return merged
