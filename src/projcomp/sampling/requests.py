"""What is asked of which model: the stacked distributions of a case, in order."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from projcomp.config.experiments import BackgroundConfig
from projcomp.diffusion.field import Denoiser
from projcomp.diffusion.pixels import decode
from projcomp.errors import ConfigError
from projcomp.features.feature_map import Features
from projcomp.networks import conditioning
from projcomp.networks.precision import at_precision
from projcomp.settings.stages import Composed, model_names

if TYPE_CHECKING:
    from projcomp.settings.stages import SampleSettings

Request = tuple[Denoiser, Any]
"""A denoiser and the condition that it is given: a row of numbers ``(C,)``, or what a pipeline is
told."""


class Model(Protocol):
    """What sampling needs of a model: a denoiser that says its kind of condition and its size."""

    @property
    def condition_kind(self) -> str:
        """The kind of its conditions (``conditions/kinds.py``), or none."""
        ...

    @property
    def resolution(self) -> int:
        """Side of its images, pixels."""
        ...

    @property
    def features(self) -> Features:
        """What of the images it denoises, C channels."""
        ...

    def __call__(self, x: Tensor, sigma: Tensor, condition: Tensor, /) -> Tensor:
        """Denoise ``x`` ``(B, C, H, W)`` at ``sigma`` ``(B,)`` given rows of ``condition``."""
        ...


@dataclass(frozen=True)
class Requests:
    """What is asked of the models.

    Attributes:
        composed: the background where there is one, the case's conditions, the
            unconditional models, then the control.
        num_conditions: how many conditions are composed.
        weights: of the conditions, where each has one of its own; else None.
        num_models: how many unconditional models are composed with them.
        num_controls: 1 with a control, else 0.
        explained: for CompLift: the conditionals' model unconditional, then each requested
            condition; empty without it.
        dims: shape of one sample: channels, height, width.
        pictures: makes images uint8 ``(batch, H, W, 3)`` of samples ``(batch, *dims)``.
        only_exact: whether no network is among the models.
    """

    composed: list[Request]
    num_conditions: int
    num_models: int
    num_controls: int
    explained: list[Request]
    dims: tuple[int, ...]
    pictures: Callable[[Tensor], NDArray[np.uint8]]
    weights: list[float] | None = None
    only_exact: bool = False

    @property
    def distributions(self) -> list[Request]:
        """What is composed alone: without the background and the control."""
        end = len(self.composed) - self.num_controls
        return self.composed[end - self.num_conditions - self.num_models : end]


def pictures_of(features: Features) -> Callable[[Tensor], NDArray[np.uint8]]:
    """How samples of a feature map become pictures."""
    return lambda x: decode(features.decode(x))


def model_requests(
    settings: "SampleSettings", load: Callable[[str], Model], device: torch.device
) -> Requests:
    """Everything that a case asks of its models, each loaded once.

    Raises:
        ConfigError: the models differ in resolution or features, or do not understand the case's
            conditions.
    """
    models = {name: load(name) for name in model_names(settings)}
    sizes = {name: model.resolution for name, model in models.items()}
    if len(set(sizes.values())) > 1:
        raise ConfigError(
            f"experiment {settings.experiment}: expected models of one resolution, got {sizes}; "
            "train them at the same resolution"
        )
    maps = {name: model.features for name, model in models.items()}
    if any(not one.same_as(other) for one in maps.values() for other in maps.values()):
        told = {name: one.chosen.told if one.chosen else "none" for name, one in maps.items()}
        raise ConfigError(
            f"experiment {settings.experiment}: expected models with the same features, got {told};"
            " train them with the same"
        )
    precision = settings.sampling.precision
    denoisers = {name: at_precision(model, precision, device) for name, model in models.items()}
    kinds = {name: model.condition_kind for name, model in models.items()}

    def request_of(chosen: BackgroundConfig | Composed | None) -> list[Request]:
        """A distribution that the case does not decide."""
        if chosen is None:
            return []
        try:
            row = conditioning.row_of(chosen.condition, kinds[chosen.model])
        except ValueError as error:
            raise ConfigError(
                f"experiment {settings.experiment}: model {chosen.model} (conditioned on "
                f"{kinds[chosen.model]}) told {chosen.condition}: {error}"
            ) from None
        return [(denoisers[chosen.model], row)]

    unconditional = [BackgroundConfig(model=m, condition="unconditional") for m in settings.models]
    others = [request for chosen in unconditional for request in request_of(chosen)]
    asked, explained = [], []
    if settings.conditionals:
        name = settings.conditionals
        asked = [(denoisers[name], row) for row in _conditions(settings, kinds[name])]
        if settings.sampling.complift:
            free = BackgroundConfig(model=name, condition="unconditional")
            explained = request_of(free) + asked[: settings.case.num_composed]
    weights = None
    if settings.composed:
        asked = [request for one in settings.composed for request in request_of(one)]
        weights = [one.weight for one in settings.composed]
    control = request_of(settings.control)
    features, side = next(iter(maps.values())), next(iter(sizes.values()))
    return Requests(
        composed=request_of(settings.background) + asked + others + control,
        num_conditions=len(asked),
        num_models=len(others),
        num_controls=len(control),
        explained=explained,
        dims=(features.channels, side, side),
        pictures=pictures_of(features),
        weights=weights,
        only_exact=set(models) == set(settings.exact),
    )


def _conditions(settings: "SampleSettings", kind: str) -> list[Tensor]:
    """The conditions of the case, the avoided ones last; none where it asks for nothing."""
    case = settings.case
    asked = {
        "position": [*case.locations, *case.avoided_locations],
        "color": [*case.colors, *case.avoided_colors],
    }
    for told, values in asked.items():
        if values and told != kind:
            raise ConfigError(
                f"experiment {settings.experiment}: expected a model conditioned on {told} for "
                f"case {case.name}, got {settings.conditionals}, which is conditioned on {kind}"
            )
    return list(conditioning.given(kind, asked.get(kind, [])))
