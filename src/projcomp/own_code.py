"""Functions of the user's own, in a Python file outside the project.

What goes wrong in it is said in one line, with the line of the file where it is the user's error.
"""

import hashlib
import inspect
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from torch import Tensor

from projcomp.errors import UserError, is_out_of_memory
from projcomp.files.inputs import check_input
from projcomp.words import first_line, short

_following: list[dict[str, str]] = []
"""Check sums by file of what is executed, for everyone within :func:`unedited`."""


class OwnCodeError(UserError):
    """A user's own operator or sampler does not do what is expected of it."""


@dataclass(frozen=True)
class OwnFunction:
    """A function of a user's file.

    Attributes:
        file: the file, as the user names it.
        name: the function's.
        function: itself.
        code: check sum of the bytes that made it.
    """

    file: str
    name: str
    function: Callable[..., Any]
    code: str = ""

    def call(self, /, *arguments: Any, **settings: Any) -> Any:
        """What the function returns.

        Raises:
            OwnCodeError: it raised something.
        """
        with self.guard():
            return self.function(*arguments, **settings)

    @contextmanager
    def guard(self) -> Iterator[None]:
        """Say what the user's code raises in one line."""
        with own_errors(self.file):
            yield

    def error(self, problem: str) -> OwnCodeError:
        """An error of what the function returned, with the line where the function begins."""
        code = getattr(self.function, "__code__", None)
        line = f", line {code.co_firstlineno}" if code and code.co_filename == self.file else ""
        return OwnCodeError(f"{self.file}{line}: {self.name}: {problem}")

    def check_arguments(self, positional: int, settings: dict[str, Any]) -> None:
        """Whether the function takes so many arguments, and these settings by name.

        Raises:
            OwnCodeError: it does not.
        """
        try:
            inspect.signature(self.function).bind(*[None] * positional, **settings)
        except (TypeError, ValueError) as error:  # ValueError: a built-in without a signature
            given = f"{positional} arguments and the settings {', '.join(settings) or '(none)'}"
            raise self.error(
                f"expected a function of {given}, got one that does not fit: {error}"
            ) from None

    def check_score(self, score: Any, x: Tensor) -> Tensor:
        """A score of every sample, in the samples' precision.

        Raises:
            OwnCodeError: it is no tensor, or has another shape than ``x``.
        """
        if not isinstance(score, Tensor):
            raise self.error(f"expected a tensor of shape {_shape(x)}, got {type(score).__name__}")
        if score.shape != x.shape:
            raise self.error(f"expected a tensor of shape {_shape(x)}, got {_shape(score)}")
        if score.is_complex():
            raise self.error("expected a tensor of real numbers, got complex ones")
        return score.to(x.dtype)


def load_function(file: str, *names: str) -> OwnFunction:
    """The one function of ``names`` that a file has.

    Raises:
        UserError: there is no such file, it does not run, or it has none or several of them.
    """
    module, code = _run(file)
    found = _callables(module, *names)
    if len(found) != 1:
        got = " and ".join(found) or _others(module)
        raise OwnCodeError(
            f"{file}: expected one function named {' or '.join(names)}, got {short(got)}"
        )
    return OwnFunction(file, found[0], getattr(module, found[0]), code)


def load_functions(file: str, *names: str) -> list[OwnFunction]:
    """The functions ``names`` of a file, which has them all.

    Raises:
        UserError: there is no such file, it does not run, or it lacks one of them.
    """
    module, code = _run(file)
    for name in names:
        if not _callables(module, name):
            raise OwnCodeError(
                f"{file}: expected functions named {' and '.join(names)}, got no {name}"
            )
    return [OwnFunction(file, name, getattr(module, name), code) for name in names]


def check_unedited(file: str, code: str) -> None:
    """Refuse to go on by what was executed of a file that has been edited since.

    Snakemake runs a job again where an input is newer than its results. Results that came after
    the edit, made by the code before it, would pass for those of the edited file.

    Args:
        file: the user's file.
        code: check sum of what was executed.

    Raises:
        OwnCodeError: the file is another one now, or is gone.
    """
    try:
        now = _sum(Path(file).read_bytes())
    except OSError:
        now = "gone"
    if now != code:
        raise OwnCodeError(
            f"{file}: expected the code that this began with, got one edited since: run the same "
            "command again; it goes by the edited file"
        )


@contextmanager
def unedited() -> Iterator[dict[str, str]]:
    """Files of a user's that are executed within must be the same at its end.

    Yields:
        The check sums of what was executed, by file; filled on the way.

    Raises:
        OwnCodeError: one of them was edited meanwhile.
    """
    executed: dict[str, str] = {}
    _following.append(executed)
    try:
        yield executed
    finally:
        _following.pop()
    for file, code in executed.items():
        check_unedited(file, code)


def _sum(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _run(file: str) -> tuple[ModuleType, str]:
    """The module that a file makes, and the check sum of what was executed for it."""
    check_input(file, "a Python file", "write it, or name another one")
    content = Path(file).read_bytes()
    try:
        text = content.decode("utf-8")
    except ValueError:
        raise OwnCodeError(f"{file}: expected Python code in UTF-8, got other bytes") from None
    code = _sum(content)
    for executed in _following:
        check_unedited(file, executed.setdefault(file, code))
    module = ModuleType(f"projcomp_own_{hashlib.sha256(file.encode()).hexdigest()[:16]}")
    module.__file__ = file
    sys.modules[module.__name__] = module  # where dataclasses look for the names of types
    with own_errors(file):
        exec(compile(text, file, "exec"), module.__dict__)
    return module, code


def _callables(module: ModuleType, *names: str) -> list[str]:
    """Which of ``names`` can be called; what the file only imports, where there is nothing else."""
    known = {name: getattr(module, name) for name in names if hasattr(module, name)}
    known = {name: value for name, value in known.items() if callable(value)}
    # such as dataclasses' field
    own = [name for name, value in known.items() if value.__module__ == module.__name__]
    return own or list(known)


def _others(module: ModuleType) -> str:
    functions = [name for name in vars(module) if inspect.isfunction(getattr(module, name))]
    return f"none ({', '.join(functions) or 'no functions at all'})"


@contextmanager
def own_errors(*files: str) -> Iterator[None]:
    """What a user's code in ``files`` raises, as one line that names the user's own line.

    Raises:
        OwnCodeError: in place of whatever is no error of the project's own.
    """
    try:
        yield
    except UserError:
        raise
    except (Exception, SystemExit) as error:
        if is_out_of_memory(error):
            raise
        lines = {file: _line_of(error, file) for file in files}
        where = next(
            (f"{f}, line {line}" for f, line in lines.items() if line), " and ".join(files)
        )
        problem = f"{type(error).__name__}: {first_line(error)}"
        raise OwnCodeError(f"{where}: expected code that runs, got {problem}") from error


def _line_of(error: BaseException, file: str) -> int | None:
    """The last line of ``file`` that the error passed through."""
    if isinstance(error, SyntaxError) and error.filename == file:
        return error.lineno
    line, frame = None, error.__traceback__
    while frame is not None:
        if frame.tb_frame.f_code.co_filename == file:
            line = frame.tb_lineno
        frame = frame.tb_next
    return line


def _shape(tensor: Tensor) -> str:
    return "(" + ", ".join(map(str, tensor.shape)) + ")"
