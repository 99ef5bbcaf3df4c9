"""Pickles of plain values and numpy's bytes, read and never run.

Unpickling is running a program: it may import and call whatever it names. Here a pickle is a list
of instructions that :mod:`pickletools` takes apart; the few that build lists, tuples, dicts, texts
and numbers are followed, and an array stays what its instructions say of it: a shape and bytes.
Nothing is imported and nothing called, whatever is named.
"""

import pickletools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass
class Made:
    """What a pickle would have made by a call.

    Attributes:
        of: what it would have called, by its name; ``"module name"``.
        arguments: what with.
        state: what it would have set up the result with.
    """

    of: str
    arguments: Any
    state: Any = None


@dataclass
class _Machine:
    """The stack and the memory of a pickle's instructions."""

    stack: list[Any] = field(default_factory=list)
    memory: dict[int, Any] = field(default_factory=dict)
    marks: list[int] = field(default_factory=list)

    def since_mark(self) -> list[Any]:
        """What was put on the stack since the last mark, taken off."""
        start = self.marks.pop()
        items, self.stack[start:] = self.stack[start:], []
        return items


def read_plain(content: bytes) -> Any:
    """What a pickle holds: plain values, and :class:`Made` where it would have called something.

    Texts of Python 2 come as bytes.

    Raises:
        ValueError: it is none, or has an instruction that plain values do not need.
    """
    machine = _Machine()
    try:
        for opcode, argument, _ in pickletools.genops(content):
            if opcode.name == "STOP":
                return machine.stack.pop()
            if opcode.name not in _STEPS:
                raise ValueError(f"the instruction {opcode.name}")
            _STEPS[opcode.name](machine, argument)
    except (IndexError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"instructions that do not fit together ({error})") from None
    raise ValueError("no end")


def bytes_of(made: object) -> NDArray[np.uint8]:
    """The array of bytes ``uint8 (...)`` that a pickle describes.

    Raises:
        ValueError: it describes something else.
    """
    # numpy's __reduce__: an empty array, then its state (version, shape, type, Fortran order, data)
    array = isinstance(made, Made) and made.of.endswith("multiarray _reconstruct")
    state = made.state if array and isinstance(made, Made) else None
    if not isinstance(state, tuple) or len(state) != 5:
        raise ValueError("something else than an array of numpy")
    _, shape, kind, fortran, data = state
    is_bytes = isinstance(kind, Made) and kind.of == "numpy dtype" and kind.arguments[0] in _BYTES
    if not is_bytes or fortran or not isinstance(data, bytes) or not isinstance(shape, tuple):
        raise ValueError("an array of something else than bytes")
    return np.frombuffer(data, np.uint8).reshape(shape)


_BYTES = (b"u1", "u1")


def _put(machine: _Machine, argument: Any) -> None:
    machine.stack.append(argument)


def _text_of_python_2(machine: _Machine, argument: str) -> None:
    # pickletools tells every byte of such a text as the sign of its number
    machine.stack.append(argument.encode("latin-1"))


def _constant(value: Callable[[], Any]) -> Callable[[_Machine, Any], None]:
    return lambda machine, _: machine.stack.append(value())


def _mark(machine: _Machine, _: Any) -> None:
    machine.marks.append(len(machine.stack))


def _tuple(count: int) -> Callable[[_Machine, Any], None]:
    def step(machine: _Machine, _: Any) -> None:
        items = [machine.stack.pop() for _ in range(count)]
        machine.stack.append(tuple(reversed(items)))

    return step


def _tuple_since_mark(machine: _Machine, _: Any) -> None:
    machine.stack.append(tuple(machine.since_mark()))


def _append(machine: _Machine, _: Any) -> None:
    item = machine.stack.pop()
    machine.stack[-1].append(item)


def _appends(machine: _Machine, _: Any) -> None:
    items = machine.since_mark()
    machine.stack[-1].extend(items)


def _set_item(machine: _Machine, _: Any) -> None:
    value, key = machine.stack.pop(), machine.stack.pop()
    machine.stack[-1][key] = value


def _set_items(machine: _Machine, _: Any) -> None:
    items = machine.since_mark()
    machine.stack[-1].update(zip(items[::2], items[1::2], strict=True))


def _remember(machine: _Machine, argument: int) -> None:
    machine.memory[argument] = machine.stack[-1]


def _memoize(machine: _Machine, _: Any) -> None:
    machine.memory[len(machine.memory)] = machine.stack[-1]


def _recall(machine: _Machine, argument: int) -> None:
    machine.stack.append(machine.memory[argument])


def _reduce(machine: _Machine, _: Any) -> None:
    arguments, of = machine.stack.pop(), machine.stack.pop()
    if not isinstance(of, _Name):
        raise ValueError("a call of what is no name")
    machine.stack.append(Made(of.name, arguments))


def _build(machine: _Machine, _: Any) -> None:
    state = machine.stack.pop()
    machine.stack[-1].state = state


@dataclass(frozen=True)
class _Name:
    """What a pickle names, and nobody looks up."""

    name: str


def _global(machine: _Machine, argument: str) -> None:
    machine.stack.append(_Name(argument))


_STEPS: dict[str, Callable[[_Machine, Any], None]] = {
    "PROTO": lambda machine, argument: None,
    "FRAME": lambda machine, argument: None,
    **dict.fromkeys(
        ("BININT", "BININT1", "BININT2", "INT", "LONG1", "BINFLOAT", "BINBYTES", "SHORT_BINBYTES"),
        _put,
    ),
    **dict.fromkeys(("BINUNICODE", "SHORT_BINUNICODE"), _put),
    **dict.fromkeys(("BINSTRING", "SHORT_BINSTRING"), _text_of_python_2),
    "NONE": _constant(lambda: None),
    "NEWTRUE": _constant(lambda: True),
    "NEWFALSE": _constant(lambda: False),
    "EMPTY_LIST": _constant(list),
    "EMPTY_DICT": _constant(dict),
    "EMPTY_TUPLE": _constant(tuple),
    "MARK": _mark,
    "TUPLE": _tuple_since_mark,
    "TUPLE1": _tuple(1),
    "TUPLE2": _tuple(2),
    "TUPLE3": _tuple(3),
    "APPEND": _append,
    "APPENDS": _appends,
    "SETITEM": _set_item,
    "SETITEMS": _set_items,
    **dict.fromkeys(("BINPUT", "LONG_BINPUT"), _remember),
    **dict.fromkeys(("BINGET", "LONG_BINGET"), _recall),
    "MEMOIZE": _memoize,
    "GLOBAL": _global,
    "REDUCE": _reduce,
    "BUILD": _build,
}
"""The instructions that are followed; any other one is refused."""
