"""Which files a run consists of and which of them each stage reads: what the Snakefile asks for.

All paths are relative to the run's ``root``; ``Plan`` puts it in front. Settings of a stage come
out as one line of JSON; a dataset's are built once, because thousands of its jobs ask for them.
"""

from functools import cached_property
from pathlib import Path
from shlex import quote

from projcomp import displays, stages
from projcomp.cases import TRUTH, Case, experiment_cases, reference_cases
from projcomp.config import Config, TheoryExperiment
from projcomp.experiments import all_experiments, members, model_names

MODEL_FILES = ("weights.safetensors", "model.json")
"""The files of ``models/<model>/`` that whoever uses the model reads."""

DETECTOR_FILES = ("weights.safetensors", "detector.json")
"""The same of ``models/detector/``."""

CHECK = "check.csv"
"""How well a model does on images that it never saw, beside it."""

NVIDIA_CONTROL = Path("/dev/nvidiactl")
"""Is there wherever an NVIDIA driver is loaded; asking torch would cost seconds per dry run."""


class Plan:
    """The files of one run and the settings of its jobs."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self._prefix = "" if config.root in ("", ".") else config.root.rstrip("/") + "/"
        self._experiments = all_experiments(config)
        found = {name: experiment_cases(e.config) for name, e in self._experiments.items()}
        found[TRUTH] = reference_cases(config)
        self._cases = {name: {case.name: case for case in some} for name, some in found.items()}
        self._render_json = {
            name: stages.to_json(stages.render_settings(config, name)) for name in config.datasets
        }

    def at(self, path: str) -> str:
        """``path`` under the root of the run."""
        return self._prefix + path

    # Datasets ---------------------------------------------------------------------------------

    def num_shards(self, dataset: str) -> int:
        """Number of shards of ``dataset``."""
        return self.config.datasets[dataset].num_images // self.config.render.shard_size

    def shards(self, dataset: str) -> list[str]:
        """Shard files of ``dataset``."""
        folder = self.at(f"data/{dataset}")
        return [f"{folder}/shard-{shard:05d}.h5" for shard in range(self.num_shards(dataset))]

    def index(self, dataset: str) -> str:
        """Index over the shards of ``dataset``."""
        return self.at(f"data/{dataset}.h5")

    # Models -----------------------------------------------------------------------------------

    def training_data(self, model: str) -> list[str]:
        """Indices of the datasets that ``model`` learns from."""
        return [self.index(dataset) for dataset in self.config.models[model].datasets]

    def models_of(self, experiment: str) -> list[str]:
        """Files of the models that ``experiment`` composes."""
        names = model_names(self._experiments[experiment].config)
        return [self.at(f"models/{name}/{file}") for name in names for file in MODEL_FILES]

    def training_options(self) -> str:
        """Flags of ``projcomp train`` that change how it runs, not what is learned."""
        wandb, training = self.config.wandb, self.config.training
        flags = [self.detector_options(), f"--log-images {training.log_images}"]
        flags += [f"--sample-images {training.sample_images}"]
        flags += [f"--sampling {quote(stages.to_json(self.config.sampling))}"]
        flags += [f"--devices {training.devices}", f"--nodes {training.nodes}"]
        if training.microbatch is not None:
            flags += [f"--microbatch {training.microbatch}"]
        flags += [f"--threads {training.threads}"]  # of each process
        if wandb.enabled:
            flags += [f"--wandb {wandb.mode}", f"--wandb-project {quote(wandb.project)}"]
        return " ".join(flags)

    def detector_options(self) -> str:
        """The same of ``projcomp train-detector``."""
        training = self.config.training
        return f"--device {training.device} --checkpoint-minutes {training.checkpoint_minutes:g}"

    def torch_gpus(self) -> int:
        """GPUs that a job of torch takes; ``auto``: one where this machine has NVIDIA's driver."""
        device = self.config.training.device
        return int(device == "gpu" or (device == "auto" and NVIDIA_CONTROL.exists()))

    def training_gpus(self) -> int:
        """GPUs per node that the training of a diffusion model takes."""
        return self.torch_gpus() * self.config.training.devices

    def render_gpus(self) -> int:
        """GPUs that a Blender job takes."""
        return int(self.config.render.device != "cpu")

    # Experiments ------------------------------------------------------------------------------

    def case(self, experiment: str, name: str) -> Case:
        """The case ``name`` of ``experiment``."""
        return self._cases[experiment][name]

    def samples(self, experiment: str) -> list[str]:
        """Image files of all cases of ``experiment`` (``truth``: the rendered ones)."""
        return [self.at(f"samples/{experiment}/{name}.h5") for name in self._cases[experiment]]

    def tables(self) -> list[str]:
        """Evaluation tables of all cases, the truth's included."""
        return [
            self.at(f"results/{experiment}/{name}.csv")
            for experiment, found in self._cases.items()
            for name in found
        ]

    def detector_files(self) -> list[str]:
        """Files of the trained detector."""
        return [self.at(f"models/detector/{file}") for file in DETECTOR_FILES]

    # Report -----------------------------------------------------------------------------------

    @cached_property
    def figures(self) -> dict[str, displays.FigureSettings]:
        """Settings of every figure, by name."""
        return displays.figures(self.config)

    @cached_property
    def comparisons(self) -> dict[str, displays.TableSettings]:
        """Settings of every table that sets cases side by side, by name."""
        return displays.tables(self.config)

    def comparison_inputs(self, name: str) -> list[str]:
        """Files that the table ``name`` is computed from."""
        table = self.comparisons[name]
        if table.kind == "sweep":
            return [self.at("results/summary.csv")]
        shown = [(e, case) for e, names in table.cases.items() for case in names]
        counted = [self.at(f"results/{experiment}/{case}.csv") for experiment, case in shown]
        if table.kind in ("mixture", "selected"):
            return counted
        return counted + [self.at(f"samples/{experiment}/{case}.h5") for experiment, case in shown]

    def figure_inputs(self, name: str) -> list[str]:
        """Files that the figure ``name`` is drawn from."""
        figure = self.figures[name]
        if figure.kind in ("counts", "rates"):
            return [self.at("results/summary.csv")]
        if name in self.comparisons:
            return [self.at(f"results/{name}.csv")]
        if figure.kind == "denoising":
            return [self.at(f"models/{name}/{CHECK}") for name in figure.models]
        if figure.kind == "theory":
            return [self.at(f"results/theory/{name.removeprefix('theory_')}.csv")]
        if figure.kind == "detector":
            return [self.at(f"models/detector/{CHECK}")]
        shown = [(e, case) for e, names in figure.cases.items() for case in names]
        images = [self.at(f"samples/{experiment}/{case}.h5") for experiment, case in shown]
        if figure.kind in ("rgb", "overlap"):
            return images
        return images + [self.at(f"results/{experiment}/{case}.csv") for experiment, case in shown]

    def targets(self) -> list[str]:
        """What the whole run ends with: previews, the summary, the figures."""
        drawn = [
            f"results/figures/{name}.{kind}" for name in self.figures for kind in ("png", "svg")
        ]
        previews = [f"data/{dataset}.png" for dataset in self.config.datasets]
        tables = ["results/summary.csv", *(f"results/{name}.csv" for name in self.comparisons)]
        return [self.at(path) for path in [*previews, *tables, *drawn]]

    def intermediates(self) -> list[str]:
        """What the targets are made of, asked for by name so that a gap is noticed.

        Snakemake removes a job's output before it runs the job again, and does not miss what lies
        in the middle while everything made of it is there: a run killed in the middle of a
        training would go on with samples of the model before. The shards of a dataset whose
        folder was deleted (to save space) are not asked for.
        """
        models = stages.used_models(self.config)
        files = [f"models/{name}/{file}" for name in models for file in (*MODEL_FILES, CHECK)]
        files += [f"models/detector/{file}" for file in (*DETECTOR_FILES, CHECK)]
        files += [f"results/theory/{name}.csv" for name in self.config.theory.experiments]
        found = [self.at(path) for path in files] + self.tables()
        for experiment in self._cases:
            found += self.samples(experiment)
        for dataset in self.config.datasets:
            if Path(self.at(f"data/{dataset}")).is_dir():
                found += [*self.shards(dataset), self.index(dataset)]
        return found

    @property
    def preview_format(self) -> int:
        """Format number of the preview pictures; they depend on nothing else but the dataset."""
        return stages.FORMATS["preview"]

    # Settings as JSON -------------------------------------------------------------------------

    def render_settings(self, dataset: str) -> str:
        """Settings of the shards of ``dataset``, as JSON."""
        return self._render_json[dataset]

    def reference_settings(self, case: str) -> str:
        """Settings of the rendered truth of ``case``, as JSON."""
        return stages.to_json(stages.reference_settings(self.config, self.case(TRUTH, case)))

    def train_settings(self, model: str) -> str:
        """Settings of training ``model``, as JSON."""
        return stages.to_json(stages.train_settings(self.config, model))

    def check_settings(self, model: str) -> str:
        """Settings of checking ``model``, as JSON."""
        return stages.to_json(stages.check_settings(self.config, model))

    def detector_settings(self) -> str:
        """Settings of training the detector, as JSON."""
        return stages.to_json(stages.detector_settings(self.config))

    def sample_settings(self, experiment: str, case: str) -> str:
        """Settings of sampling one case, as JSON."""
        chosen = self.case(experiment, case)
        return stages.to_json(stages.sample_settings(self.config, experiment, chosen))

    def evaluate_settings(self, experiment: str, case: str) -> str:
        """Settings of counting one case, as JSON."""
        chosen = self.case(experiment, case)
        return stages.to_json(stages.evaluate_settings(self.config, experiment, chosen))

    def summary_settings(self) -> str:
        """Settings of the summary table, as JSON."""
        return stages.to_json(stages.summary_settings(self.config))

    def theory_settings(self, experiment: TheoryExperiment) -> str:
        """Settings of one of the papers' exact experiments, as JSON."""
        return stages.to_json(stages.theory_settings(self.config, experiment))

    def comparison_settings(self, name: str) -> str:
        """Settings of the table ``name``, as JSON."""
        return stages.to_json(self.comparisons[name])

    def figure_settings(self, name: str) -> str:
        """Settings of the figure ``name``, as JSON."""
        return stages.to_json(self.figures[name])

    # Size -------------------------------------------------------------------------------------

    def job_counts(self) -> dict[str, int]:
        """Number of jobs by rule when nothing has been made yet."""
        config = self.config
        sampled = sum(len(self._cases[name]) for name in self._experiments)
        true = len(self._cases[TRUTH])
        return {
            "render_shard": sum(self.num_shards(name) for name in config.datasets),
            "index_dataset": len(config.datasets),
            "preview_dataset": len(config.datasets),
            "train_model": len(stages.used_models(config)),
            "check_model": len(stages.used_models(config)),
            "train_detector": 1,
            "sample_case": sampled,
            "render_reference": true,
            "evaluate_case": sampled + true,
            "summarize": 1,
            "theory_experiment": len(config.theory.experiments),
            "tabulate": len(self.comparisons),
            "draw_figure": len(self.figures),
            "all": 1,
        }

    def overview(self) -> str:
        """A few lines on what the run will do."""
        config, jobs = self.config, self.job_counts()
        lines = [
            f"root {config.root}, seed {config.seed}, {config.resolution} x {config.resolution}"
        ]
        for name, dataset in config.datasets.items():
            objects = _amount(dataset.min_objects, dataset.max_objects)
            count = self.num_shards(name)
            shards = "1 shard" if count == 1 else f"{count} shards"
            lines.append(f"dataset {name}: {dataset.num_images:,} images, {objects}, {shards}")
        for name in stages.used_models(config):
            model = config.models[name]
            told = {"none": "nothing"}.get(model.condition, f"a {model.condition}")
            source = ", ".join(model.datasets)
            lines.append(f"model {name}: {model.images_seen:,} images of {source}, told {told}")
        for name, experiment in config.experiments.items():
            cases_, samples = len(self._cases[name]), experiment.num_samples
            lines.append(
                f"experiment {name}: {experiment.operator.name}, {cases_} cases x {samples} samples"
            )
        lines += [self._sweep_line(name) for name in config.sweeps]
        lines.append(
            f"{len(self._cases[TRUTH])} true compositions x {config.reference.num_images} renders"
        )
        exact = config.theory
        if exact.experiments:
            repeated = f"{exact.num_seeds} x {exact.num_samples} samples each"
            lines.append(f"theory: {', '.join(exact.experiments)}, {repeated}")
        counted = ", ".join(f"{count} {rule}" for rule, count in jobs.items() if rule != "all")
        return "\n".join([*lines, f"{sum(jobs.values()):,} jobs: {counted}"])

    def _sweep_line(self, sweep: str) -> str:
        grid = members(self.config, sweep)
        going: dict[str, list[str]] = {member.operator: [] for member in grid}
        for member in grid:
            if member.refused is None:
                going[member.operator].append(member.sampler)
        count = sum(len(samplers) for samplers in going.values())
        full = len(self.config.sweeps[sweep].samplers)
        limits = "".join(
            f"; {operator} goes with {', '.join(samplers) or 'none'} only"
            for operator, samplers in going.items()
            if len(samplers) < full
        )
        return (
            f"sweep {sweep}: {count} pairs of operator and sampler x "
            f"{self.config.sweeps[sweep].num_samples} samples a case{limits}"
        )


def _amount(low: int, high: int) -> str:
    if low < high:
        return f"{low} to {high} objects"
    return "1 object" if low == 1 else f"{low or 'no'} objects"
