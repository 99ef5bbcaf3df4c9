"""What people run by hand, and no rule does.

Heavy libraries are imported inside the commands, so that ``--help`` and ``check`` are quick.
"""

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from projcomp.commands.app import (
    BY_HAND,
    Device,
    DeviceOption,
    Out,
    Threads,
    app,
    by_hand,
    check_detector,
    check_suffix,
    render_shards,
    take_gpu,
)
from projcomp.errors import ConfigError
from projcomp.files import kinds as output_kinds
from projcomp.files.outputs import check_apart, check_output
from projcomp.render.picture_size import MAX_SIDE, MIN_SIDE

BASE = "config.yaml"
"""What Snakemake reads by itself, whatever else is merged over it."""

config_app = typer.Typer(no_args_is_help=True, help="The generated descriptions of the config.")
app.add_typer(config_app, name="config", rich_help_panel=BY_HAND)


@by_hand("check", "config.yaml --preset presets/gpu.yaml --preset my.yaml")
def check(
    config: Annotated[
        Path, typer.Argument(help="the whole config that Snakemake reads by itself")
    ] = Path(BASE),
    preset: Annotated[
        list[Path] | None,
        typer.Option(help="a file merged over it, as by --configfile; may be repeated"),
    ] = None,
) -> None:
    """Check a config and say how large the run would be."""
    from projcomp.plan.crowded import check_crowded
    from projcomp.plan.load import load_files, look_at_files
    from projcomp.plan.overview import overview
    from projcomp.plan.plan import Plan

    _check_base(config)
    try:
        run = load_files([config, *(preset or [])])
        look_at_files(run)
    except ConfigError as error:
        if config.name == BASE:
            raise
        raise ConfigError(
            f"{error}; {config} was taken in place of {BASE}: did you mean --preset {config}?"
        ) from None
    plan = Plan(run)
    typer.echo(overview(plan))
    check_crowded(plan)
    if config.name != BASE:
        typer.echo(
            f"note: {config} was taken in place of {BASE}; `snakemake --configfile {config}` "
            f"merges it over {BASE}, as --preset {config} does here",
            err=True,
        )


def _check_base(config: Path) -> None:
    """Refuse a file that is there to be merged over ``config.yaml``, given in its place.

    Snakemake reads the ``config.yaml`` of its folder, and merges all others over it. The defaults
    would fill what such a file lacks, and what is said would be of a run that nobody makes.
    """
    if config.name == BASE:
        return
    from projcomp.config.strict_yaml import read_yaml

    content = read_yaml(config)
    missing = [section for section in ("datasets", "models") if not content.get(section)]
    if missing:
        raise ConfigError(
            f"{config}: expected a whole config in place of {BASE}, got one without "
            f"{' and '.join(missing)}: did you mean --preset {config}?"
        )


@by_hand("predict", "squares.npz --by color --background none --out pairs.csv")
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
        list[str] | None,
        typer.Option(
            help="compose features: luminance, palette, '{name: luminance, scale: 0.3}', or rgb, "
            "the pictures themselves; may be repeated, for one table of all"
        ),
    ] = None,
    figure: Annotated[Path | None, typer.Option(help="heat map to draw, a PNG")] = None,
    pictures: Annotated[Path | None, typer.Option(help="sheet of samples to draw")] = None,
    threads: Threads = 1,
    device: DeviceOption = Device.auto,
) -> None:
    """Predict from pictures alone which conditions compose, and why the others do not.

    `docs/predict.md` has lines that make the `squares.npz` of the example.
    """
    inputs = [dataset, Path(background)]
    check_output(out, output_kinds.TABLES["predict"], inputs)
    for path, flag in ((figure, "--figure"), (pictures, "--pictures")):
        if path:
            check_apart(path, out, flag)
    if figure:
        check_suffix(figure, ".png")
        check_output(figure, output_kinds.FIGURE_PNG, inputs)
    if pictures:
        check_output(pictures, output_kinds.picture(pictures), inputs)
    if figure and pictures:
        check_apart(pictures, figure, "--pictures")
    take_gpu(device.value)
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
    )
    maps = run.parse_features(features)
    for line in run.run(asked, how, out, figure=figure, pictures=pictures, features=maps):
        typer.echo(line)


@by_hand("count", "samples.h5 pictures/ --detector models/detector --out counts.csv --sheet a.png")
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
    check_detector(detector)
    for line in counting.count(
        images or [], detector, out, objects=objects, sheet=sheet, resize=resize
    ):
        typer.echo(line)


@by_hand("inspect", "data/single.h5 --sheet single.png --check")
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


@by_hand("results", "A A-exact")
def results(
    experiments: Annotated[
        list[str] | None,
        typer.Argument(help="experiments whose cases are told one by one; none: a line for each"),
    ] = None,
    root: Annotated[
        Path | None, typer.Option(help="root folder of the run; without it config.yaml's")
    ] = None,
    confidence: Annotated[
        float, typer.Option(min=0.5, max=0.999, help="of the intervals (Wilson's)")
    ] = 0.95,
) -> None:
    """Say what a run has counted so far: success, places, counts, and what is doubted."""
    from projcomp.evaluation.so_far import so_far
    from projcomp.folder import Folder
    from projcomp.plan.load import load_files

    folder = str(root) if root else load_files([Path("config.yaml")]).config.root
    typer.echo(so_far(Folder(folder), experiments or [], confidence))


class LabelledObjects(str, Enum):
    """What label sets are drawn for."""

    any = "any"
    large = "large"


@by_hand("labels", "3 --out labels_3.npz --sets 100")
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


class RenderDevice(str, Enum):
    """What Cycles renders on."""

    cpu = "cpu"
    optix = "optix"
    cuda = "cuda"
    hip = "hip"
    metal = "metal"


@by_hand("render-scenes", "scenes.json out.h5 --width 320 --height 240 --samples 512 --no-denoise")
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
    shards = render_shards(threads, device.value)
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
