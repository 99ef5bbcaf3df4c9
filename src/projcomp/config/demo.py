"""What the demo is made of: the defaults of the config's named collections."""

from typing import Any


def places() -> dict[str, Any]:
    """Nine places over the ground that CLEVR's objects stand on, and nine on the demo's.

    Spheres, and small objects, overlap at no two places of ``spread``, within 3 scene units of the
    middle; large objects of any shape and turn at no two of ``apart``, within 3.5.
    """
    return {
        "spread": [
            [0.12, 0.41],
            [0.9, 0.434],
            [0.484, 0.74],
            [0.519, 0.27],
            [0.728, 0.581],
            [0.506, 0.496],
            [0.722, 0.346],
            [0.316, 0.352],
            [0.281, 0.602],
        ],
        "apart": [
            [0.091, 0.373],
            [0.904, 0.4],
            [0.492, 0.51],
            [0.574, 0.246],
            [0.257, 0.619],
            [0.268, 0.315],
            [0.728, 0.652],
            [0.729, 0.312],
            [0.426, 0.257],
        ],
    }


def scene() -> dict[str, Any]:
    """Scenes of the demo: more ground than CLEVR's, for nine places where objects never overlap."""
    return {"extent": 3.5}


def network() -> dict[str, Any]:
    """The network of the demo: local, and told by a map what is asked for."""
    return {
        "channels": 32,
        "multipliers": [1],
        "attention_resolutions": [],
        "conditioning": "map",
    }


def training() -> dict[str, Any]:
    """How the demo's networks learn: by small updates, whose noise is let out towards the end."""
    return {"batch_size": 32, "cooldown": 0.4}


WHOLE: dict[str, Any] = {
    "channels": 16,
    "multipliers": [1, 2, 4],
    "attention_resolutions": [8],
    "conditioning": "embedding",
}
"""A network that sees the whole picture and is told a condition as the papers tell it."""


def datasets() -> dict[str, Any]:
    """Datasets of the demo."""

    def dataset(num_images: int, low: int, high: int) -> dict[str, Any]:
        return {"num_images": num_images, "min_objects": low, "max_objects": high}

    return {
        "empty": dataset(500, 0, 0),
        "single": dataset(10_000, 1, 1),
        "cluttered": dataset(6_000, 1, 5),
        "placed": {**dataset(1_000, 1, 1), "places": "apart"},
        "cluttered_at": {**dataset(4_500, 1, 5), "places": "apart", "moved_from": "cluttered"},
        # for the playground alone: nine of these stand apart where large ones do not
        "small": {**dataset(500, 1, 1), "sizes": ["small"], "places": "spread"},
        "counting": dataset(6_000, 0, 12),
    }


def models() -> dict[str, Any]:
    """Models of the demo."""

    def model(
        datasets: dict[str, float], condition: str, images_seen: int, **other: Any
    ) -> dict[str, Any]:
        known = {"datasets": datasets, "condition": condition, "images_seen": images_seen}
        return {**known, **other}

    single = {"single": 0.85, "empty": 0.15}
    return {
        "placed": {"exact": {"placed": 0.85, "empty": 0.15}, "condition": "position"},
        "local_at": {"exact": "cluttered_at", "condition": "position", "window": 9},
        "local": {"exact": "cluttered", "condition": "none", "window": 9},
        "palette": {"exact": single, "condition": "color", "features": "palette"},
        "single": model(single, "position", 100_000),
        "embedded": model(single, "position", 40_000, network=WHOLE),
        "cluttered": model({"cluttered": 1.0}, "position", 80_000),
        "colored": model(single, "color", 40_000, network=WHOLE),
        "background": model({"empty": 1.0}, "none", 10_000),
    }


def experiments() -> dict[str, Any]:
    """Experiments of the demo.

    What perfect networks would do; the papers' A, B and C, a separate background, and pairs, by
    networks and by their exact twins.
    """
    counts = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]
    empty = {"model": "single", "condition": "empty"}
    control = {"model": "background", "condition": "unconditional"}
    return {
        "perfect": {
            "conditionals": "placed",
            "background": {"model": "placed", "condition": "empty"},
            "places": "apart",
            "num_composed": [1, 2, 3, 4, 5, 6, 7, 8, 9],
            "num_samples": 64,
        },
        "C_local": {
            "conditionals": "local_at",
            "background": {"model": "local", "condition": "unconditional"},
            "places": "apart",
            "num_composed": [1, 2, 3, 4, 5, 6, 7, 8, 9],
            "num_samples": 16,
        },
        "colors_palette": {
            "conditionals": "palette",
            "background": {"model": "palette", "condition": "empty"},
            "color_pairs": "all",
            "single_colors": "all",
            "num_samples": 16,
            "sampling": {"precision": "fp32"},
        },
        "A": {
            "conditionals": "single",
            "background": empty,
            "places": "apart",
            "num_composed": counts,
            "num_samples": 64,
            "exact": True,
        },
        "B": {
            "conditionals": "single",
            "operator": "bayes",
            "places": "apart",
            "num_composed": counts,
            "num_samples": 32,
            "exact": True,
        },
        "C": {
            "conditionals": "cluttered",
            "operator": "bayes",
            "places": "apart",
            "num_composed": counts,
            "num_samples": 64,
            "exact": True,
        },
        "S": {
            "conditionals": "single",
            "background": control,
            "places": "apart",
            "num_composed": counts,
            "num_samples": 32,
        },
        "S_embedded": {
            "conditionals": "embedded",
            "background": control,
            "places": "apart",
            "num_composed": counts,
            "num_samples": 32,
        },
        "colors": {
            "conditionals": "colored",
            "background": {"model": "colored", "condition": "empty"},
            "control": control,
            "color_pairs": "all",
            "single_colors": "all",
            "num_samples": 16,
            "sampling": {"precision": "fp32"},
            "exact": True,
        },
        "places": {
            "conditionals": "single",
            "background": empty,
            "control": control,
            "location_pairs": "all",
            "num_samples": 16,
            "sampling": {"precision": "fp32"},
            "exact": True,
        },
    }


def sweeps() -> dict[str, Any]:
    """Sweeps of the demo."""
    # what weights are made of should not hang on rounding, and all are to be comparable
    exact = {"precision": "fp32"}
    sde = {"sampler": "sde", **exact}
    return {
        "tools": {
            "conditionals": "single",
            "background": {"model": "single", "condition": "empty"},
            "num_composed": [3],
            "num_samples": 32,
            "operators": {
                "product": "product",
                "bayes": "bayes",
                "and_published": "superposition_and",
            },
            "samplers": {
                "heun": exact,
                "euler": {"sampler": "euler", **exact},
                "sde": sde,
                "sde50": {**sde, "num_steps": 50},
                "ancestral": {"sampler": "ancestral", **exact},
                "langevin": {**sde, "corrector": "langevin"},
                "swarm": {**sde, "swarm": {"particles": 4}},
            },
            "exact": True,
        },
    }
