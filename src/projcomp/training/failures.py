"""Whatever ends a training, as one line: its own, and not that of what failed because of it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
import torch.distributed
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch.utilities.exceptions import SIGTERMException

from projcomp.errors import DeviceError, OutputError, UserError, is_out_of_memory
from projcomp.training.processes import Companions
from projcomp.words import first_line

_LOST = (
    "connection closed by peer",
    "connection reset by peer",
    "connection refused",
    "broken pipe",
    "socket is not connected",
    "application timeout caused pair closure",
    "timed out waiting",
    "nccl communicator was aborted",
    "remote process exited",
)


@contextmanager
def one_line(memory: Callable[[], str], others: Companions | None = None) -> Iterator[None]:
    """What fails within ends as a user's error with its own line, where it is one.

    Args:
        memory: the line where memory did not suffice.
        others: the other processes of this node.

    Raises:
        UserError: in one line.
        KeyboardInterrupt: where Lightning made an exit of it.
    """
    try:
        yield
    except SystemExit as end:
        if isinstance(end, SIGTERMException):  # which exits with 0
            raise UserError(
                "training: expected to run to the end, got stopped by SIGTERM; run the same "
                "command again to go on from the last saved state"
            ) from None
        if isinstance(end.__context__, KeyboardInterrupt):
            raise KeyboardInterrupt from None
        raise
    except Exception as error:
        line = as_user_error(error, memory)
        if others and (line is None or _is_lost(error)):
            failure = others.failure()
            if failure:
                raise failure from None
        if line is None or line is error:
            raise
        raise line from None


def as_user_error(error: Exception, memory: Callable[[], str]) -> UserError | None:
    """The user's error that ``error`` is, or that it came of; None where it is a fault of ours.

    Cleaning up after an error may fail too; then the first one is what has to be told.
    """
    chain = list(_causes(error))
    for cause in chain:
        if isinstance(cause, UserError):
            return cause
    if any(is_out_of_memory(cause) for cause in chain):
        return DeviceError(memory())
    if "address already in use" in str(error).lower():
        return DeviceError(
            "MASTER_PORT: expected a port by which the processes can find each other, got one in "
            "use; set it to another, or unset it"
        )
    if _is_lost(error):
        return UserError(
            "another process of this training: expected to go on, got its end; see what it said, "
            "and run the same command again"
        )
    told = str(error)
    if told.startswith("DataLoader worker"):
        return DeviceError(
            "the processes that read the images: expected to run to the end, got "
            f"{first_line(error)}; where the machine ran out of memory, lower "
            "compute.training.threads, and run the same command again"
        )
    if isinstance(error, torch.AcceleratorError) or told.startswith(("CUDA", "NCCL", "cuDNN")):
        return DeviceError(
            f"compute.training.device: expected a GPU that computes, got {first_line(error)}; run "
            "the same command again, or set it to cpu"
        )
    if type(error).__module__.partition(".")[0] == "wandb":
        return UserError(
            f"wandb: expected the training to be logged, got {first_line(error)}; mend that or "
            "set wandb.enabled to false, and run the same command again"
        )
    if isinstance(error, MisconfigurationException):
        return DeviceError(
            f"training: expected a machine that fits the settings, got: {first_line(error)}; "
            "change compute.training.device or compute.training.devices"
        )
    if isinstance(error, OSError):
        return OutputError(
            f"{error.filename or 'training'}: expected a file that can be read or written, got "
            f"{error.strerror or first_line(error)}; mend that and run the same command again"
        )
    return None


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error, after those that it came up over while they were being handled, first to last."""
    if error.__context__ is not None and not error.__suppress_context__:
        yield from _causes(error.__context__)
    yield error


def _is_lost(error: Exception) -> bool:
    """Whether an exchange with another process failed because that one is no more."""
    if not isinstance(error, RuntimeError | OSError):
        return False
    told = str(error).lower()
    return isinstance(error, torch.distributed.DistError) or any(word in told for word in _LOST)
