"""EDM2's learning-rate schedule (Karras et al. 2024, eq. 67)."""

import math


def learning_rate(
    update: int, *, reference: float, batch_size: int, ramp_images: int, decay_updates: int
) -> float:
    """Rate of update number ``update`` (from 0): linear ramp, then constant, then 1/sqrt decay.

    Args:
        update: updates made so far.
        reference: the greatest rate.
        batch_size: images per update.
        ramp_images: images over which the rate grows from zero.
        decay_updates: updates after which it falls as the inverse square root.
    """
    rate = reference / math.sqrt(max(update / decay_updates, 1.0))
    if ramp_images > 0:
        rate *= min((update + 1) * batch_size / ramp_images, 1.0)
    return rate
