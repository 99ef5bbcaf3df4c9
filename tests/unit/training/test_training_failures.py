"""Whatever ends a training, and whenever, is told in its own line."""

import signal
import sys
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import settings as how
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file
from toy_training import FakeImages, run, settings

from projcomp.config.compute import TrainingCompute
from projcomp.config.learning import WandbConfig
from projcomp.config.samplers import SamplingConfig
from projcomp.config.wandb_names import wandb_project_problem
from projcomp.errors import (
    ConfigError,
    DeviceError,
    FileFormatError,
    OutputError,
    PlacementError,
    UserError,
)
from projcomp.files.kinds import MODEL_STATE
from projcomp.files.outputs import check_outputs
from projcomp.machine.devices import torch_device
from projcomp.training import train as train_module
from projcomp.training.failures import as_user_error
from projcomp.training.module import DiffusionTraining
from projcomp.training.progress import Metrics, Progress
from projcomp.training.resume import read_updates_made
from projcomp.training.sheets import SampleSheets
from projcomp.training.train import Machine, train

HOOKS = (
    "setup",
    "on_fit_start",
    "on_train_start",
    "on_train_epoch_start",
    "on_train_batch_start",
    "on_train_batch_end",
    "on_train_epoch_end",
    "on_train_end",
    "on_fit_end",
    "teardown",
)
COMM_ERROR = type("CommError", (Exception,), {"__module__": "wandb.errors.errors"})
OUT_OF_MEMORY = torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 9.00 GiB")


@pytest.fixture(autouse=True)
def _fake(monkeypatch):
    monkeypatch.setattr(train_module, "RenderedImages", FakeImages)


def attempt(folder, change=None, **machine):
    """A training of two updates."""
    asked = settings().model_copy(update={"images_seen": 8, **(change or {})})
    how = {"sampling": SamplingConfig(num_steps=2)}
    how |= {key: machine.pop(key) for key in ("sampling", "wandb") if key in machine}
    where = Machine(compute=TrainingCompute(**{"device": "cpu", **machine}), **how)
    train(asked, folder, folder / "a", folder / "state_a", where)


def fails_at(monkeypatch, hook, error):
    """Let a callback raise ``error`` at ``hook``."""

    def fail(self, *arguments, **named):
        raise error

    monkeypatch.setattr(train_module, "SampleSheets", type("Sheets", (SampleSheets,), {hook: fail}))


@pytest.mark.parametrize("hook", HOOKS)
def test_an_error_at_any_moment_comes_out_itself(tmp_path, monkeypatch, hook):
    before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGUSR1)]
    fails_at(monkeypatch, hook, FileFormatError(f"{hook}: expected this, got that; mend it"))
    with pytest.raises(FileFormatError, match=f"^{hook}: expected this, got that; mend it$"):
        attempt(tmp_path)
    assert before == [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGUSR1)]
    assert not (tmp_path / "a" / "weights.safetensors").exists()


def test_what_was_never_begun_can_be_ended(tmp_path):
    progress = Progress(
        Metrics(tmp_path / "metrics.csv", 0),
        lambda: None,
        log_images=1,
        checkpoint_minutes=1.0,
        total_images=8,
        start_images=0,
    )
    before = signal.getsignal(signal.SIGTERM)
    for end in (progress.close, lambda: progress.on_exception(None, None, None), progress.close):  # pyright: ignore[reportArgumentType]
        end()
    assert signal.getsignal(signal.SIGTERM) is before


@pytest.mark.parametrize("hook", ["setup", "on_train_start"])
@pytest.mark.parametrize(
    ("error", "kind", "line"),
    [
        (OUT_OF_MEMORY, DeviceError, r"^(network|training\.microbatch): expected .*got none left"),
        (MemoryError(), DeviceError, r"^(network|training\.microbatch): expected .*got none left"),
        (RuntimeError("CUDA error: no kernel image"), DeviceError, "got CUDA error: no kernel"),
        (COMM_ERROR("no network\nand more"), UserError, "^wandb: expected .*got no network; mend"),
        (PermissionError(13, "Permission denied", "/x"), OutputError, "^/x: .*Permission denied"),
        (KeyboardInterrupt(), KeyboardInterrupt, "^$"),
        (ZeroDivisionError("a fault of ours"), ZeroDivisionError, "^a fault of ours$"),
    ],
)
def test_errors_of_others_before_the_first_update(tmp_path, monkeypatch, hook, error, kind, line):
    fails_at(monkeypatch, hook, error)
    handler = signal.getsignal(signal.SIGINT)
    with pytest.raises(kind, match=line) as caught:
        attempt(tmp_path)
    signal.signal(signal.SIGINT, handler)  # Lightning leaves it ignored
    assert len(str(caught.value).splitlines()) <= 1


