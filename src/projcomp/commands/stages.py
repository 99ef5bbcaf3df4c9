"""The stages of a run: a command each, the line that a Snakemake rule runs.

Heavy libraries are imported inside the commands, so that ``--help`` and ``check`` are quick.
"""

import os
from pathlib import Path
from typing import Annotated

import typer

from projcomp.commands.app import (
    Compute,
    Device,
    DeviceOption,
    Out,
    OutFolder,
    SettingsText,
    State,
    Threads,
    check_detector,
    check_suffix,
    parse,
    render_shards,
    stage,
    take_gpu,
)
from projcomp.config.compute import TrainingCompute
from projcomp.config.evaluation import CONFIDENCE, RADIUS, EvaluationConfig
from projcomp.config.learning import WandbConfig
from projcomp.config.samplers import SamplingConfig
from projcomp.errors import ConfigError
from projcomp.files import kinds as output_kinds
from projcomp.files.outputs import check_apart, check_output, check_outputs
from projcomp.folder import CHECK, Folder, counted_name, shard_name
from projcomp.machine.launch import become
from projcomp.settings import stages
from projcomp.settings.report import FigureSettings, PlaygroundSettings, TableSettings


@stage("render-shard", "--settings JSON --shard 12 --out data/single/shard-00012.h5")
def render_shard(
    settings: SettingsText,
    shard: Annotated[int, typer.Option(min=0, help="number of the shard")],
    out: Out,
    threads: Threads = 1,
) -> None:
    """Render one shard of a dataset."""
    parsed = parse(stages.RenderSettings, settings)
    check_output(out, output_kinds.SHARD)
    shards = render_shards(threads, parsed.render.device)
    shards.render_shard(parsed, shard, out, threads)


@stage("render-reference", "--settings JSON --out samples/truth/k3.h5")
def render_reference(settings: SettingsText, out: Out, threads: Threads = 1) -> None:
    """Render the true composition of one case."""
    parsed = parse(stages.ReferenceSettings, settings)
    check_output(out, output_kinds.SAMPLES)
    shards = render_shards(threads, parsed.render.device)
    shards.render_reference(parsed, out, threads)


@stage("index", "data/single --num-shards 20 --settings JSON --out data/single.h5")
def index(
    folder: Annotated[Path, typer.Argument(help="folder of the shards")],
    num_shards: Annotated[int, typer.Option(min=1, help="shards 0 to this, exclusive")],
    settings: SettingsText,
    out: Out,
) -> None:
    """Check the shards of a dataset and write the index over them."""
    parsed = parse(stages.RenderSettings, settings)
    shards = [folder / shard_name(shard) for shard in range(num_shards)]
    check_output(out, output_kinds.INDEX, shards)
    from projcomp.data.index import build_index
    from projcomp.data.shards import check_shard

    check_shard(shards[0], parsed.model_dump(mode="json"))
    build_index(shards, out)


@stage("read-dataset", "--settings JSON --out data/mine.h5")
def read_dataset(settings: SettingsText, out: Out) -> None:
    """Read a dataset of pictures that were not rendered, from a file or a folder."""
    parsed = parse(stages.ReadSettings, settings)
    check_output(out, output_kinds.PICTURES, [Path(parsed.file)])
    from projcomp.data import read_dataset as reading

    reading.read_dataset(parsed, out)


@stage("preview", "data/single.h5 --out data/single.png")
def preview(
    dataset: Annotated[Path, typer.Argument(help="index of the dataset, or a shard")], out: Out
) -> None:
    """Draw a contact sheet of a dataset."""
    check_output(out, output_kinds.picture(out), [dataset])
    from projcomp.data.preview import draw_preview

    draw_preview(dataset, out)


@stage("train", "--settings JSON --data data --out models/single --state state/models/single")
def train(
    settings: SettingsText,
    data: Annotated[Path, typer.Option(help="folder of the dataset indices")],
    out: OutFolder,
    state: State,
    compute: Compute = "{}",
    sampling: Annotated[str, typer.Option(help="the sampler of the sheets, as JSON")] = "{}",
    wandb: Annotated[str, typer.Option(help="logging to Weights & Biases, as JSON")] = "{}",
    launch: Annotated[
        str, typer.Option(help="command that starts the training, as `srun --ntasks=1`")
    ] = "",
) -> None:
    """Train one diffusion model, resuming where an interrupted training left off."""
    parsed = parse(stages.TrainSettings, settings)
    how = {
        "compute": parse(TrainingCompute, compute, "--compute"),
        "sampling": parse(SamplingConfig, sampling, "--sampling"),
        "wandb": parse(WandbConfig, wandb, "--wandb"),
    }
    check_apart(state, out, "--state")
    check_outputs(out, output_kinds.MODEL)
    check_outputs(state, output_kinds.MODEL_STATE)
    if launch:
        become(launch)
    from projcomp.training.environment import launched_together

    chosen = how["compute"]
    if not launched_together(os.environ, chosen.devices, chosen.nodes):
        take_gpu(chosen.device, chosen.devices)  # of all processes, which this one starts
    from projcomp.training import train as training

    training.train(parsed, data, out, state, training.Machine(**how))


