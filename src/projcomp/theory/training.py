"""Training of the small networks: the project's loss, schedule and average in a plain loop."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor, nn
from tqdm import tqdm

from projcomp.diffusion.averaging import TailAverage
from projcomp.diffusion.field import ScoreStack
from projcomp.diffusion.learning_rate import learning_rate
from projcomp.diffusion.loss import denoising_error, draw_sigma
from projcomp.theory.streams import Streams

Model = TypeVar("Model", bound=nn.Module)
Draw = Callable[[int, torch.Generator], tuple[Tensor, Tensor]]
"""``(count, rng) -> (clean data (count, *dims), conditions (count, C))``, float32."""


@dataclass(frozen=True)
class Recipe:
    """How a small network is trained.

    Attributes:
        num_updates: length of the training.
        batch_size: samples per update.
        learning_rate: Adam's greatest rate.
        sigma_log_mean: mean of ln sigma.
        sigma_log_std: its standard deviation.
    """

    num_updates: int
    batch_size: int
    learning_rate: float
    sigma_log_mean: float = -0.8
    sigma_log_std: float = 1.6


def train_anew(
    make: Callable[[], Model], draw: Draw, recipe: Recipe, *, sigma_data: float, streams: Streams
) -> tuple[Model, float]:
    """A network made and trained on streams of its own, and its denoising error."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(streams.torch_rng(0).initial_seed())
        model = make()
    error = train(model, draw, recipe, sigma_data=sigma_data, rng=streams.torch_rng(1))
    return model, error


def train(
    model: nn.Module,
    draw: Draw,
    recipe: Recipe,
    *,
    sigma_data: float,
    rng: torch.Generator,
) -> float:
    """Train ``model(x, sigma, condition) -> denoised`` in place.

    Its weights become the mean of those of the last half of the updates.

    Args:
        model: the denoiser.
        draw: gives a batch.
        recipe: length, size and rates.
        sigma_data: standard deviation of the data that the model assumes.
        rng: draws the batches, noise levels and noise.

    Returns:
        mean denoising error over the last tenth of the updates; a network of zeros has 1.
    """
    optimizer = torch.optim.Adam(model.parameters(), betas=(0.9, 0.99), fused=True)
    total = recipe.num_updates
    average, errors = TailAverage(total, max(total // 2, 1)), []
    for update in tqdm(range(total), desc="training", disable=None):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(
                update,
                reference=recipe.learning_rate,
                batch_size=1,
                ramp_images=max(total // 20, 1),
                decay_updates=max(total // 3, 1),
            )
        x0, condition = draw(recipe.batch_size, rng)
        level = (recipe.sigma_log_mean, recipe.sigma_log_std)
        sigma = draw_sigma(len(x0), *level, rng, x0.device)
        noise = torch.randn(x0.shape, generator=rng)
        error = denoising_error(
            lambda x, s, c=condition: model(x, s, c), x0, sigma, noise, sigma_data
        ).mean()
        optimizer.zero_grad()
        error.backward()
        optimizer.step()
        average.update(update, dict(model.state_dict()))
        errors.append(error.detach())
    model.load_state_dict(average.mean)
    model.eval().requires_grad_(False)
    return float(torch.stack(errors[-max(total // 10, 1) :]).mean())


def by_training(stacks: Sequence[ScoreStack]) -> ScoreStack:
    """The scores of as many trainings as there are seeds: each seed's samples by its own.

    Then the interval of a number over seeds is one over trainings too. Samples are in the order of
    ``Streams``, the first seed's first.
    """

    def scores(x: Tensor, sigma: float) -> Tensor:
        parts = x.tensor_split(len(stacks))
        each = [stack(part, sigma) for stack, part in zip(stacks, parts, strict=True)]
        return torch.cat(each, 1)

    return scores
