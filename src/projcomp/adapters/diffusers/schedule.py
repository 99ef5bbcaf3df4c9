"""What a scheduler says of noise: the levels of a path, and what a network is asked at a level.

A variance-preserving schedule has ``sigma = sqrt((1 - abar) / abar)`` and hands the network
``x / sqrt(1 + sigma^2)``; flow matching, ``x_t = (1 - t) x0 + t n``, has ``sigma = t / (1 - t)``
and hands it ``x / (1 + sigma)`` (docs/method.md, section 1). Both may begin at an infinite level,
where ``x`` is the noise itself.
"""

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import diffusers
import torch
from torch import Tensor

from projcomp.diffusion.shapes import Levels, PerSample, Samples
from projcomp.errors import UserError
from projcomp.words import quoted, short

Prediction = Literal["epsilon", "v_prediction", "sample", "flow"]

_TRAINED = 1e-3
"""A step this near to one of training is that one: levels are float32 numbers."""

_NEAR = 1e-3
"""Schedules whose levels differ by this share are one."""


@dataclass(frozen=True, eq=False)
class Schedule:
    """How a network was trained.

    Attributes:
        prediction: what it predicts: the noise, ``v``, the sample, or the flow ``n - x0``.
        num_steps: steps of training; a flow's time is told in units of one over them.
        levels: noise level of every step of training, rising, ``(num_steps,)``; empty for a flow.
    """

    prediction: Prediction
    num_steps: int
    levels: Levels

    def is_as(self, other: "Schedule") -> bool:
        """Whether a network of the one is a network of the other.

        The highest level may differ: some schedulers have a finite number for an infinite one.
        """
        if (self.prediction, self.num_steps) != (other.prediction, other.num_steps):
            return False
        return torch.allclose(self.levels[:-1], other.levels[:-1], rtol=_NEAR)

    def input(self, x: Samples, sigma: PerSample) -> Samples:
        """What the network is handed for ``x`` ``(batch, *dims)``, of its shape."""
        level = _column(sigma, x)
        scale = 1 + level if self.prediction == "flow" else (1 + level**2).sqrt()
        return torch.where(level.isinf(), x, x / scale)

    def start(self, noise: Samples, sigma: float) -> Samples:
        """The ``x`` for which the network is handed ``noise``, both ``(batch, *dims)``."""
        level = torch.full((len(noise),), sigma, dtype=torch.float32, device=noise.device)
        return noise / self.input(torch.ones_like(noise), level)

    def steps(self, sigma: PerSample) -> PerSample:
        """The time that the network is told, ``(batch,)``, float32; fractions between its steps.

        Linear in ln sigma between the steps of training, as the pipelines' own schedulers are.
        """
        sigma = sigma.double()
        if self.prediction == "flow":
            return (self.num_steps / (1 + 1 / sigma)).float()
        known, level = self.levels.to(sigma.device).log(), sigma.log()
        upper = torch.searchsorted(known, level).clamp(1, len(known) - 1)
        share = (level - known[upper - 1]) / (known[upper] - known[upper - 1])
        share = torch.where(level >= known[upper], 1.0, share.clamp(min=0.0))  # the last may be inf
        found = upper - 1 + share
        return torch.where((found - found.round()).abs() < _TRAINED, found.round(), found).float()

    def denoised(self, prediction: Samples, x: Samples, sigma: PerSample) -> Samples:
        """``E[x0 | x]``, shape ``(batch, *dims)``, of what the network predicted."""
        level = _column(sigma, x)
        if self.prediction == "sample":
            return prediction
        if self.prediction == "epsilon":
            return x - level * prediction
        if self.prediction == "flow":
            return self.input(x, sigma) - prediction / (1 + 1 / level)
        signal = 1 / (1 + level**2).sqrt()
        return signal * self.input(x, sigma) - prediction / (1 + 1 / level**2).sqrt()


def schedule_of(scheduler: Any) -> Schedule:
    """How the network of a pipeline with this scheduler was trained.

    Args:
        scheduler: one of diffusers' schedulers.

    Raises:
        UserError: its levels or its prediction are of another kind.
    """
    config = scheduler.config
    num_steps = int(config.num_train_timesteps)
    if _flows(scheduler):
        return Schedule("flow", num_steps, torch.empty(0, dtype=torch.float64))
    name = config.get("prediction_type", "epsilon")
    if name not in get_args(Prediction) or not hasattr(scheduler, "alphas_cumprod"):
        raise UserError(
            f"scheduler: expected a schedule of alphas_cumprod that predicts {_NAMES}, got "
            f"{type(scheduler).__name__} with {name}; give the pipeline another scheduler"
        )
    return Schedule(name, num_steps, _vp_levels(scheduler.alphas_cumprod))