@stage("train-classifier", "--settings JSON --data data --out classifier")
def train_classifier(
    settings: SettingsText,
    data: Annotated[Path, typer.Option(help="folder of the datasets")],
    out: OutFolder,
    threads: Threads = 1,
) -> None:
    """Train the classifier of pictures that were not rendered, and check it."""
    parsed = parse(stages.ClassifierSettings, settings)
    check_outputs(out, output_kinds.CLASSIFIER)
    from projcomp.training import classifier

    classifier.train_classifier(parsed, data, out, threads)


@stage("classify", "samples/or/any.h5 --settings JSON --classifier classifier --out any.npz")
def classify(
    samples: Annotated[Path, typer.Argument(help="images of the case")],
    settings: SettingsText,
    classifier: Annotated[Path, typer.Option(help="folder of the trained classifier")],
    out: Out,
    threads: Threads = 1,
) -> None:
    """Say the classes of the samples of one case, and describe them by features."""
    parsed = parse(stages.ClassifySettings, settings)
    check_output(out, output_kinds.CLASSIFIED, [samples])
    from projcomp.evaluation.classify import classify as run

    run(parsed, samples, classifier, out, threads)


@stage("score", "samples/both/otter.h5 --settings JSON --out scores/both/otter.npz")
def score(
    samples: Annotated[Path, typer.Argument(help="images of the case")],
    settings: SettingsText,
    out: Out,
    threads: Threads = 1,
    device: DeviceOption = Device.auto,
) -> None:
    """Score how well the images of one case show their prompts, by the config's judge."""
    parsed = parse(stages.ScoreSettings, settings)
    check_output(out, output_kinds.SCORED, [samples])
    take_gpu(device.value)
    from projcomp.evaluation.score import score as run

    run(parsed, samples, out, device.value, threads)


@stage("check-model", "--settings JSON --data data --model models/single --out check.csv")
def check_model(
    settings: SettingsText,
    data: Annotated[Path, typer.Option(help="folder of the dataset indices")],
    model: Annotated[Path, typer.Option(help="folder of the trained model")],
    out: Out,
    threads: Threads = 1,
    device: DeviceOption = Device.auto,
) -> None:
    """Measure how well a trained model denoises images that it never saw."""
    parsed = parse(stages.CheckSettings, settings)
    check_output(out, output_kinds.TABLES["check-model"])
    take_gpu(device.value)
    from projcomp.evaluation import denoising

    denoising.check_model(parsed, data, model, out, device=device.value, threads=threads)


@stage("locality", "--settings JSON --models models --out models/single/locality.csv")
def locality(
    settings: SettingsText,
    models: Annotated[Path, typer.Option(help="folder of the models; the data lies beside it")],
    out: Out,
    threads: Threads = 1,
    device: DeviceOption = Device.auto,
) -> None:
    """Measure how far the Jacobian of a model reaches."""
    parsed = parse(stages.LocalitySettings, settings)
    check_output(out, output_kinds.TABLES["locality"])
    take_gpu(device.value)
    from projcomp.evaluation import measure_locality

    measure_locality.measure(parsed, models, out, device=device.value, threads=threads)


@stage("train-detector", "--settings JSON --data data/counting.h5 --out models/detector ...")
def train_detector(
    settings: SettingsText,
    data: Annotated[Path, typer.Option(help="index of the dataset it learns from")],
    out: OutFolder,
    state: State,
    compute: Compute = "{}",
) -> None:
    """Train the object detector and check it on held-out renders."""
    parsed = parse(stages.DetectorSettings, settings)
    how = parse(TrainingCompute, compute, "--compute")
    check_outputs(out, output_kinds.DETECTOR)
    check_outputs(state, output_kinds.DETECTOR_STATE)
    take_gpu(how.device)
    from projcomp.training import detector

    detector.train_detector(parsed, data, out, state_dir=state, compute=how)


