"""Which jobs a run consists of, what each reads, and its settings: what the Snakefile asks for.

Where files lie is ``folder.py``'s. Settings of a stage come out as one line of JSON; a dataset's
are built once, because thousands of its jobs ask for them.
"""

import os
from functools import cached_property
from pathlib import Path
from shlex import quote

from projcomp.config.root import Config
from projcomp.config.theory import TheoryExperiment
from projcomp.errors import ConfigError
from projcomp.folder import CHECK, CLASSIFIER_FILES, LOCALITY, RELIABILITY, Folder, shard_name
from projcomp.plan import stages
from projcomp.plan.figures import Figure, figures
from projcomp.plan.playground import known_run, playground_settings
from projcomp.plan.run import Run
from projcomp.plan.tables import Table, tables
from projcomp.settings.case import TRUTH
from projcomp.settings.stages import FORMATS, ClassifySettings, model_names, to_json
from projcomp.words import quoted, short

_HERE = "\0"
"""Stands for what is asked of a path, where no path can have it."""

NVIDIA_CONTROL = Path("/dev/nvidiactl")
"""Is there wherever an NVIDIA driver is loaded; asking torch would cost seconds per dry run."""


class Plan:
    """The jobs of one run."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self._render_json = {
            name: to_json(stages.render_settings(run, name)) for name in run.config.rendered
        }

    @property
    def config(self) -> Config:
        """What the user asked for."""
        return self.run.config

    @property
    def folder(self) -> Folder:
        """Where the run's files lie."""
        return self.run.folder

    # Datasets ---------------------------------------------------------------------------------

    def num_shards(self, dataset: str) -> int:
        """Number of shards of ``dataset``."""
        return self.config.rendered[dataset].num_images // self.config.render.shard_size

    def shards(self, dataset: str) -> list[str]:
        """Shard files of ``dataset``."""
        return [self.folder.shard(dataset, number) for number in range(self.num_shards(dataset))]

    def read_inputs(self, dataset: str) -> list[str]:
        """Files that ``dataset`` is read from, which was not rendered.

        A folder is none: what it holds is in the settings, since Snakemake sees no change in it.
        """
        chosen = self.config.filed[dataset]
        return [] if os.path.isdir(chosen.file) else chosen.files

    # Models -----------------------------------------------------------------------------------

    def training_data(self, model: str) -> list[str]:
        """Indices of the datasets that ``model`` learns from, and the user's own code."""
        indices = [self.folder.index(dataset) for dataset in self.config.of_data[model].datasets]
        return [*indices, *self.run.model_files(model)]

    def trainable(self) -> list[str]:
        """Every network of the config, also those that no experiment composes."""
        return [name for name, model in self.config.of_data.items() if not model.exact]

    def models_of(self, experiment: str) -> list[str]:
        """Files of the models that ``experiment`` composes."""
        return self._files_of(model_names(self.run.experiments[experiment].config))

    def locality_inputs(self, model: str) -> list[str]:
        """Files that the locality of ``model`` is measured on: models, held-out renders, code."""
        asked = stages.locality_settings(self.run, model)
        names = [model, *(one.model for one in asked.backgrounds)]
        maps = [file for name in names for file in self.run.model_files(name)]
        files = [*self._files_of(names), self.folder.index(asked.dataset), *maps]
        return list(dict.fromkeys(files))

    def _files_of(self, models: list[str]) -> list[str]:
        """Files of models, each once: a network's own, or an exact one's renders.

        A pipeline's folder is none: what it holds is in the settings.
        """
        found: list[str] = []
        for name in models:
            if name in self.config.pipelines:
                continue
            model = self.run.models[name]
            renders = [self.folder.index(dataset) for dataset in model.exact]
            found += renders or self.folder.model_files(name)
        return list(dict.fromkeys(found))

    def sample_inputs(self, experiment: str) -> list[str]:
        """Files that the samples of ``experiment`` are made of: models, and the user's own code."""
        return list(dict.fromkeys([*self.models_of(experiment), *self._given_to(experiment)]))

    def _given_to(self, experiment: str) -> list[str]:
        """The user's own files among these."""
        resolved = self.run.experiments[experiment]
        names = model_names(resolved.config)
        maps = [file for name in names for file in self.run.model_files(name)]
        loras = [self.config.pipelines[n].lora for n in names if n in self.config.pipelines]
        maps += [lora for lora in loras if lora and os.path.isfile(lora)]
        return [*resolved.files, *maps]

    def given(self) -> list[str]:
        """Every file of the user's own that a job of the run reads."""
        found = [file for dataset in self.config.filed for file in self.read_inputs(dataset)]
        for experiment in self.run.experiments:
            found += self._given_to(experiment)
        return list(dict.fromkeys([*found, *self.judge_files()]))

    def training_options(self, launch: str = "", threads: int = 1) -> str:
        """Flags of ``projcomp train`` that change how it runs, not what is learned.

        Args:
            launch: the command that starts it, in which ``{threads}`` stands for its processors;
                empty for none.
            threads: the processors of the job.
        """
        config = self.config
        flags = [
            f"--compute {quote(to_json(config.compute.training))}",
            f"--sampling {quote(to_json(config.sampling))}",
        ]
        if config.wandb.enabled:
            flags.append(f"--wandb {quote(to_json(config.wandb))}")
        if launch:
            flags.append(f"--launch {quote(launch.replace('{threads}', str(threads)))}")
        return " ".join(flags)

    def detector_options(self, threads: int = 1) -> str:
        """The same of ``projcomp train-detector``.

        Args:
            threads: the processors of the job, fewer than the config's where it has no more.
        """
        compute = self.config.compute.training.model_copy(update={"threads": threads})
        return f"--compute {quote(to_json(compute))}"

    def training_priority(self, model: str) -> float:
        """Of a training among the run's: from 80 up to 89, the longest first.

        Two long ones at the end would leave all but two processors idle.
        """
        longest = max(map(self._training_work, self.run.networks), default=0.0)
        return 80 + 9 * min(1.0, self._training_work(model) / longest if longest else 0.0)

    def _training_work(self, model: str) -> float:
        images = self.run.models[model].images_seen or 0
        return images * self.run.network(model).work(self.config.resolution)

    def training_resources(self) -> dict[str, int | str]:
        """What the training of a diffusion model takes beside memory and time.

        As Snakemake's resources: on one node its GPUs, which Slurm may neither spread over others
        nor give a task each (Lightning starts the processes there); on several, what Slurm's plugin
        asks for, and the command that starts a process for each device.
        """
        compute = self.config.compute.training
        gpus = self.detector_gpus() * compute.devices
        if compute.nodes == 1:
            return {"gpu": gpus, **({"nodes": 1, "tasks_per_gpu": 0} if gpus > 1 else {})}
        processes = compute.nodes * compute.devices
        return {
            "nodes": compute.nodes,
            "tasks": processes,
            "cpus_per_task": compute.threads,
            "mpi": f"srun --nodes={compute.nodes} --ntasks={processes} "
            f"--ntasks-per-node={compute.devices} --cpus-per-task={compute.threads}",
            # `gpu` is the plugin's number per job, which Slurm may spread as it likes
            **({"gres": f"gpu:{gpus}", "tasks_per_gpu": 0} if gpus else {}),
        }

    def detector_gpus(self) -> int:
        """GPUs that the training of the detector takes."""
        return _gpus(self.config.compute.training.device)

    def sampling_gpus(self) -> int:
        """GPUs that a job takes which samples, or measures a model."""
        return _gpus(self.config.compute.sampling.device)

    def render_gpus(self) -> int:
        """GPUs that a Blender job takes."""
        return int(self.config.render.device != "cpu")

    # Experiments ------------------------------------------------------------------------------

    def samples(self, experiment: str) -> list[str]:
        """Image files of all cases of ``experiment`` (``truth``: the rendered ones)."""
        return [self.folder.samples(experiment, name) for name in self.run.cases[experiment]]

    def counted(self) -> list[str]:
        """What was counted in all cases of renders, the truth's included."""
        return [
            self.folder.counted(experiment, name)
            for experiment, found in self.run.rendered.cases.items()
            for name in found
        ]

    # Pictures from files ----------------------------------------------------------------------

    @property
    def classifies(self) -> bool:
        """Whether samples of pictures from files are judged by a classifier."""
        return self.config.evaluation.classifier is not None and bool(self.run.filed.experiments)

    def classifier_data(self) -> list[str]:
        """Datasets that the classifier learns from, and that samples are compared with."""
        chosen = self.config.evaluation.classifier
        names = [] if chosen is None else [chosen.dataset, chosen.reference]
        return [self.folder.index(name) for name in dict.fromkeys(names)]

    def classified(self) -> list[str]:
        """What the classifier says of all cases."""
        run = self.run.filed
        return [
            self.folder.classified(name, case)
            for name, experiment in run.experiments.items()
            for case in experiment.cases
        ]

    # Prompts ----------------------------------------------------------------------------------

    def scored(self) -> list[str]:
        """How well the pictures of all cases show their prompts, where there is a judge."""
        return [
            self.folder.scored(name, case)
            for name in self.scored_experiments()
            for case in self.run.cases[name]
        ]

    def scored_experiments(self) -> list[str]:
        """Experiments that tell prompts, where there is a judge."""
        return list(self.run.prompted.experiments) if self.config.evaluation.judge else []

    def judge_files(self) -> list[str]:
        """The user's own files that pictures are scored by."""
        judge = self.config.evaluation.judge
        return [] if judge is None else judge.files

    # Report -----------------------------------------------------------------------------------

    @cached_property
    def figures(self) -> dict[str, Figure]:
        """Every figure, by name."""
        return figures(self.run)

    @cached_property
    def tables(self) -> dict[str, Table]:
        """Every table that sets cases side by side, by name."""
        return tables(self.run)

    def table_inputs(self, name: str) -> list[str]:
        """Files that the table ``name`` is computed from."""
        return self.tables[name].reads(self.folder)

    def figure_inputs(self, name: str) -> list[str]:
        """Files that the figure ``name`` is drawn from."""
        return self.figures[name].reads(self.folder)

    @property
    def counts(self) -> bool:
        """Whether anything is counted: pictures from files alone need no detector."""
        return bool(self.run.rendered.experiments)

    def targets(self) -> list[str]:
        """What the whole run ends with: previews, the summary, the figures."""
        folder = self.folder
        return [
            *(folder.preview(dataset) for dataset in self.config.datasets),
            *([folder.summary()] if self.counts else []),
            *(folder.table(name) for name in self.tables),
            *(folder.figure(name, kind) for name in self.figures for kind in ("png", "svg")),
            *self.playground_targets(),
        ]

    def playground_targets(self) -> list[str]:
        """The page to play with, where the run has what it needs."""
        return [self.folder.playground()] if known_run(self.run) else []

    def playground_inputs(self) -> tuple[list[str], str]:
        """The indices that the page's pictures come from, and that of its backgrounds."""
        known = known_run(self.run)
        assert known is not None
        assert known.empty is not None
        return [self.folder.index(name) for name in known.datasets], self.folder.index(known.empty)

    def exact_targets(self) -> list[str]:
        """What is known before any network is trained: what shows exact models and the truth."""
        folder, run = self.folder, self.run
        perfect = {TRUTH, *run.rendered.exact_experiments}

        def ready(shown: Table | Figure) -> bool:
            cases, reads = set(shown.settings.cases), shown.reads(folder)
            return bool(cases) and cases <= perfect and folder.summary() not in reads

        counted = [
            (name, case) for name in run.rendered.exact_experiments for case in run.cases[name]
        ]
        drawn = [name for name, figure in self.figures.items() if ready(figure)]
        return [
            *(folder.counted(name, case) for name, case in counted),
            *(folder.table(name) for name, table in self.tables.items() if ready(table)),
            *(folder.figure(name, kind) for name in drawn for kind in ("png", "svg")),
            *self.playground_targets(),
        ]

    def intermediates(self) -> list[str]:
        """What the targets are made of, asked for by name so that a gap is noticed.

        Snakemake removes a job's output before it runs the job again, and does not miss what lies
        in the middle while everything made of it is there: a run killed in the middle of a
        training would go on with samples of the model before. The shards of a dataset whose
        folder was deleted (to save space) are not asked for.
        """
        folder, found = self.folder, []
        for name in self.run.networks:
            found += [*folder.model_files(name), folder.model(name, CHECK)]
        found += [folder.model(name, LOCALITY) for name in self.run.followed]
        if self.counts:
            found += folder.detector_files()
            found += [folder.detector(CHECK), folder.detector(RELIABILITY)]
        if self.classifies:
            found += [folder.classifier(file) for file in CLASSIFIER_FILES]
            found += self.classified()
        found += [folder.exact(name) for name in self.config.theory.experiments]
        found += self.counted()
        found += self.scored()
        for experiment in self.run.cases:
            found += self.samples(experiment)
        found += [folder.index(dataset) for dataset in self.config.filed]
        for dataset in self.config.rendered:
            if Path(folder.dataset(dataset)).is_dir():
                found += [*self.shards(dataset), folder.index(dataset)]
        return found

    def check_target(self, target: str) -> None:
        """Refuse a file of a case or of a shard that there is not.

        Snakemake knows the names of experiments and datasets by the rules, and takes any case and
        any number for one that can be made. Of all other files it says itself what it cannot make.

        Args:
            target: what Snakemake is asked for.

        Raises:
            ConfigError: there is no such case or shard.
        """
        folder = self.folder
        for experiment, cases in self.run.cases.items():
            for made in (folder.samples, folder.counted, folder.classified, folder.scored):
                case = _between(target, made(experiment, _HERE))
                if case is not None and case not in cases:
                    known = short(", ".join(cases), 200)
                    raise ConfigError(
                        f"{target}: expected a case of {experiment} ({known}), got {quoted(case)}"
                    )
        for dataset in self.config.rendered:
            number = _between(target, folder.shard(dataset, _HERE))
            known = self.num_shards(dataset)
            if number is not None and not (number.isdecimal() and int(number) < known):
                raise ConfigError(
                    f"{target}: expected a shard of {dataset} from {shard_name(0)} to "
                    f"{shard_name(known - 1)}, got another; correct it, or set "
                    f"datasets.{dataset}.num_images higher"
                )

    @property
    def preview_format(self) -> int:
        """Format number of the preview pictures; they depend on nothing else but the dataset."""
        return FORMATS["preview"]

    # Settings as JSON -------------------------------------------------------------------------

    def render_settings(self, dataset: str) -> str:
        """Settings of the shards of ``dataset``, as JSON."""
        return self._render_json[dataset]

    def read_settings(self, dataset: str) -> str:
        """Settings of reading ``dataset``, as JSON."""
        return to_json(stages.read_settings(self.run, dataset))

    def reference_settings(self, case: str) -> str:
        """Settings of the rendered truth of ``case``, as JSON."""
        return to_json(stages.reference_settings(self.run, case))

    def train_settings(self, model: str) -> str:
        """Settings of training ``model``, as JSON."""
        return to_json(stages.train_settings(self.run, model))

    def check_settings(self, model: str) -> str:
        """Settings of checking ``model``, as JSON."""
        return to_json(stages.check_settings(self.run, model))

    def locality_settings(self, model: str) -> str:
        """Settings of the locality of ``model``, as JSON."""
        return to_json(stages.locality_settings(self.run, model))

    def detector_settings(self) -> str:
        """Settings of training the detector, as JSON."""
        return to_json(stages.detector_settings(self.run))

    def sample_settings(self, experiment: str, case: str) -> str:
        """Settings of sampling one case, as JSON."""
        return to_json(stages.sample_settings(self.run, experiment, case))

    def classifier_settings(self) -> str:
        """Settings of training the classifier, as JSON."""
        return to_json(stages.classifier_settings(self.run))

    def classify_settings(self, experiment: str, case: str) -> str:
        """Settings of classifying one case, as JSON."""
        chosen = self.config.evaluation.classifier
        published = chosen.published if chosen else None
        return to_json(ClassifySettings(experiment=experiment, case=case, published=published))

    def score_settings(self, experiment: str, case: str) -> str:
        """Settings of scoring one case, as JSON."""
        return to_json(stages.score_settings(self.run, experiment, case))

    def evaluate_settings(self, experiment: str, case: str) -> str:
        """Settings of counting one case, as JSON."""
        return to_json(stages.evaluate_settings(self.run, experiment, case))

    def summary_settings(self) -> str:
        """Settings of the summary table, as JSON."""
        return to_json(stages.summary_settings(self.run))

    def theory_settings(self, experiment: TheoryExperiment) -> str:
        """Settings of one of the papers' exact experiments, as JSON."""
        return to_json(stages.theory_settings(self.run, experiment))

    def table_settings(self, name: str) -> str:
        """Settings of the table ``name``, as JSON."""
        return to_json(self.tables[name].settings)

    def figure_settings(self, name: str) -> str:
        """Settings of the figure ``name``, as JSON."""
        return to_json(self.figures[name].settings)

    def playground_settings(self) -> str:
        """Settings of the page to play with, as JSON."""
        return to_json(playground_settings(self.run))

    # Size -------------------------------------------------------------------------------------

    def job_counts(self) -> dict[str, int]:
        """Number of jobs by rule when nothing has been made yet."""
        config, models = self.config, self.run.networks
        sampled = sum(len(experiment.cases) for experiment in self.run.experiments.values())
        true = len(self.run.cases[TRUTH])
        return {
            **({"read_dataset": len(config.filed)} if config.filed else {}),
            "render_shard": sum(self.num_shards(name) for name in config.rendered),
            "index_dataset": len(config.rendered),
            "preview_dataset": len(config.datasets),
            "train_model": len(models),
            "check_model": len(models),
            "measure_locality": len(self.run.followed),
            "train_detector": int(self.counts),
            **(
                {"train_classifier": 1, "classify_case": len(self.classified())}
                if self.classifies
                else {}
            ),
            "sample_case": sampled,
            **({"score_case": len(self.scored())} if self.scored() else {}),
            "render_reference": true,
            "evaluate_case": len(self.counted()),
            "summarize": int(self.counts),
            "theory_experiment": len(config.theory.experiments),
            "make_table": len(self.tables),
            "draw_figure": len(self.figures),
            "playground": len(self.playground_targets()),
            "all": 1,
        }


def _between(path: str, pattern: str) -> str | None:
    """What a path has in the place of ``_HERE``; None where it is another path, or deeper."""
    head, tail = pattern.split(_HERE)
    long = len(path) > len(head) + len(tail)
    found = path[len(head) : len(path) - len(tail)]
    fits = long and path.startswith(head) and path.endswith(tail) and "/" not in found
    return found if fits else None


def _gpus(device: str) -> int:
    """GPUs that one process takes; ``auto``: one where this machine has NVIDIA's driver."""
    return int(device == "gpu" or (device == "auto" and NVIDIA_CONTROL.exists()))
