"""A run is resolved once: experiments, grids and refusals, whoever asks and however often."""

from collections import Counter
from typing import Any

import pytest
from known_config import FILED, known, merged

from projcomp.plan import experiment_checks, experiments, run
from projcomp.plan.load import load
from projcomp.plan.plan import Plan

SWEEP: dict[str, Any] = {
    "sweeps": {
        "ways": {
            "conditionals": "single",
            "background": {"model": "single", "condition": "empty"},
            "operators": {"product": "product", "and": "superposition_and"},
            "samplers": {"heun": {}, "sde": {"sampler": "sde"}},
            "num_composed": [2],
            "num_samples": 4,
        }
    }
}


@pytest.mark.parametrize("more", [{}, FILED], ids=["scenes", "scenes and files"])
def test_every_experiment_grid_and_refusal_is_worked_out_once(
    monkeypatch: pytest.MonkeyPatch, more: dict[str, Any]
) -> None:
    calls: Counter[str] = Counter()

    def count(module: Any, name: str) -> None:
        real = getattr(module, name)

        def counted(*arguments: Any, **named: Any) -> Any:
            calls[name] += 1
            return real(*arguments, **named)

        monkeypatch.setattr(module, name, counted)

    for name in ("own_experiment", "exact_twin", "grid"):
        count(run, name)
    for module in (experiments, experiment_checks):
        count(module, "refusal")
    plan = Plan(load(merged(known(SWEEP), more)))
    for _ in range(2):
        plan.job_counts()
        for name in plan.figures:
            plan.figure_inputs(name)
        plan.run.rendered.truth  # noqa: B018
        plan.run.filed.experiments  # noqa: B018
    config, found = plan.config, plan.run
    assert calls["own_experiment"] == len(config.experiments)
    assert calls["exact_twin"] == sum(entry.exact for entry in config.experiments.values())
    assert calls["grid"] == len(config.sweeps) > 0
    members = sum(len(grid) for grid in found.grids.values())
    assert calls["refusal"] == members + len(found.own)