@pytest.mark.parametrize("error", [OUT_OF_MEMORY, RuntimeError("CUDA error: out of memory")])
def test_no_memory_while_the_model_moves_to_the_device(tmp_path, monkeypatch, error):
    """Cleaning up then fails as well; the first error counts."""

    def fail(self, *arguments):
        raise error

    def fail_again(self):
        raise ValueError("because of it")

    monkeypatch.setattr(DiffusionTraining, "to", fail)
    monkeypatch.setattr(DiffusionTraining, "cpu", fail_again)
    with pytest.raises(DeviceError, match=r"^network: .* before the first update; lower"):
        attempt(tmp_path)


def test_the_first_of_several_errors_is_told():
    def caught(*errors):
        *first, last = errors
        try:
            try:
                raise first[0] if first else last
            finally:
                if first:
                    raise last
        except Exception as error:
            return as_user_error(error, lambda: "memory")

    told = PlacementError("told")
    assert caught(told) is told
    assert caught(told, ValueError("other")) is told
    assert str(caught(MemoryError(), ValueError("other"))) == "memory"
    assert caught(ValueError("one"), ValueError("another")) is None
    deliberate = ValueError("said instead")
    deliberate.__cause__ = MemoryError()
    assert caught(deliberate) is None


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (
            RuntimeError("DataLoader worker (pid 7) is killed by signal: Killed. "),
            "read the images",
        ),
        (RuntimeError("Connection closed by peer [127.0.0.1]:4"), "another process"),
        (torch.distributed.DistNetworkError("... EADDRINUSE, Address already in use"), "PORT"),
        (torch.distributed.DistBackendError("NCCL error"), "another process"),
        (OSError(28, "No space left on device", "/x/y"), "^/x/y: .*No space left"),
    ],
)
def test_what_torch_and_the_system_say_is_one_line(error, line):
    told = as_user_error(error, lambda: "memory")
    assert told is not None
    assert len(str(told).splitlines()) == 1
    with pytest.raises(UserError, match=line):
        raise told


def test_a_process_that_only_reads_tells_its_line(tmp_path, monkeypatch):
    class OnDisk(FakeImages):
        in_memory = False  # pyright: ignore[reportAssignmentType]

        def read(self, index):
            raise FileFormatError("shard-00000.h5: expected a whole shard, got half; render it")

    monkeypatch.setattr(train_module, "RenderedImages", OnDisk)
    with pytest.raises(FileFormatError, match=r"^shard-00000\.h5: expected .*; render it$"):
        attempt(tmp_path)


# What was said by hand -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "machine", "line"),
    [
        ({}, {"devices": 3}, r"^training\.batch_size: expected a multiple of 3, .* got 4$"),
        ({}, {"devices": 2, "nodes": 4}, "expected a multiple of 8"),
        ({"images_seen": 3}, {}, r"^images_seen: expected at least training\.batch_size = 4"),
        ({"images_seen": 0}, {}, "^images_seen: expected a number of at least 1, got 0"),
        ({"resolution": 9}, {}, "^resolution: expected a multiple of 2"),
        ({"resolution": 4}, {}, "^resolution: expected a number of at least 8, got 4"),
        ({"seed": -1}, {}, "^seed: expected a number of at least 0, got -1"),
        ({"datasets": {}}, {}, "^datasets: expected "),
        ({"datasets": {"single": -0.5}}, {}, r"^datasets\.single: expected .*got -0.5"),
        ({"datasets": {"empty": 1.0}}, {}, "^datasets: expected a dataset with objects"),
        ({}, {"sampling": SamplingConfig(sigma_min=30)}, "^sigma_min: expected a number above 0"),
        (
            {},
            {"wandb": WandbConfig.model_construct(enabled=True, mode="offline", project="a/b")},
            r"^wandb\.project: expected a name of 1 to 128 .*, got / in 'a/b'",
        ),
    ],
)
def test_what_the_config_refuses_is_refused_at_the_stage_too(tmp_path, change, machine, line):
    with pytest.raises(ConfigError, match=line):
        attempt(tmp_path, change, **machine)
    assert not list(tmp_path.iterdir())


