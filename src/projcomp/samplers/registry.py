"""The samplers by the names that a configuration gives them."""

from collections.abc import Callable

from torch import Tensor

from projcomp.diffusion.field import ScoreField
from projcomp.errors import ConfigError
from projcomp.samplers.heun import sample_heun
from projcomp.samplers.result import SamplerResult

Sampler = Callable[[ScoreField, Tensor, Tensor], SamplerResult]
"""``(field, start (batch, *dims), decreasing sigmas (num_steps + 1,)) -> SamplerResult``."""

SAMPLERS: dict[str, Sampler] = {"heun": sample_heun}


def get_sampler(name: str) -> Sampler:
    """The sampler called ``name``.

    Raises:
        ConfigError: there is none of that name.
    """
    if name not in SAMPLERS:
        raise ConfigError(f"sampler: expected one of {', '.join(SAMPLERS)}, got {name!r}")
    return SAMPLERS[name]