def scheduler_named(name: str, own: Any) -> Any:
    """A scheduler of diffusers for a network that was trained by the schedule of ``own``.

    Args:
        name: its class.
        own: the scheduler whose settings it takes over.

    Raises:
        UserError: there is none of this name, or it does not keep how the network was trained.
    """
    kind = getattr(diffusers, name, None)
    if not (isinstance(kind, type) and issubclass(kind, diffusers.SchedulerMixin)):  # pyright: ignore[reportPrivateImportUsage]
        raise UserError(
            "scheduler: expected a scheduler of diffusers by its class, such as "
            f"EulerDiscreteScheduler, got {quoted(name)}; correct the name"
        )
    try:
        made = kind.from_config(own.config)  # pyright: ignore[reportAttributeAccessIssue]
        kept = schedule_of(made).is_as(schedule_of(own))
    except (TypeError, ValueError, UserError):
        kept = False
    if not kept:
        raise UserError(
            f"scheduler: expected one that keeps the schedule of {type(own).__name__}, by which "
            f"the network was trained, got {name}; take another, or the pipeline's own"
        )
    return made


def noise_levels(scheduler: Any, steps: int, **settings: Any) -> Levels:
    """The noise levels that a scheduler steps through.

    Args:
        scheduler: one of diffusers' schedulers; it stays as it is.
        steps: their number.
        settings: what else ``set_timesteps`` takes, such as ``mu``.

    Returns:
        Decreasing, shape ``(steps + 1,)``, float64. The first may be infinite, the last above 0.
        A last step that would stay at its level goes to 0.

    Raises:
        UserError: there are no such levels.
    """
    if steps < 1:
        raise UserError(f"noise levels: expected at least 1 step, got {steps}")
    own = copy.deepcopy(scheduler)
    try:
        _set_steps(own, steps, settings)
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise UserError(
            f"noise levels: expected settings that {type(scheduler).__name__} takes, got {steps} "
            f"steps and {settings or 'nothing else'} ({error}); change them"
        ) from None
    levels = _levels_of(own)
    if levels[-1] == levels[-2]:  # the last step of DDIM and PNDM, where it begins at step 0
        levels[-1] = 0.0
    levels = torch.cat([levels[:1], levels[1:][levels[1:] != levels[:-1]]])  # Heun's stand twice
    falls = _falls(levels)
    if len(levels) != steps + 1 or not falls:
        raise UserError(
            f"noise levels: expected {steps + 1} that decrease for {steps} steps, got "
            f"{len(levels)}{'' if falls else ' that do not'} of {type(scheduler).__name__}; take "
            "fewer steps, or another scheduler, such as EulerDiscreteScheduler"
        )
    return levels


def given_levels(levels: Levels | Sequence[float]) -> Levels:
    """Noise levels that somebody wrote down, float64.

    Raises:
        UserError: they are none, or do not decrease.
    """
    try:
        found = torch.as_tensor(levels, dtype=torch.float64).cpu()
    except (TypeError, ValueError, RuntimeError):
        found = torch.empty(0)
    if found.ndim != 1 or len(found) < 2 or not _falls(found) or not found[-1] >= 0:
        raise UserError(
            "levels: expected a whole number of steps, or at least two noise levels that "
            f"decrease, such as [10.0, 1.0, 0.0], got {short(levels)}; correct them"
        )
    return found


_NAMES = "epsilon, v_prediction or sample"


def _flows(scheduler: Any) -> bool:
    config = scheduler.config
    return (
        type(scheduler).__name__.startswith("FlowMatch")
        or bool(config.get("use_flow_sigmas", False))
        or config.get("prediction_type") == "flow_prediction"
    )


def _set_steps(scheduler: Any, steps: int, settings: dict[str, Any]) -> None:
    scheduler.set_timesteps(steps, **settings)
    beyond = float(scheduler.timesteps.max()) >= scheduler.config.num_train_timesteps
    if beyond and scheduler.config.get("steps_offset"):
        # as many steps as training had: an offset would ask the one after its last
        scheduler.register_to_config(steps_offset=0)
        scheduler.set_timesteps(steps, **settings)


def _falls(levels: Levels) -> bool:
    return bool((levels[1:] < levels[:-1]).all())


def _levels_of(scheduler: Any) -> Levels:
    """Noise levels of a scheduler whose steps are set."""
    sigmas = getattr(scheduler, "sigmas", None)
    if sigmas is not None and len(sigmas) == len(scheduler.timesteps) + 1:
        sigmas = torch.as_tensor(sigmas).double().cpu()
        return sigmas / (1 - sigmas) if _flows(scheduler) else sigmas
    if not hasattr(scheduler, "alphas_cumprod"):
        raise UserError(
            "noise levels: expected a scheduler that has them, by sigmas or alphas_cumprod, got "
            f"{type(scheduler).__name__}; take another, such as EulerDiscreteScheduler"
        )
    # DDIM and PNDM end at a level of their own, DDPM at 0
    last = torch.as_tensor(getattr(scheduler, "final_alpha_cumprod", 1.0)).double()
    steps = scheduler.timesteps.long().cpu()
    return torch.cat([_vp_levels(scheduler.alphas_cumprod)[steps], _vp_levels(last)[None]])


def _vp_levels(alphas_cumprod: Tensor) -> Levels:
    abar = alphas_cumprod.double().cpu()
    return ((1 - abar) / abar).sqrt()


def _column(sigma: PerSample, x: Samples) -> Tensor:
    """One noise level a sample, shaped so that it multiplies ``(batch, *dims)``."""
    return sigma.reshape(-1, *[1] * (x.ndim - 1)).to(x.dtype)
