"""The command line: one subcommand per stage, each the line that a Snakemake rule runs.

Heavy libraries are imported inside the subcommands, so that ``--help`` and ``check`` are quick.
"""

import json
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from enum import Enum
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any, TypeVar

import typer
import typer.core
from pydantic import ValidationError

from projcomp.config.compute import TrainingCompute
from projcomp.config.evaluation import CONFIDENCE, RADIUS, EvaluationConfig
from projcomp.config.learning import WandbConfig
from projcomp.config.samplers import SamplingConfig
from projcomp.config.section import MOST_THREADS, Section
from projcomp.errors import ConfigError, DiskError, OutputError, UserError, is_out_of_memory
from projcomp.files import kinds as output_kinds
from projcomp.files.json_keys import RepeatedKey, once
from projcomp.files.outputs import check_apart, check_output, check_outputs
from projcomp.folder import CHECK, Folder, counted_name, shard_name
from projcomp.gpus import take_gpus
from projcomp.launch import become
from projcomp.render.picture_size import MAX_SIDE, MIN_SIDE
from projcomp.settings import stages
from projcomp.settings.report import FigureSettings, PlaygroundSettings, TableSettings

SettingsT = TypeVar("SettingsT", bound=Section)


class Device(str, Enum):
    """Where torch computes."""

    auto = "auto"
    cpu = "cpu"
    gpu = "gpu"


class RenderDevice(str, Enum):
    """What Cycles renders on."""

    cpu = "cpu"
    optix = "optix"
    cuda = "cuda"
    hip = "hip"
    metal = "metal"


_UsageError: Any = typer.BadParameter.__base__
"""What is wrong with the flags of a command; Typer does not export the class."""


def _wrong_flags(error: Any) -> typer.Exit:
    if type(error).__name__ == "NoArgsIsHelpError":
        raise error  # no command at all: its help is what is shown
    path = getattr(error.ctx, "command_path", "projcomp")
    told = " ".join(error.format_message().split())
    typer.echo(f"error: {path}: {told}; `{path} --help` says what it takes", err=True)
    return typer.Exit(1)


class _Group(typer.core.TyperGroup):
    """Turns what a user can cause into one line and an exit code."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Take the flags before the command's name."""
        try:
            return super().parse_args(ctx, args)
        except _UsageError as error:
            raise _wrong_flags(error) from None

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except _UsageError as error:
            raise _wrong_flags(error) from None
        except UserError as error:
            typer.echo(f"error: {error}", err=True)
            if isinstance(error, DiskError):
                # at an ordinary exit HDF5 crashes over what it could not write
                sys.stdout.flush()
                os._exit(1)
            raise typer.Exit(1) from None
        except (MemoryError, RuntimeError, OSError) as error:
            if not is_out_of_memory(error):
                raise
            typer.echo(
                "error: memory: expected enough for this stage, got none left; run fewer jobs at "
                "once or take a larger machine",
                err=True,
            )
            raise typer.Exit(1) from None
        except KeyboardInterrupt:
            typer.echo("interrupted", err=True)
            raise typer.Exit(130) from None


app = typer.Typer(
    cls=_Group,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    help="""Compose diffusion models on rendered CLEVR scenes, and count what came out.

    `snakemake --cores all` runs every stage in order and again only what changed; it calls the
    subcommands below, one per stage. To run one by hand, take its line from
    `snakemake --printshellcmds` or from the log.

    Start here: `projcomp check --preset presets/smoke.yaml`
    """,
)
config_app = typer.Typer(no_args_is_help=True, help="The generated descriptions of the config.")
app.add_typer(config_app, name="config")


SettingsText = Annotated[
    str, typer.Option("--settings", help="the stage's settings as JSON; the rule's `params`")
]
Out = Annotated[Path, typer.Option("--out", help="file to write, complete or not at all")]
OutFolder = Annotated[Path, typer.Option("--out", help="folder to write to")]
Threads = Annotated[int, typer.Option(min=1, max=MOST_THREADS, help="CPU threads")]
DeviceOption = Annotated[Device, typer.Option(help="auto takes a GPU where there is one")]
State = Annotated[Path, typer.Option("--state", help="folder of the checkpoints to resume from")]
CheckpointMinutes = Annotated[
    float, typer.Option(help="minutes between checkpoints to resume from, above 0")
]


