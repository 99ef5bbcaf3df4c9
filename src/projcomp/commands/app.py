"""The command line itself: its errors, and what its commands share."""

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from enum import Enum
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Annotated, Any, TypeVar

import typer
import typer.core
from pydantic import ValidationError

from projcomp.config.section import MOST_THREADS, Section
from projcomp.errors import (
    ConfigError,
    DiskError,
    FileFormatError,
    OutputError,
    UserError,
    is_out_of_memory,
)
from projcomp.files.atomic import disk_failed
from projcomp.files.json_keys import RepeatedKey, once
from projcomp.folder import DETECTOR
from projcomp.machine import gpus

SettingsT = TypeVar("SettingsT", bound=Section)


class Device(str, Enum):
    """Where torch computes."""

    auto = "auto"
    cpu = "cpu"
    gpu = "gpu"


_UsageError: Any = typer.BadParameter.__base__
"""What is wrong with the flags of a command; Typer does not export the class."""


def _wrong_flags(error: Any) -> typer.Exit:
    if type(error).__name__ == "NoArgsIsHelpError":
        raise error  # no command at all: its help is what is shown
    path = getattr(error.ctx, "command_path", "projcomp")
    told = " ".join(error.format_message().split()).rstrip(".")
    typer.echo(f"error: {path}: {told}; `{path} --help` says what it takes", err=True)
    return typer.Exit(1)


@contextmanager
def _without_what_cannot_be_raised() -> Iterator[None]:
    """Within, Python says nothing of what HDF5 could not write where h5py can raise no error.

    A dataset that is thrown away is written then. The file that it is part of fails as well, and
    that is the stage's one line. h5py has both hooks called for the same error, one after the
    other; it has passed through no function of anybody else's.
    """
    before = sys.excepthook, sys.unraisablehook

    def thrown_away(error: BaseException | None, trace: TracebackType | None) -> bool:
        if error is None or trace is None or not disk_failed(error):
            return False
        return trace.tb_frame.f_code.co_name.endswith("_dealloc")

    def caught_nowhere(
        kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        if not thrown_away(error, trace):
            before[0](kind, error, trace)

    def cannot_be_raised(told: Any) -> None:
        if not thrown_away(told.exc_value, told.exc_traceback):
            before[1](told)

    sys.excepthook, sys.unraisablehook = caught_nowhere, cannot_be_raised
    try:
        yield
    finally:
        sys.excepthook, sys.unraisablehook = before


class _Group(typer.core.TyperGroup):
    """Turns what a user can cause into one line and an exit code."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Take the flags before the command's name."""
        try:
            return super().parse_args(ctx, args)
        except _UsageError as error:
            raise _wrong_flags(error) from None

    def invoke(self, ctx: Any) -> Any:
        with _without_what_cannot_be_raised():
            return self._invoke(ctx)

    def _invoke(self, ctx: Any) -> Any:
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

SettingsText = Annotated[
    str, typer.Option("--settings", help="the stage's settings as JSON; the rule's `params`")
]
Out = Annotated[Path, typer.Option("--out", help="file to write, complete or not at all")]
OutFolder = Annotated[Path, typer.Option("--out", help="folder to write to")]
Threads = Annotated[int, typer.Option(min=1, max=MOST_THREADS, help="CPU threads")]
DeviceOption = Annotated[Device, typer.Option(help="auto takes a GPU where there is one")]
State = Annotated[Path, typer.Option("--state", help="folder of the checkpoints to resume from")]
Compute = Annotated[
    str, typer.Option("--compute", help="how it runs, as JSON: the config's compute.training")
]


STAGES, BY_HAND = "Stages, as the rules call them", "By hand"
"""Headings of the commands in ``--help``."""


def stage(name: str, example: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Register a stage of a run, whose help ends with an example line."""
    return _command(name, example, STAGES)


def by_hand(name: str, example: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Register a command that no rule calls, whose help ends with an example line."""
    return _command(name, example, BY_HAND)


def _command(
    name: str, example: str, panel: str
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    epilog = f"Example: `projcomp {name} {example}`"
    return app.command(name, epilog=epilog, rich_help_panel=panel)


def parse(model: type[SettingsT], text: str, flag: str = "--settings") -> SettingsT:
    """The JSON ``text`` of the flag as ``model``.

    Raises:
        ConfigError: it is no JSON, or not what the model takes.
    """
    from projcomp.config.messages import first_line

    try:
        with suppress(ValueError, RecursionError):  # what is no JSON has its line below
            json.loads(text, object_pairs_hook=once)
        return model.model_validate_json(text)
    except RepeatedKey as key:
        raise ConfigError(f"{flag}: every key once expected, got {str(key)!r} twice") from None
    except ValidationError as error:
        raise ConfigError(f"{flag}: {first_line(error, model)}") from None


def check_suffix(path: Path, suffix: str) -> None:
    """Refuse a file to write whose name does not end in ``suffix``."""
    if path.suffix.lower() != suffix:
        raise OutputError(f"{path}: a name that ends in {suffix} expected, got another")


def check_detector(folder: Path) -> None:
    """Refuse a folder that has a detector's folder in it, and say which, as ``models`` has.

    Raises:
        FileFormatError: it is one.
    """
    below = sorted(folder.glob(f"*/{DETECTOR}"))
    if below and not (folder / DETECTOR).exists():
        raise FileFormatError(
            f"{folder}: the folder of a trained detector ({DETECTOR}) expected, got one that has "
            f"it in {below[0].parent.name}: name {below[0].parent}"
        )


def take_gpu(device: str, processes: int = 1) -> None:
    """Take a GPU for each process of a stage, where there are any and ``device`` is no CPU."""
    gpus.take_gpus(int(device != "cpu") * processes)


def render_shards(threads: int, device: str) -> ModuleType:
    """``projcomp.render.shards``, Blender started for ``threads`` threads and one GPU, or none."""
    gpus.take_gpus(int(device in ("cuda", "optix")))
    from projcomp.render.start import start_blender

    start_blender(threads)
    from projcomp.render import shards

    return shards
