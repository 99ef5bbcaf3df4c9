"""The workflow with every job done, and what dry runs plan after changes of its config."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from driver import Job, Workflow, prepared
from known_config import KNOWN

CHANGES: dict[str, dict[str, Any]] = {
    "nothing": {},
    "learning_rate": {"training": {"learning_rate": 0.02}},
    "operational": {
        "compute": {
            "training": {"threads": 1, "checkpoint_minutes": 9, "log_images": 7, "device": "cpu"},
            "sampling": {"device": "cpu"},
            "rendering": {"threads": 2},
        },
        "wandb": {"enabled": True},
    },
    "new_case": {"experiments": {"A": {"num_composed": [0, 2, 3]}}},
    "twin": {"experiments": {"A": {"exact": True}}},
    "larger_dataset": {"datasets": {"single": {"num_images": 40}}},
    "radius": {"evaluation": {"radius": 0.05}},
    "locality": {"evaluation": {"locality": {}}},
    "detector": {"detector": {"channels": 16}},
    "samples": {"experiments": {"colors": {"num_samples": 3}}},
    "theory_samples": {"theory": {"num_samples": 64}},
    "more_theory": {"theory": {"experiments": ["backgrounds", "rotations"]}},
    "sweep": {
        "sweeps": {
            "S": {
                "conditionals": "single",
                "background": {"model": "single", "condition": "empty"},
                "num_composed": [2],
                "num_samples": 4,
                "operators": {"p": "product"},
                "samplers": {"heun": {}, "sde": {"sampler": "sde"}},
            }
        }
    },
    "sampler": {"experiments": {"B": {"sampling": {"sampler": "euler"}}}},
    "cycles_samples": {"render": {"samples": 3}},
    "from_nothing": {"root": "elsewhere"},
}


@pytest.fixture(scope="session")
def workflow(tmp_path_factory: pytest.TempPathFactory) -> Workflow:
    return prepared(tmp_path_factory.mktemp("workflow"), KNOWN)


@pytest.fixture(scope="session")
def planned_after(workflow: Workflow) -> dict[str, set[Job]]:
    """The jobs of a dry run after each of ``CHANGES``; made together, two at a time."""
    with ThreadPoolExecutor(2) as pool:
        results = pool.map(lambda item: workflow.jobs(item[1], item[0]), CHANGES.items())
        return dict(zip(CHANGES, results, strict=True))