def test_images_that_are_not_what_the_settings_say(tmp_path, monkeypatch):
    with pytest.raises(FileFormatError, match=r"single\.h5: expected images of 16 x 16 x 3, got"):
        attempt(tmp_path, {"resolution": 16})

    class Mixed(FakeImages):
        def __init__(self, path, condition):
            super().__init__(path, condition)
            self.num_objects[3] = 0

    monkeypatch.setattr(train_module, "RenderedImages", Mixed)
    with pytest.raises(ConfigError, match="an object in every image or in none"):
        attempt(tmp_path)
    attempt(tmp_path, {"condition": "none"})


def test_images_that_do_not_fit_into_memory(tmp_path, monkeypatch):
    def too_large(path, condition):
        raise MemoryError("Unable to allocate 4.00 GiB")

    monkeypatch.setattr(train_module, "RenderedImages", too_large)
    with pytest.raises(DeviceError, match=r"single\.h5: expected memory for its images"):
        attempt(tmp_path)


def test_more_gpus_than_there_are(tmp_path, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    with pytest.raises(
        DeviceError, match=r"compute\.training\.devices: expected at most 1, .*got 2"
    ):
        attempt(tmp_path, device="gpu", devices=2)
    with pytest.raises(DeviceError, match=r"^a\.key: expected auto, cpu or gpu, got 'x'"):
        torch_device("x", "a.key")


def test_a_pass_larger_than_the_update_is_the_update(tmp_path):
    plain, larger = run(tmp_path, "plain"), run(tmp_path, "larger", microbatch=10**30)
    assert all(torch.equal(plain[name], larger[name]) for name in plain)


# Weights & Biases ----------------------------------------------------------------------------


@how(deadline=None)  # the first import of wandb takes a second
@given(st.text(max_size=140) | st.text("ab/\\#?%: \n\0-._", max_size=6))
def test_the_rule_for_projects_is_that_of_wandb(name):
    from wandb.errors import UsageError
    from wandb.sdk.wandb_settings import Settings

    taken = name.strip() != "" and name.isprintable()  # what we ask beyond it
    try:
        Settings(project=name)
    except UsageError:
        taken = False
    assert (wandb_project_problem(name) is None) == taken


@pytest.mark.parametrize("name", ["projcomp", "a b", "ü-1_2.x", "a" * 128, " a", "@&'\"{}"])
def test_names_of_projects_that_are_taken(name):
    assert wandb_project_problem(name) is None


@pytest.mark.parametrize(
    ("name", "got"),
    [
        ("", "got ''"),
        ("  ", "got '  '"),
        ("a" * 129, "got 129 characters"),
        ("a/b:c", "got / : in 'a/b:c'"),
        ("a\nb", r"got \n in 'a\nb'"),
    ],
)
def test_names_of_projects_that_are_refused(name, got):
    problem = wandb_project_problem(name)
    assert problem is not None
    assert problem.startswith("expected a name of 1 to 128 printable characters without any of / ")
    assert problem.endswith(got)


@pytest.mark.parametrize(
    ("mode", "error", "line"),
    [
        (
            "online",
            RuntimeError("api_key not configured (no-tty). call wandb.login(key=[your_api_key])"),
            r"\(online\), got: api_key not configured .*; run `wandb login`, set WANDB_API_KEY",
        ),
        ("online", COMM_ERROR("Run initialization has timed out after 90.0 sec."), "has timed out"),
        ("offline", PermissionError(13, "Permission denied"), r"\(offline\), got: .*denied; mend"),
        ("offline", ValueError(), "got: ValueError; mend that or set wandb.enabled to false"),
        ("offline", ModuleNotFoundError("wandb"), r"^wandb\.enabled: expected the package wandb"),
    ],
)
def test_what_wandb_refuses_is_one_line(tmp_path, monkeypatch, mode, error, line):
    def refuse(**settings):
        raise error

    monkeypatch.setattr("wandb.init", refuse)
    monkeypatch.setenv("WANDB_MODE", mode)
    with pytest.raises(UserError, match=line) as caught:
        attempt(tmp_path, wandb=WandbConfig(enabled=True, mode=mode))
    assert len(str(caught.value).splitlines()) == 1


def test_wandb_that_is_not_installed_is_one_line(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "wandb", None)
    monkeypatch.setenv("WANDB_MODE", "offline")
    with pytest.raises(UserError, match=r"^wandb\.enabled: expected the package wandb, got none"):
        attempt(tmp_path, wandb=WandbConfig(enabled=True))


# The state to resume from ----------------------------------------------------------------------


@pytest.fixture(scope="module")
def interrupted(tmp_path_factory):
    """The state of a training that was killed after nine of twelve updates."""
    folder = tmp_path_factory.mktemp("interrupted")
    original = Progress.on_train_batch_end

    def killed(self, trainer, module, outputs, batch, batch_idx):
        original(self, trainer, module, outputs, batch, batch_idx)
        if module.updates_made == 9:
            raise PlacementError("killed")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(train_module, "RenderedImages", FakeImages)
        patch.setattr(Progress, "on_train_batch_end", killed)
        with pytest.raises(PlacementError):
            run(folder)
    return folder / "state_a"


@pytest.fixture
def state(interrupted, tmp_path):
    (tmp_path / "state_a").mkdir()
    for file in interrupted.iterdir():
        (tmp_path / "state_a" / file.name).write_bytes(file.read_bytes())
    return tmp_path / "state_a" / "state.safetensors"


def rewritten(state: Path, tensors=lambda tensors: tensors, **header: str):
    from safetensors import safe_open

    with safe_open(state, "pt") as file:
        whole = {**(file.metadata() or {}), **header}
    save_file(tensors(load_file(state)), state, {k: v for k, v in whole.items() if v})


def test_a_state_left_as_it_was_is_taken_up(state, tmp_path, capsys):
    check_outputs(state.parent, MODEL_STATE)
    rewritten(state)
    run(tmp_path)
    assert "resuming toy after 36 images" in capsys.readouterr().out


@pytest.mark.parametrize(
    "change",
    [
        lambda state: state.write_bytes(b"not a state"),
        lambda state: state.write_bytes(b""),
        lambda state: state.write_bytes(state.read_bytes()[:-100]),
        lambda state: save_file({"x": torch.zeros(1)}, state),
        lambda state: rewritten(state, settings="{no json"),
        lambda state: rewritten(state, settings="[]"),
        lambda state: rewritten(state, updates_made=""),
        lambda state: rewritten(state, updates_made="six"),
        lambda state: rewritten(state, updates_made="-1"),
        lambda state: rewritten(state, updates_made="12"),
        lambda state: rewritten(state, average_count="many"),
    ],
)
def test_what_is_no_state_of_this_training_is_passed_over_and_named(state, change, capsys):
    change(state)
    asked = settings()
    data = [FakeImages(Path(name), "position") for name in asked.datasets]
    assert read_updates_made(state, train_module._fingerprint(asked, data), 12) == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith(f"{state}: passed over, ")
    assert line.endswith("starting anew")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"drop": "model."}, "no tensor model."),
        ({"drop": "exp_avg."}, "no tensor exp_avg."),
        ({"drop": "step."}, "no moments of Adam"),
        ({"drop": "average."}, "no tensor average."),
        ({"shape": "model."}, "of another shape"),
        ({"shape": "exp_avg_sq."}, "of another shape"),
        ({"dtype": "average."}, "of another type"),
        ({"more": "model."}, "an unknown tensor model.more"),
        ({"average_count": "3"}, "an average of 3 updates after 9"),
    ],
)
def test_a_state_that_cannot_be_taken_up_is_one_line(state, tmp_path, change, reason):
    def changed(tensors):
        (how, prefix), *_ = change.items()
        own = [name for name in tensors if name.startswith(prefix)]
        if how == "drop":
            return {name: value for name, value in tensors.items() if name not in own}
        if how == "shape":
            return {**tensors, own[0]: torch.zeros(1)}
        if how == "dtype":
            return {**tensors, own[0]: tensors[own[0]].double()}
        return {**tensors, "model.more": torch.zeros(1)} if how == "more" else tensors

    header = {k: v for k, v in change.items() if k == "average_count"}
    rewritten(state, changed, **header)
    with pytest.raises(FileFormatError, match=reason) as caught:
        run(tmp_path)
    assert str(caught.value).startswith(f"{state}: expected the state of this training, got ")
    assert "delete it, and the same command starts the training anew" in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize("text", ["images_seen\nmany\n", "a,b\n1,2\n", "\0", "images_seen\n1\n"])
def test_a_damaged_table_of_a_resumed_training_is_one_line(tmp_path, text):
    path = tmp_path / "metrics.csv"
    path.write_text(text)
    assert not Metrics(path, 0).rows
    if text != "\0":
        with pytest.raises(FileFormatError, match="got a damaged table") as caught:
            Metrics(path, 100)
        assert len(str(caught.value).splitlines()) == 1


def test_images_rendered_under_another_name_are_learned_with_a_warning(
    tmp_path, monkeypatch, capsys
) -> None:
    monkeypatch.setattr(FakeImages, "rendered_as", "other")
    monkeypatch.setattr(train_module, "RenderedImages", FakeImages)
    train_module._read_datasets(settings(), tmp_path)
    said = capsys.readouterr().out
    assert "warning: rendered as dataset other, learned as " in said
