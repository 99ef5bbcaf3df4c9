"""Where everything of a run lies under its root folder: the one place that knows.

Names may be Snakemake's wildcards (``{dataset}``), so that rules and stages ask the same functions.
"""

from dataclasses import dataclass

WEIGHTS = "weights.safetensors"
"""The weights in the folder of a model, and in the detector's."""

MODEL = "model.json"
"""What a model is, beside its weights."""

DETECTOR = "detector.json"
"""What the detector is, beside its weights."""

METRICS = "metrics.csv"
"""The log of a training, beside the weights."""

STATE = "state.safetensors"
"""What a training goes on from, in the folder of its state."""

CHECKPOINT = "detector.ckpt"
"""The same of the detector's training."""

STOPS = "stopped.txt"
"""What stopped a training before its time, beside the state that it goes on from."""

CHECK = "check.csv"
"""How well it does on images that it never saw, beside the weights."""

RELIABILITY = "reliability.csv"
"""Whether the heights of the detector's peaks are probabilities, beside its weights."""

CLASSIFIER = "classifier.json"
"""What the classifier of pictures is, beside its weights."""

REFERENCE = "reference.npz"
"""What the classifier says of the pictures that samples are compared with, beside its weights."""

LOCALITY = "locality.csv"
"""How far its Jacobian reaches; of an exact model too, which has nothing else in its folder."""

CLASSIFIER_FILES = (WEIGHTS, CLASSIFIER, CHECK, REFERENCE)
"""What the classifier's training writes."""


SHEETS = "samples"
"""A training's sheets of samples, in its model's folder."""

TOPS = (
    "data",
    "models",
    "samples",
    "results",
    "logs",
    "state",
    "classifier",
    "classified",
    "scores",
)
"""What lies directly under the root."""


def shard_name(number: int | str) -> str:
    """The file of a shard in its dataset's folder; a number given as text has all its digits."""
    return f"shard-{number:05d}.h5" if isinstance(number, int) else f"shard-{number}.h5"


def index_name(dataset: str) -> str:
    """The index over the shards of a dataset, or its pictures, in the folder of the data."""
    return f"{dataset}.h5"


def counted_name(experiment: str, case: str) -> str:
    """The table of what was counted in a case, in the folder of the results."""
    return f"{experiment}/{case}.csv"


@dataclass(frozen=True)
class Folder:
    """The paths of one run.

    Attributes:
        root: its folder, absolute or relative to the working directory; "." is that itself.
    """

    root: str = "."

    def at(self, path: str) -> str:
        """``path`` under the root."""
        return path if self.root in ("", ".") else f"{self.root.rstrip('/')}/{path}"

    def lock(self) -> str:
        """The lock that a run holds while it is alive."""
        return self.at("state/lock")

    def stages(self) -> str:
        """The lock that a run's stages share while they are alive."""
        return self.at("state/stages")

    def jobs(self) -> str:
        """Word that jobs of a scheduler may be left of a run."""
        return self.at("state/slurm")

    def has(self, path: str) -> bool:
        """Whether a file of a run, as its rules name it, is one of this run."""
        return path.startswith(tuple(self.at(f"{top}/") for top in TOPS))

    # Datasets ---------------------------------------------------------------------------------

    def dataset(self, name: str) -> str:
        """The folder of the shards of a dataset."""
        return self.at(f"data/{name}")

    def shard(self, dataset: str, number: int | str) -> str:
        """One shard of a dataset."""
        return f"{self.dataset(dataset)}/{shard_name(number)}"

    def index(self, dataset: str) -> str:
        """The index over the shards of a dataset."""
        return self.at(f"data/{index_name(dataset)}")

    def preview(self, dataset: str) -> str:
        """The first pictures of a dataset on one sheet."""
        return self.at(f"data/{dataset}.png")

    # Models -----------------------------------------------------------------------------------

    def models(self) -> str:
        """The folder of all models."""
        return self.at("models")

    def model(self, name: str, file: str) -> str:
        """``file`` of a model (``WEIGHTS``, ``MODEL``, ``METRICS``, ``CHECK``, ``LOCALITY``)."""
        return f"{self.models()}/{name}/{file}"

    def model_files(self, name: str) -> list[str]:
        """The files of a model that whoever uses it reads."""
        return [self.model(name, file) for file in (WEIGHTS, MODEL)]

    def model_state(self, name: str) -> str:
        """Folder of what the training of a model resumes from."""
        return self.at(f"state/models/{name}")

    def detector(self, file: str) -> str:
        """``file`` of the detector (``WEIGHTS``, ``DETECTOR``, ``METRICS``, ``CHECK``, ...)."""
        return self.at(f"models/detector/{file}")

    def detector_files(self) -> list[str]:
        """The files of the detector that whoever uses it reads."""
        return [self.detector(file) for file in (WEIGHTS, DETECTOR)]

    def detector_state(self) -> str:
        """Folder of what the detector's training resumes from."""
        return self.at("state/detector")

    def classifier(self, file: str) -> str:
        """``file`` of the classifier of pictures (``WEIGHTS``, ``CLASSIFIER``, ``REFERENCE``, ...).

        Not under ``models/``, where any name may be a model's.
        """
        return self.at(f"classifier/{file}")

    def classifier_files(self) -> list[str]:
        """The files of the classifier that whoever uses it reads."""
        return [self.classifier(file) for file in (WEIGHTS, CLASSIFIER)]

    def classified(self, experiment: str, case: str) -> str:
        """What the classifier says of the images of a case."""
        return self.at(f"classified/{experiment}/{case}.npz")

    # Samples and results ----------------------------------------------------------------------

    def samples(self, experiment: str, case: str) -> str:
        """The images of a case, sampled, or rendered where ``experiment`` is the truth."""
        return self.at(f"samples/{experiment}/{case}.h5")

    def counted(self, experiment: str, case: str) -> str:
        """What was counted in the images of a case, one row per image."""
        return self.at(f"results/{counted_name(experiment, case)}")

    def scored(self, experiment: str, case: str) -> str:
        """How well the pictures of a case show their prompts."""
        return self.at(f"scores/{experiment}/{case}.npz")

    def summary(self) -> str:
        """One row per case."""
        return self.table("summary")

    def table(self, name: str) -> str:
        """A table of the report."""
        return self.at(f"results/{name}.csv")

    def exact(self, experiment: str) -> str:
        """The table of one of the papers' exact experiments."""
        return self.at(f"results/theory/{experiment}.csv")

    def figure(self, name: str, suffix: str) -> str:
        """A figure of the report, ``suffix`` png or svg."""
        return self.at(f"results/figures/{name}.{suffix}")

    def playground(self) -> str:
        """The page to play with."""
        return self.at("results/playground.html")

    def log(self, name: str) -> str:
        """What a job printed; ``name`` is its stage, and what it makes."""
        return self.at(f"logs/{name}.log")