@stage("sample", "--settings JSON --models models --out samples/A/k3.h5")
def sample(
    settings: SettingsText,
    models: Annotated[Path, typer.Option(help="folder of the trained models")],
    out: Out,
    threads: Threads = 1,
    device: DeviceOption = Device.auto,
) -> None:
    """Sample one case of one experiment from the composed models."""
    parsed = parse(stages.SampleSettings, settings)
    check_output(out, output_kinds.SAMPLES)
    take_gpu(device.value)
    from projcomp.sampling.run import run

    run(parsed, models, out, device=device.value, threads=threads)


@stage("evaluate", "samples/A/k3.h5 --settings JSON --detector models/detector --out k3.csv")
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
        parsed = parse(stages.EvaluateSettings, settings)
        if len(samples) != 1:
            raise ConfigError(f"evaluate: expected one samples file, got {len(samples)}")
        check_output(out, output_kinds.TABLES["evaluate"], samples)
        from projcomp.evaluation import evaluate as evaluation

        evaluation.evaluate(parsed, samples[0], detector, out)
        return
    given = labels or []
    check_detector(detector)
    check_output(out, output_kinds.TABLES["evaluate --labels"], [*samples, *given])
    from projcomp.evaluation.judge_labels import Judging, judge

    how = Judging(radius, threshold, CONFIDENCE, EvaluationConfig.model_validate({}).bootstrap)
    for line in judge(samples, given, detector, out, how, y_down=y_down):
        typer.echo(line)


@stage("summarize", "results --settings JSON --out results/summary.csv")
def summarize(
    results: Annotated[
        Path, typer.Argument(help="folder of the cases' tables; the models lie beside it")
    ],
    settings: SettingsText,
    out: Out,
) -> None:
    """Put every case into one row of rates and means with intervals."""
    parsed = parse(stages.SummarySettings, settings)
    tables = [
        results / counted_name(experiment, case)
        for experiment, names in parsed.cases.items()
        for case in names
    ]
    check = Path(Folder(str(results.parent)).detector(CHECK))
    check_output(out, output_kinds.TABLES["summarize"], [*tables, check])
    from projcomp.evaluation import summary

    summary.summarize(tables, parsed, out, check)


@stage("theory", "rotations --settings JSON --out results/theory/rotations.csv")
def theory(
    name: Annotated[str, typer.Argument(help="name of the experiment")],
    settings: SettingsText,
    out: Out,
    threads: Threads = 1,
) -> None:
    """Measure one of the papers' experiments on exact distributions."""
    parsed = parse(stages.TheorySettings, settings)
    check_output(out, output_kinds.TABLES["theory"])
    from projcomp.theory import run

    run.run(name, parsed, out, threads=threads)


@stage("playground", "data/single.h5 --by color --background data/empty.h5 --out page.html")
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
    """Make a page that composes exact models in a browser, from the pictures it carries.

    `docs/predict.md` has lines that make pictures to try it on, `squares.npz`.
    """
    given = parse(PlaygroundSettings, settings)
    parsed = given if most is None else given.model_copy(update={"most": most})
    inputs = [*datasets, *([Path(background)] if background else [])]
    check_output(out, output_kinds.PLAYGROUND, inputs)
    from projcomp.playground import run

    typer.echo(run.run(parsed, datasets, out, by=by, background=background))


@stage("table", "sweep_tools --settings JSON --root . --out results/sweep_tools.csv")
def table(
    name: Annotated[str, typer.Argument(help="name of the table")],
    settings: SettingsText,
    root: Annotated[Path, typer.Option(help="root folder of the run")],
    out: Out,
) -> None:
    """Set cases side by side: a sweep, the interaction of pairs, mixtures of models."""
    parsed = parse(TableSettings, settings)
    from projcomp.evaluation import make_table

    check_output(out, output_kinds.table_like(make_table.kind_module(parsed.kind).COLUMNS))
    make_table.make_table(name, parsed, root, out)


@stage("figure", "counts --settings JSON --root . --png counts.png --svg counts.svg")
def figure(
    name: Annotated[str, typer.Argument(help="name of the figure")],
    settings: SettingsText,
    root: Annotated[Path, typer.Option(help="root folder of the run")],
    png: Annotated[Path, typer.Option(help="PNG to write")],
    svg: Annotated[Path, typer.Option(help="SVG to write")],
) -> None:
    """Draw one figure of the report."""
    parsed = parse(FigureSettings, settings)
    check_apart(svg, png, "--svg")
    for path, suffix in ((png, ".png"), (svg, ".svg")):
        check_suffix(path, suffix)
    check_output(png, output_kinds.FIGURE_PNG)
    check_output(svg, output_kinds.FIGURE_SVG)
    from projcomp.reporting import draw

    draw.draw(name, parsed, root, png, svg)
