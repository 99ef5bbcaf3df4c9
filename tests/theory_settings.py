"""Settings of the exact experiments, tiny unless a test says more."""

from typing import Any

from projcomp.config.theory import EXACT
from projcomp.settings.stages import TheorySettings


def settings_of(experiment: str, **change: Any) -> TheorySettings:
    """Settings of ``experiment`` with ``change`` over them."""
    tiny: dict[str, Any] = {"seed": 0, "num_samples": 32, "num_seeds": 2, "num_steps": 10}
    tiny["format"] = EXACT[experiment].format
    if EXACT[experiment].trains:
        tiny["num_updates"] = 5
    return TheorySettings.model_validate({**tiny, "experiment": experiment, **change})
