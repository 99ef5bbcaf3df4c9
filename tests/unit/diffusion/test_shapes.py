"""That the tests really check the shapes in signatures (conftest.py)."""

import jaxtyping
import pytest
import torch

from projcomp.composition.linear import combine
from projcomp.diffusion.field import Step
from projcomp.diffusion.inner import dot
from projcomp.samplers.smc import effective_size


@pytest.mark.parametrize(
    "call",
    [
        lambda: dot(torch.zeros(3, 2), torch.zeros(4, 2)),
        lambda: combine(torch.zeros(3), [1.0, 0.0, 0.0]),
        lambda: effective_size(torch.zeros(4, 2)),  # not in double precision
        lambda: Step(torch.zeros(3, 2), 1.0, 0.5, noise=torch.zeros(4, 2)),
    ],
)
def test_a_wrong_shape_is_refused(call):
    with pytest.raises(jaxtyping.TypeCheckError):
        call()


def test_an_integer_will_do_for_a_float():
    assert Step(torch.zeros(3, 2), 1, 0).dv == 1
