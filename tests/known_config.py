"""A config of known numbers, so that no test depends on the demo's."""

import copy
from typing import Any

KNOWN: dict[str, Any] = {
    "resolution": 32,
    "scene": {"extent": 3.0},
    "render": {"shard_size": 10},
    "network": {"multipliers": [1, 2, 4], "attention_resolutions": [8]},
    "training": {"batch_size": 64},
    "datasets": {
        "empty": {"num_images": 10, "min_objects": 0, "max_objects": 0},
        "single": {"num_images": 20, "min_objects": 1, "max_objects": 1},
        "cluttered": {"num_images": 10, "min_objects": 1, "max_objects": 5},
        "colored": {"num_images": 10, "min_objects": 1, "max_objects": 1},
        "counting": {"num_images": 20, "min_objects": 0, "max_objects": 10},
    },
    "models": {
        "single": {
            "datasets": {"single": 0.9, "empty": 0.1},
            "condition": "position",
            "images_seen": 640,
        },
        "cluttered": {"datasets": {"cluttered": 1}, "condition": "position", "images_seen": 640},
        "colored": {
            "datasets": {"colored": 0.9, "empty": 0.1},
            "condition": "color",
            "images_seen": 640,
        },
    },
    "experiments": {
        "A": {
            "conditionals": "single",
            "background": {"model": "single", "condition": "empty"},
            "num_composed": [0, 2],
            "num_samples": 4,
        },
        "B": {
            "conditionals": "single",
            "operator": "bayes",
            "num_composed": [2],
            "num_samples": 4,
        },
        "C": {
            "conditionals": "cluttered",
            "operator": "bayes",
            "num_composed": [2],
            "num_samples": 4,
        },
        "colors": {
            "conditionals": "colored",
            "background": {"model": "colored", "condition": "empty"},
            "color_pairs": [["red", "blue"]],
            "num_samples": 4,
        },
    },
    "theory": {"experiments": ["backgrounds"], "num_samples": 32, "num_seeds": 2},
    "sweeps": {},
    "detector": {"dataset": "counting", "holdout": 5, "images_seen": 640, "batch_size": 64},
}


FILED: dict[str, Any] = {
    "labels": {"form": ["bar", "dot"]},
    "datasets": {"mine": {"file": "mine.npz", "labels": {"form": "label"}}},
    "models": {"learned": {"exact": "mine", "condition": "form"}},
    "experiments": {
        "pairs": {
            "composed": [{"model": "learned", "told": "case"}],
            "operator": "average",
            "cases": [{"for": {"form": "all"}}],
            "num_samples": 4,
        }
    },
}
"""Pictures from a file, and an experiment on them, alone or over what is known."""


def known(change: dict[str, Any] | None = None) -> dict[str, Any]:
    """The known config with ``change`` merged deeply over it."""
    return merged(KNOWN, change or {})


def merged(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """``over`` merged deeply over a copy of ``base``."""
    result = copy.deepcopy(base)
    for key, value in over.items():
        both = isinstance(value, dict) and isinstance(result.get(key), dict)
        result[key] = merged(result[key], value) if both else value
    return result
