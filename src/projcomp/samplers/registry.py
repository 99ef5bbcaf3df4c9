"""The predictors by the names that a configuration gives them."""

from projcomp.errors import ConfigError
from projcomp.samplers.euler import euler
from projcomp.samplers.heun import Heun
from projcomp.samplers.process import Predictor
from projcomp.samplers.sde import ReverseSde, ancestral

SAMPLERS: dict[str, Predictor] = {
    "heun": Heun(),
    "euler": euler,
    "sde": ReverseSde(),
    "ancestral": ancestral,
}


def get_sampler(name: str) -> Predictor:
    """The predictor called ``name``.

    Raises:
        ConfigError: there is none of that name.
    """
    if name not in SAMPLERS:
        raise ConfigError(f"sampler: expected one of {', '.join(SAMPLERS)}, got {name!r}")
    return SAMPLERS[name]
