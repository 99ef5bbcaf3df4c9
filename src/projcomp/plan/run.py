"""A run: a config and all that follows from it, each thing worked out once."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import get_args

from projcomp.config.experiments import BackgroundConfig
from projcomp.config.learning import ModelConfig, NetworkConfig
from projcomp.config.places import GRID
from projcomp.config.root import AnyModel, Config
from projcomp.config.section import merged
from projcomp.folder import Folder
from projcomp.plan.cases import in_order
from projcomp.plan.experiments import (
    Experiment,
    Member,
    exact_model,
    exact_name,
    exact_twin,
    grid,
    own_experiment,
)
from projcomp.plan.kinds import told_to_stages
from projcomp.plan.subjects import Subject, subject_of
from projcomp.settings.case import TRUTH, Case
from projcomp.settings.stages import model_names


@dataclass(frozen=True)
class Run:
    """What is run; ``projcomp.plan.load`` makes one whose config is checked.

    Everything after loading takes the run and asks it, instead of working out again what
    experiments, sweeps and cases there are.
    """

    config: Config

    @cached_property
    def folder(self) -> Folder:
        """Where its files lie."""
        return Folder(self.config.root)

    @cached_property
    def own(self) -> dict[str, Experiment]:
        """The experiments of the config's own section, by name, in order, with their twins."""
        found = {}
        for name, entry in self.config.experiments.items():
            found[name] = own_experiment(self.config, name)
            if entry.exact:
                twin = exact_twin(found[name])
                found[twin.name] = twin
        return found

    @cached_property
    def models(self) -> dict[str, ModelConfig]:
        """Every model of data by name: the config's own, then the twins that are asked for."""
        known = self.config.of_data
        twins = {
            exact_name(name): exact_model(known[name])
            for entry in (*self.config.experiments.values(), *self.config.sweeps.values())
            if entry.exact
            for name in model_names(entry)
            if name in known
        }
        return {**known, **twins}

    @property
    def composable(self) -> dict[str, AnyModel]:
        """These, and the pipelines."""
        return {**self.models, **self.config.pipelines}

    @cached_property
    def grids(self) -> dict[str, list[Member]]:
        """The whole grid of every sweep, what is left out of it too."""
        return {sweep: grid(self.config, sweep) for sweep in self.config.sweeps}

    @cached_property
    def members(self) -> dict[str, list[Member]]:
        """What is run of every sweep."""
        return {
            sweep: [member for member in members if member.refused is None]
            for sweep, members in self.grids.items()
        }

    @cached_property
    def experiments(self) -> dict[str, Experiment]:
        """Every experiment by name: the config's own in order, then the sweeps' members."""
        swept = [member.experiment for members in self.members.values() for member in members]
        return {**self.own, **{experiment.name: experiment for experiment in swept}}

    @property
    def rendered(self) -> "Run":
        """The run of those experiments and sweeps that compose scenes: what is counted, and true.

        Nothing is counted in other pictures, and there is no truth of them.
        """
        return self.about("scenes")

    @property
    def filed(self) -> "Run":
        """The run of those that compose pictures from files."""
        return self.about("files")

    @property
    def prompted(self) -> "Run":
        """The run of those that tell pipelines prompts."""
        return self.about("prompts")

    def about(self, subject: Subject) -> "Run":
        """The run of the experiments and sweeps about that."""
        return self._parts[subject]

    @cached_property
    def _parts(self) -> dict[Subject, "Run"]:
        return {subject: self._part(subject) for subject in get_args(Subject)}

    def _part(self, subject: Subject) -> "Run":
        """Itself, where it has no other experiments."""
        config, kept = self.config, {}
        for section in ("experiments", "sweeps"):
            entries = getattr(config, section)
            kept[section] = {k: v for k, v in entries.items() if subject_of(config, v) == subject}
        if all(len(kept[section]) == len(getattr(config, section)) for section in kept):
            return self
        part = Run(config.model_copy(update=kept))
        own = {n: one for n, one in self.own.items() if (one.twin_of or n) in kept["experiments"]}
        grids = {sweep: self.grids[sweep] for sweep in kept["sweeps"]}
        vars(part).update(own=own, grids=grids)  # its cached properties: they are known already
        return part

    @cached_property
    def truth(self) -> dict[str, Case]:
        """The cases of all experiments, each once: what the ground truth is rendered for."""
        found: dict[str, Case] = {}
        for experiment in self.rendered.experiments.values():
            found |= experiment.cases
        return {case.name: case for case in in_order(found.values())}

    @cached_property
    def cases(self) -> dict[str, dict[str, Case]]:
        """All cases by experiment and name, the ground truth's last."""
        found = {name: experiment.cases for name, experiment in self.experiments.items()}
        return {**found, TRUTH: self.truth}

    def network(self, model: str) -> NetworkConfig:
        """The network of ``model``: the common one with the model's own settings over it."""
        return merged(self.config.network, self.models[model].network)

    def condition(self, model: str) -> str:
        """What ``model`` is told, as its stages know it."""
        return told_to_stages(self.config, self.models[model].condition)

    def model_files(self, model: str) -> list[str]:
        """The user's own files that ``model`` sees its images by."""
        features = None if model in self.config.pipelines else self.models[model].features
        return features.files if features else []

    @cached_property
    def exact_experiments(self) -> list[str]:
        """Experiments that no network is composed in."""
        return [
            name
            for name, experiment in self.experiments.items()
            if all(self.models[model].exact for model in model_names(experiment.config))
        ]

    @cached_property
    def composed(self) -> list[str]:
        """Models that some experiment composes."""
        composed = (experiment.config for experiment in self.experiments.values())
        used = {name for config in composed for name in model_names(config)}
        return [name for name in self.models if name in used]

    @cached_property
    def networks(self) -> list[str]:
        """The networks among these; the others are trained only when asked for."""
        return [name for name in self.composed if not self.models[name].exact]

    def sources(self, models: Iterable[str]) -> dict[str, float]:
        """The datasets that models learned from, with their shares in the last that did."""
        return {d: share for model in models for d, share in self.models[model].sources.items()}

    def truth_of(self, cases: Mapping[str, Iterable[str]]) -> list[str]:
        """Cases of the rendered truth that experiments have too, in its own order."""
        asked = {case for names in cases.values() for case in names}
        return [case for case in self.truth if case in asked]

    def by_places(self) -> Iterator[tuple[str, dict[str, Experiment]]]:
        """The own experiments by the set of places that they count in: its name, "" of the grid."""
        for places in dict.fromkeys(one.places.name for one in self.own.values()):
            found = {name: one for name, one in self.own.items() if one.places.name == places}
            yield "" if places == GRID else places, found

    @property
    def followed(self) -> list[str]:
        """Models whose locality is measured: those composed, where the config asks for it."""
        return self.composed if self.config.evaluation.locality else []

    def backgrounds(self, model: str) -> list[BackgroundConfig]:
        """Every background over which experiments compose conditions of ``model``, each once."""
        found = [
            experiment.background
            for experiment in self.experiments.values()
            if experiment.config.conditionals == model and experiment.background
        ]
        return [one for i, one in enumerate(found) if one not in found[:i]]
