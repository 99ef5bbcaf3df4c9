"""EDM2's learning-rate schedule (Karras et al. 2024, eq. 67), with a cooldown at its end."""

import math


def learning_rate(
    update: int,
    *,
    reference: float,
    batch_size: int,
    ramp_images: int,
    decay_updates: int,
    total: int | None = None,
    cooldown: float = 0.0,
) -> float:
    """Rate of update number ``update`` (from 0): linear ramp, then constant, then 1/sqrt decay.

    The cooldown is not EDM2's: where a training's length is known, its noise is let out at the end,
    linearly to nothing (Zhai et al. 2022, section 3.5).

    Args:
        update: updates made so far.
        reference: the greatest rate.
        batch_size: images per update.
        ramp_images: images over which the rate grows from zero.
        decay_updates: updates after which it falls as the inverse square root.
        total: updates of the whole training, which a cooldown needs.
        cooldown: share of them, the last ones, over which the rate is brought to zero.

    Raises:
        ValueError: there is a cooldown and no total.
    """
    rate = reference / math.sqrt(max(update / decay_updates, 1.0))
    if ramp_images > 0:
        rate *= min((update + 1) * batch_size / ramp_images, 1.0)
    if cooldown > 0:
        if total is None:
            raise ValueError("cooldown: expected the training's total of updates, got none")
        rate *= min((total - update) / (cooldown * total), 1.0)
    return rate