def main() -> None:
    """Entry point of the ``projcomp`` command."""
    app(prog_name="projcomp")


def _parse(model: type[SettingsT], text: str, flag: str = "--settings") -> SettingsT:
    from projcomp.config.messages import first_line

    try:
        with suppress(ValueError, RecursionError):  # what is no JSON has its line below
            json.loads(text, object_pairs_hook=once)
        return model.model_validate_json(text)
    except RepeatedKey as key:
        raise ConfigError(f"{flag}: every key once expected, got {str(key)!r} twice") from None
    except ValidationError as error:
        raise ConfigError(f"{flag}: {first_line(error, model)}") from None


def _stage(name: str, example: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Register a subcommand whose help ends with an example line."""
    return app.command(name, epilog=f"Example: `projcomp {name} {example}`")


def _render_shards(threads: int, device: str) -> ModuleType:
    """``projcomp.render.shards``, Blender started for ``threads`` threads and one GPU, or none."""
    take_gpus(int(device in ("cuda", "optix")))
    from projcomp.render.start import start_blender

    start_blender(threads)
    from projcomp.render import shards

    return shards


@_stage("render-shard", "--settings JSON --shard 12 --out data/single/shard-00012.h5")
def render_shard(
    settings: SettingsText,
    shard: Annotated[int, typer.Option(min=0, help="number of the shard")],
    out: Out,
    threads: Threads = 1,
) -> None:
    """Render one shard of a dataset."""
    parsed = _parse(stages.RenderSettings, settings)
    check_output(out, output_kinds.SHARD)
    shards = _render_shards(threads, parsed.render.device)
    shards.render_shard(parsed, shard, out, threads)


@_stage("render-reference", "--settings JSON --out samples/truth/k3.h5")
def render_reference(settings: SettingsText, out: Out, threads: Threads = 1) -> None:
    """Render the true composition of one case."""
    parsed = _parse(stages.ReferenceSettings, settings)
    check_output(out, output_kinds.SAMPLES)
    shards = _render_shards(threads, parsed.render.device)
    shards.render_reference(parsed, out, threads)


@_stage("render-scenes", "scenes.json out.h5 --width 320 --height 240 --samples 512 --no-denoise")
def render_scenes(
    scenes: Annotated[
        Path,
        typer.Argument(help="scenes in CLEVR's JSON layout, also one alone, JSON lines or gzip"),
    ],
    out: Annotated[Path, typer.Argument(help="HDF5 file to write")],
    width: Annotated[int, typer.Option(min=MIN_SIDE, max=MAX_SIDE, help="pixels")] = 320,
    height: Annotated[
        int,
        typer.Option(min=MIN_SIDE, max=MAX_SIDE, help="pixels; CLEVR v1.0 has 480 x 320"),
    ] = 240,
    samples: Annotated[int, typer.Option(min=1, max=2**24, help="Cycles samples per pixel")] = 512,
    squeeze: Annotated[
        bool,
        typer.Option(
            "--squeeze/--square-pixels",
            help="squeeze CLEVR's 4:3 view into any width and height, as datasets do, "
            "instead of square pixels, which see more or less at the sides",
        ),
    ] = False,
    fit_camera: Annotated[
        bool,
        typer.Option(
            help="where a scene tells no camera, find it from its pixel_coords; "
            "otherwise take CLEVR's unjittered one",
        ),
    ] = True,
    denoise: Annotated[bool, typer.Option(help="run OpenImageDenoise")] = True,
    assets: Annotated[
        str | None, typer.Option(help="folder with CLEVR's own .blend files, to render with them")
    ] = None,
    threads: Threads = 1,
    device: Annotated[RenderDevice, typer.Option(help="what to render on")] = RenderDevice.cpu,
) -> None:
    """Render the scenes of a JSON file, with its camera and lights where it has them.

    What was assumed of scenes that do not tell them, and what is odd, is said on standard error.
    """
    check_output(out, output_kinds.SCENES, [scenes])
    shards = _render_shards(threads, device.value)
    shards.render_scenes_file(
        scenes,
        out,
        width=width,
        height=height,
        samples=samples,
        denoise=denoise,
        assets=assets,
        threads=threads,
        device=device.value,
        squeeze=squeeze,
        fit_camera=fit_camera,
    )


@_stage("index", "data/single --num-shards 20 --settings JSON --out data/single.h5")
def index(
    folder: Annotated[Path, typer.Argument(help="folder of the shards")],
    num_shards: Annotated[int, typer.Option(min=1, help="shards 0 to this, exclusive")],
    settings: SettingsText,
    out: Out,
) -> None:
    """Check the shards of a dataset and write the index over them."""
    parsed = _parse(stages.RenderSettings, settings)
    shards = [folder / shard_name(shard) for shard in range(num_shards)]
    check_output(out, output_kinds.INDEX, shards)
    from projcomp.data.index import build_index
    from projcomp.data.shards import check_shard

    check_shard(shards[0], parsed.model_dump(mode="json"))
    build_index(shards, out)


@_stage("read-dataset", "--settings JSON --out data/mine.h5")
def read_dataset(settings: SettingsText, out: Out) -> None:
    """Read a dataset of pictures that were not rendered, from a file or a folder."""
    parsed = _parse(stages.ReadSettings, settings)
    check_output(out, output_kinds.PICTURES, [Path(parsed.file)])
    from projcomp.data import read_dataset as reading

    reading.read_dataset(parsed, out)


@_stage("preview", "data/single.h5 --out data/single.png")
def preview(
    dataset: Annotated[Path, typer.Argument(help="index of the dataset, or a shard")], out: Out
) -> None:
    """Draw a contact sheet of a dataset."""
    check_output(out, output_kinds.picture(out), [dataset])
    from projcomp.data.preview import draw_preview

    draw_preview(dataset, out)


@_stage("inspect", "data/single.h5 --sheet single.png --check")
def inspect(
    dataset: Annotated[Path, typer.Argument(help="index of the dataset, or a shard")],
    sheet: Annotated[Path | None, typer.Option(help="contact sheet to draw")] = None,
    check: Annotated[
        bool, typer.Option("--check", help="read every image of every shard and say what is wrong")
    ] = False,
) -> None:
    """Say what a dataset holds: counts, attributes, settings, versions, size."""
    if sheet:
        check_output(sheet, output_kinds.picture(sheet), [dataset])
    from projcomp.data.describe import describe
    from projcomp.data.preview import draw_preview
    from projcomp.data.validate import validate

    problems = validate(dataset) if check else []
    for problem in problems:
        typer.echo(f"error: {problem}", err=True)
    if problems:
        raise typer.Exit(1)
    typer.echo(describe(dataset))
    if check:
        typer.echo("check: every image can be read and agrees with its table")
    if sheet:
        draw_preview(dataset, sheet)
        typer.echo(f"contact sheet: {sheet}")


@_stage("train", "--settings JSON --data data --out models/single --state state/models/single")
def train(
    settings: SettingsText,
    data: Annotated[Path, typer.Option(help="folder of the dataset indices")],
    out: OutFolder,
    state: State,
    compute: Annotated[
        str, typer.Option(help="how it runs, as JSON: the config's compute.training")
    ] = "{}",
    sampling: Annotated[str, typer.Option(help="the sampler of the sheets, as JSON")] = "{}",
    wandb: Annotated[str, typer.Option(help="logging to Weights & Biases, as JSON")] = "{}",
    launch: Annotated[
        str, typer.Option(help="command that starts the training, as `srun --ntasks=1`")
    ] = "",
) -> None:
    """Train one diffusion model, resuming where an interrupted training left off."""
    parsed = _parse(stages.TrainSettings, settings)
    how = {
        "compute": _parse(TrainingCompute, compute, "--compute"),
        "sampling": _parse(SamplingConfig, sampling, "--sampling"),
        "wandb": _parse(WandbConfig, wandb, "--wandb"),
    }
    check_apart(state, out, "--state")
    check_outputs(out, output_kinds.MODEL)
    check_outputs(state, output_kinds.MODEL_STATE)
    if launch:
        become(launch)
    take_gpus(_gpus(how["compute"].device) * how["compute"].devices)
    from projcomp.training import train as training

    training.train(parsed, data, out, state, training.Machine(**how))


def _gpus(device: str) -> int:
    """GPUs that one process takes, where there are any."""
    return int(device != "cpu")


@_stage("train-classifier", "--settings JSON --data data --out classifier")
def train_classifier(
    settings: SettingsText,
    data: Annotated[Path, typer.Option(help="folder of the datasets")],
    out: OutFolder,
    threads: Threads = 1,
) -> None:
    """Train the classifier of pictures that were not rendered, and check it."""
    parsed = _parse(stages.ClassifierSettings, settings)
    check_outputs(out, output_kinds.CLASSIFIER)
    from projcomp.training import classifier

    classifier.train_classifier(parsed, data, out, threads)


@_stage("classify", "samples/or/any.h5 --settings JSON --classifier classifier --out any.npz")
def classify(
    samples: Annotated[Path, typer.Argument(help="images of the case")],
    settings: SettingsText,
    classifier: Annotated[Path, typer.Option(help="folder of the trained classifier")],
    out: Out,
    threads: Threads = 1,
) -> None:
    """Say the classes of the samples of one case, and describe them by features."""
    parsed = _parse(stages.ClassifySettings, settings)
    check_output(out, output_kinds.CLASSIFIED, [samples])
    from projcomp.evaluation.classify import classify as run

    run(parsed, samples, classifier, out, threads)


@_stage("score", "samples/both/otter.h5 --settings JSON --out scores/both/otter.npz")
def score(
    samples: Annotated[Path, typer.Argument(help="images of the case")],
    settings: SettingsText,
    out: Out,
    threads: Threads = 1,
    device: DeviceOption = Device.auto,
) -> None:
    """Score how well the images of one case show their prompts, by the config's judge."""
    parsed = _parse(stages.ScoreSettings, settings)
    check_output(out, output_kinds.SCORED, [samples])
    take_gpus(_gpus(device.value))
    from projcomp.evaluation.score import score as run

    run(parsed, samples, out, device.value, threads)


def _flags(**given: Any) -> dict[str, Any]:
    """Flags that the config has as keys of ``compute.training``, held to what it takes for them."""
    from projcomp.config.messages import first_line

    try:
        TrainingCompute.model_validate(given)
    except ValidationError as error:
        key, told = first_line(error, TrainingCompute).split(":", 1)
        raise ConfigError(f"--{key.replace('_', '-')}:{told}") from None
    return given


@_stage("check-model", "--settings JSON --data data --model models/single --out check.csv")
def check_model(
    settings: SettingsText,
    data: Annotated[Path, typer.Option(help="folder of the dataset indices")],
    model: Annotated[Path, typer.Option(help="folder of the trained model")],
    out: Out,
    threads: Threads = 1,
    device: DeviceOption = Device.auto,
) -> None:
    """Measure how well a trained model denoises images that it never saw."""
    parsed = _parse(stages.CheckSettings, settings)
    check_output(out, output_kinds.TABLES["check-model"])
    take_gpus(_gpus(device.value))
    from projcomp.evaluation import denoising

    denoising.check_model(parsed, data, model, out, device=device.value, threads=threads)


@_stage("locality", "--settings JSON --models models --out models/single/locality.csv")
def locality(
    settings: SettingsText,
    models: Annotated[Path, typer.Option(help="folder of the models; the data lies beside it")],
    out: Out,
    threads: Threads = 1,
    device: DeviceOption = Device.auto,
) -> None:
    """Measure how far the Jacobian of a model reaches."""
    parsed = _parse(stages.LocalitySettings, settings)
    check_output(out, output_kinds.TABLES["locality"])
    take_gpus(_gpus(device.value))
    from projcomp.evaluation import measure_locality

    measure_locality.measure(parsed, models, out, device=device.value, threads=threads)


@_stage("train-detector", "--settings JSON --data data/counting.h5 --out models/detector ...")
def train_detector(
    settings: SettingsText,
    data: Annotated[Path, typer.Option(help="index of the dataset it learns from")],
    out: OutFolder,
    state: State,
    threads: Threads = 1,
    device: DeviceOption = Device.auto,
    checkpoint_minutes: CheckpointMinutes = 2.0,
) -> None:
    """Train the object detector and check it on held-out renders."""
    parsed = _parse(stages.DetectorSettings, settings)
    flags = _flags(threads=threads, device=device.value, checkpoint_minutes=checkpoint_minutes)
    check_outputs(out, output_kinds.DETECTOR)
    check_outputs(state, output_kinds.DETECTOR_STATE)
    take_gpus(_gpus(device.value))
    from projcomp.training import detector

    detector.train_detector(
        parsed,
        data,
        out,
        state_dir=state,
        **flags,
    )


@_stage("sample", "--settings JSON --models models --out samples/A/k3.h5")
def sample(
    settings: SettingsText,
    models: Annotated[Path, typer.Option(help="folder of the trained models")],
    out: Out,
    threads: Threads = 1,
    device: DeviceOption = Device.auto,
) -> None:
    """Sample one case of one experiment from the composed models."""
    parsed = _parse(stages.SampleSettings, settings)
    check_output(out, output_kinds.SAMPLES)
    take_gpus(_gpus(device.value))
    from projcomp.sampling.run import run

    run(parsed, models, out, device=device.value, threads=threads)


@_stage("evaluate", "samples/A/k3.h5 --settings JSON --detector models/detector --out k3.csv")
def evaluate(
    samples: Annotated[
        list[Path],
        typer.Argument(
            help="images of the case; with --labels, for each file of labels a folder of pictures "
            "or an HDF5 file, image by image in the order of the labels"
        ),
    ],
    detector: Annotated[Path, typer.Option(help="folder of the trained detector")],
    out: Out,
    settings: Annotated[
        str | None,
        typer.Option("--settings", help="the stage's settings as JSON; the rule's `params`"),
    ] = None,
    labels: Annotated[
        list[Path] | None,
        typer.Option(
            help="in place of --settings: an .npz file with coords_labels (N, k, 2), as Composable "
            "Diffusion's; may be repeated"
        ),
    ] = None,
    y_down: Annotated[
        bool, typer.Option("--y-down", help="y of the labels goes down, not up as the original's")
    ] = False,
    radius: Annotated[
        float, typer.Option(min=0, max=1, help="with --labels: how near is at a place")
    ] = RADIUS,
    threshold: Annotated[
        float | None,
        typer.Option(
            min=0.01, max=0.99, help="with --labels: least height of a peak; the detector's own"
        ),
    ] = None,
) -> None:
    """Count and locate the objects in the images of one case, or in anybody's samples."""
    if (settings is None) == (not labels):
        got = "both" if labels else "neither"
        raise ConfigError(f"evaluate: expected --settings or --labels, got {got}")
    if settings is not None:
        parsed = _parse(stages.EvaluateSettings, settings)
        if len(samples) != 1:
            raise ConfigError(f"evaluate: expected one samples file, got {len(samples)}")
        check_output(out, output_kinds.TABLES["evaluate"], samples)
        from projcomp.evaluation import evaluate as evaluation

        evaluation.evaluate(parsed, samples[0], detector, out)
        return
    given = labels or []
    check_output(out, output_kinds.TABLES["evaluate --labels"], [*samples, *given])
    from projcomp.evaluation.judge_labels import Judging, judge

    how = Judging(radius, threshold, CONFIDENCE, EvaluationConfig.model_validate({}).bootstrap)
    for line in judge(samples, given, detector, out, how, y_down=y_down):
        typer.echo(line)


class LabelledObjects(str, Enum):
    """What label sets are drawn for."""

    any = "any"
    large = "large"


@_stage("labels", "3 --out labels_3.npz --sets 100")
def labels(
    places: Annotated[int, typer.Argument(min=1, help="places of each set")],
    out: Out,
    sets: Annotated[
        int | None, typer.Option(min=1, help="the first so many; all by default")
    ] = None,
    objects: Annotated[
        LabelledObjects,
        typer.Option(help="what they have room for: CLEVR's two sizes, or large objects alone"),
    ] = LabelledObjects.any,
) -> None:
    """Write places to be requested at once, drawn by CLEVR's rules, as Composable Diffusion's."""
    check_output(out, output_kinds.LABELS)
    from projcomp.data.label_sets import shipped_label_sets, write_label_sets

    found = shipped_label_sets(objects.value, places)
    if sets is not None and sets > len(found):
        raise ConfigError(f"--sets: expected at most {len(found)}, which are shipped, got {sets}")
    write_label_sets(out, found[:sets])


@_stage("count", "samples.h5 pictures/ --detector models/detector --out counts.csv --sheet a.png")
def count(
    out: Out,
    images: Annotated[
        list[Path] | None,
        typer.Argument(
            help="pictures, folders of them, .npz or HDF5 files with images; all of one size"
        ),
    ] = None,
    detector: Annotated[
        Path | None, typer.Option(help="folder of a trained detector; images need one")
    ] = None,
    objects: Annotated[
        Path | None,
        typer.Option(help="table of the objects, or molecules, to write: one by one"),
    ] = None,
    sheet: Annotated[
        Path | None, typer.Option(help="sheet of the first images to draw, objects ringed")
    ] = None,
    resize: Annotated[
        bool, typer.Option("--resize", help="resize images of another size than the detector's")
    ] = False,
    molecules: Annotated[
        list[Path] | None,
        typer.Option(
            help="in place of images: a set of molecules, one SMILES a line or a column of a "
            ".csv; may be repeated"
        ),
    ] = None,
    column: Annotated[
        str | None, typer.Option(help="with --molecules: the column of a .csv; smiles by default")
    ] = None,
) -> None:
    """Count the objects in images of your own, or judge molecules; say what is not sure."""
    given = [*(images or []), *(molecules or [])]
    kind = "count --molecules" if molecules else "count"
    if molecules and (images or detector or sheet or resize):
        raise ConfigError(
            "count: expected images with --detector, or --molecules with --column alone, got "
            "both; call it twice"
        )
    if not molecules and (not images or detector is None or column is not None):
        got = "no images" if not images else "no --detector" if detector is None else "--column"
        raise ConfigError(f"count: expected images and --detector, or --molecules, got {got}")
    check_output(out, output_kinds.TABLES[kind], given)
    if objects:
        check_apart(objects, out, "--objects")
        check_output(objects, output_kinds.TABLES[f"{kind} --objects"], given)
    if molecules:
        from projcomp.molecules.run import measure

        for line in measure(molecules, out, column=column, each=objects):
            typer.echo(line)
        return
    if sheet:
        check_output(sheet, output_kinds.picture(sheet), given)
    from projcomp.evaluation import count as counting

    assert detector is not None
    for line in counting.count(
        images or [], detector, out, objects=objects, sheet=sheet, resize=resize
    ):
        typer.echo(line)


@_stage("summarize", "results --settings JSON --out results/summary.csv")
def summarize(
    results: Annotated[
        Path, typer.Argument(help="folder of the cases' tables; the models lie beside it")
    ],
    settings: SettingsText,
    out: Out,
) -> None:
    """Put every case into one row of rates and means with intervals."""
    parsed = _parse(stages.SummarySettings, settings)
    tables = [
        results / counted_name(experiment, case)
        for experiment, names in parsed.cases.items()
        for case in names
    ]
    check = Path(Folder(str(results.parent)).detector(CHECK))
    check_output(out, output_kinds.TABLES["summarize"], [*tables, check])
    from projcomp.evaluation import summary

    summary.summarize(tables, parsed, out, check)


@_stage("theory", "rotations --settings JSON --out results/theory/rotations.csv")
def theory(
    name: Annotated[str, typer.Argument(help="name of the experiment")],
    settings: SettingsText,
    out: Out,
    threads: Threads = 1,
) -> None:
    """Measure one of the papers' experiments on exact distributions."""
    parsed = _parse(stages.TheorySettings, settings)
    check_output(out, output_kinds.TABLES["theory"])
    from projcomp.theory import run

    run.run(name, parsed, out, threads=threads)


@_stage("predict", "squares.npz --by color --background none --out pairs.csv")
def predict(
    dataset: Annotated[
        Path,
        typer.Argument(
            help="a dataset of single objects (index or shard), an .npz or HDF5 file with images "
            "and columns of labels, or a folder of pictures in folders by class"
        ),
    ],
    by: Annotated[
        str, typer.Option(help="the column of the conditions: position, color, shape, ...")
    ],
    background: Annotated[
        str, typer.Option(help="a label of that column, or a file of images; with --with: all")
    ],
    out: Out,
    also: Annotated[
        str | None,
        typer.Option(
            "--with", help="a second column: pairs of a label of either, on one and the same object"
        ),
    ] = None,
    pairs: Annotated[str | None, typer.Option(help="red-blue,red-cyan in place of all")] = None,
    samples: Annotated[int, typer.Option(min=1, help="exact compositions of each pair")] = 32,
    seed: Annotated[int, typer.Option(min=0, help="root of the random streams")] = 0,
    sigma_min: Annotated[
        float, typer.Option(min=0, help="least noise level of the interaction")
    ] = 0.0,
    sigma_max: Annotated[
        float, typer.Option(min=0, help="greatest noise level of the interaction")
    ] = float("inf"),
    most: Annotated[
        int, typer.Option(min=2, help="pictures of a condition; of more, so many are drawn")
    ] = 1000,
    cells: Annotated[
        int, typer.Option(min=1, max=64, help="by position: cells along each side")
    ] = 3,
    places: Annotated[
        str | None,
        typer.Option(help="by position: points 0.2,0.3;0.5,0.6 in place of cells, or default"),
    ] = None,
    bandwidth: Annotated[
        float, typer.Option(min=0, help="how near to a place, as a share of the picture's side")
    ] = 0.05,
    features: Annotated[
        str | None,
        typer.Option(help="compose features: luminance, palette, '{name: luminance, scale: 0.3}'"),
    ] = None,
    figure: Annotated[Path | None, typer.Option(help="heat map to draw, a PNG")] = None,
    pictures: Annotated[Path | None, typer.Option(help="sheet of samples to draw")] = None,
    threads: Threads = 1,
    device: DeviceOption = Device.auto,
) -> None:
    """Predict from pictures alone which conditions compose, and why the others do not."""
    inputs = [dataset, Path(background)]
    check_output(out, output_kinds.TABLES["predict"], inputs)
    for path, flag in ((figure, "--figure"), (pictures, "--pictures")):
        if path:
            check_apart(path, out, flag)
    if figure:
        _check_suffix(figure, ".png")
        check_output(figure, output_kinds.FIGURE_PNG, inputs)
    if pictures:
        check_output(pictures, output_kinds.picture(pictures), inputs)
    if figure and pictures:
        check_apart(pictures, figure, "--pictures")
    take_gpus(_gpus(device.value))
    from projcomp.prediction import run

    where = run.division(cells, places, bandwidth)
    asked = run.Asked(dataset, by, background, pairs, where, also)
    how = run.recipe(
        num_samples=samples,
        seed=seed,
        window=(sigma_min, sigma_max),
        most=most,
        device=device.value,
        threads=threads,
        features=features,
    )
    for line in run.run(asked, how, out, figure=figure, pictures=pictures):
        typer.echo(line)


@_stage("playground", "data/single.h5 --by color --background data/empty.h5 --out page.html")
def playground(
    datasets: Annotated[
        list[Path],
        typer.Argument(
            help="datasets of single objects (indices or shards), or one of whatever `projcomp "
            "predict` reads"
        ),
    ],
    by: Annotated[
        str, typer.Option(help="what a new object asks for: position, color, or another column")
    ],
    out: Out,
    background: Annotated[
        str | None, typer.Option(help="a label of that column, or a file of images")
    ] = None,
    most: Annotated[
        int | None, typer.Option(min=2, help="pictures of a dataset; of more, so many are drawn")
    ] = None,
    settings: SettingsText = "{}",
) -> None:
    """Make a page that composes exact models in a browser, from the pictures it carries."""
    given = _parse(PlaygroundSettings, settings)
    parsed = given if most is None else given.model_copy(update={"most": most})
    inputs = [*datasets, *([Path(background)] if background else [])]
    check_output(out, output_kinds.PLAYGROUND, inputs)
    from projcomp.playground import run

    typer.echo(run.run(parsed, datasets, out, by=by, background=background))


@_stage("table", "sweep_tools --settings JSON --root . --out results/sweep_tools.csv")
def table(
    name: Annotated[str, typer.Argument(help="name of the table")],
    settings: SettingsText,
    root: Annotated[Path, typer.Option(help="root folder of the run")],
    out: Out,
) -> None:
    """Set cases side by side: a sweep, the interaction of pairs, mixtures of models."""
    parsed = _parse(TableSettings, settings)
    from projcomp.evaluation import make_table

    check_output(out, output_kinds.table_like(make_table.kind_module(parsed.kind).COLUMNS))
    make_table.make_table(name, parsed, root, out)


def _check_suffix(path: Path, suffix: str) -> None:
    if path.suffix.lower() != suffix:
        raise OutputError(f"{path}: a name that ends in {suffix} expected, got another")


@_stage("figure", "counts --settings JSON --root . --png counts.png --svg counts.svg")
def figure(
    name: Annotated[str, typer.Argument(help="name of the figure")],
    settings: SettingsText,
    root: Annotated[Path, typer.Option(help="root folder of the run")],
    png: Annotated[Path, typer.Option(help="PNG to write")],
    svg: Annotated[Path, typer.Option(help="SVG to write")],
) -> None:
    """Draw one figure of the report."""
    parsed = _parse(FigureSettings, settings)
    check_apart(svg, png, "--svg")
    for path, suffix in ((png, ".png"), (svg, ".svg")):
        _check_suffix(path, suffix)
    check_output(png, output_kinds.FIGURE_PNG)
    check_output(svg, output_kinds.FIGURE_SVG)
    from projcomp.reporting import draw

    draw.draw(name, parsed, root, png, svg)


@app.command(
    "check",
    epilog="Example: `projcomp check config.yaml --preset presets/gpu.yaml --preset my.yaml`",
)
def check(
    config: Annotated[Path, typer.Argument(help="the config file")] = Path("config.yaml"),
    preset: Annotated[
        list[Path] | None, typer.Option(help="a file merged over it; may be repeated")
    ] = None,
) -> None:
    """Check a config and say how large the run would be."""
    from projcomp.plan.load import load_files, look_at_files
    from projcomp.plan.overview import overview
    from projcomp.plan.plan import Plan

    run = load_files([config, *(preset or [])])
    look_at_files(run)
    typer.echo(overview(Plan(run)))


@config_app.command("write", epilog="Example: `projcomp config write`")
def write_config(
    folder: Annotated[Path, typer.Option(help="root folder of the repository")] = Path("."),
    replace: Annotated[
        bool, typer.Option("--replace", help="write over a config.yaml that you have edited")
    ] = False,
) -> None:
    """Write `config.yaml`, its JSON schema and `docs/configuration.md` from `src/projcomp/config/`.

    A `config.yaml` with values or comments of your own is left alone.
    """
    from projcomp.config.generated import write_generated

    changed = write_generated(folder, replace=replace)
    for path in changed:
        typer.echo(f"wrote {path}")
    if not changed:
        typer.echo("nothing to write: the generated files are up to date")


if __name__ == "__main__":
    main()
