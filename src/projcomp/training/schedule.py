"""The learning rate that a training's settings give to each of its updates."""

from projcomp.config.learning import TrainingConfig
from projcomp.diffusion.learning_rate import learning_rate


def rate_of(update: int, config: TrainingConfig, total: int) -> float:
    """Rate of update number ``update`` (from 0) of ``total``."""
    return learning_rate(
        update,
        reference=config.learning_rate,
        batch_size=config.batch_size,
        ramp_images=config.ramp_images,
        decay_updates=config.decay_updates,
        total=total,
        cooldown=config.cooldown,
    )
