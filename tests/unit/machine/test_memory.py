"""Out of memory is one line, whoever says it and however."""

import errno

import numpy as np
import pytest
import torch

from projcomp.errors import DeviceError, is_out_of_memory
from projcomp.machine.memory import Halving, memory_for

LACKS = [
    MemoryError(),
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 9.00 GiB"),
    torch.OutOfMemoryError(),
    RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried ..."),
    RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 12 bytes"),
    RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
    RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"),
    RuntimeError("Storage size calculation overflowed with sizes=[1, 2]"),
    OSError(errno.ENOMEM, "Cannot allocate memory"),
    OSError("Can't read data (memory allocation failed for raw data chunk)"),
]
OTHERS = [RuntimeError("CUDA error: an illegal memory access"), OSError(2, "x"), ValueError("memo")]


@pytest.mark.parametrize("error", LACKS, ids=lambda error: str(error)[:30])
def test_every_lack_of_memory_is_known(error):
    assert is_out_of_memory(error)
    with pytest.raises(DeviceError, match=r"^the line$"), memory_for("the line"):
        raise error
    with pytest.raises(DeviceError, match=r"^made$"), memory_for(lambda: "made"):
        raise error


@pytest.mark.parametrize("error", OTHERS, ids=str)
def test_nothing_else_is(error):
    assert not is_out_of_memory(error)
    with pytest.raises(type(error)), memory_for("the line"):
        raise error


@pytest.mark.parametrize("make", [torch.empty, np.empty])
def test_what_torch_and_numpy_really_say(make):
    kind = torch.uint8 if make is torch.empty else np.uint8
    with pytest.raises(DeviceError), memory_for("too large"):
        make(2**60, dtype=kind)


def raising(error):
    def work(size):
        raise error

    return work


def holding(room, tried):
    """Work on so many pieces that needs as much memory; ``tried`` gets every size."""

    def work(size):
        tried.append(size)
        if size > room:
            raise MemoryError
        return size

    return work


def test_a_size_falls_to_half_where_memory_does_not_suffice_and_stays_there():
    pieces, tried = Halving(100), []
    assert pieces(holding(20, tried), 1000) == 12
    assert pieces(holding(50, tried), 1000) == 12
    assert tried == [100, 50, 25, 12, 12]


def test_a_small_piece_that_fits_makes_no_later_one_smaller():
    pieces, tried = Halving(100), []
    assert pieces(holding(100, tried), 7) == 7
    assert pieces(holding(100, tried), 1000) == 100
    assert tried == [7, 100]


def test_a_small_piece_that_does_not_fit_is_halved_itself():
    pieces, tried = Halving(100), []
    assert pieces(holding(5, tried), 7) == 3
    assert tried == [7, 3]


@pytest.mark.parametrize("error", LACKS[:3], ids=str)
def test_a_lack_of_memory_for_one_is_told(error):
    with pytest.raises(type(error)) as caught:
        Halving(4)(raising(error), 9)
    assert caught.value is error


@pytest.mark.parametrize("error", OTHERS, ids=str)
def test_nothing_else_halves(error):
    pieces = Halving(4)
    with pytest.raises(type(error)):
        pieces(raising(error), 9)
    assert pieces.size == 4
