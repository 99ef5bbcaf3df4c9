"""The objects of pictures by field, as kinds label them: of renders, of scenes, of detections."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from projcomp.scenes.vocabulary import ATTRIBUTES

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from projcomp.evaluation.heatmaps import Detections
    from projcomp.scenes.spec import SceneSpec

Table = Mapping[str, Any]
"""Of K rows for each of N pictures, numpy arrays by name: numbers of CLEVR's vocabulary under
``color``, ``shape``, ``size`` and ``material``, each ``(N, K)``; ``pixel``, the centres,
``(N, K, 2)`` in [0, 1]; and ``there``, which of the rows are objects, ``(N, K)``."""

FIELDS = (*ATTRIBUTES, "pixel")
"""What is known of the objects of a scene; of pictures that were not rendered, their labels are."""
THERE = "there"


def of_shard(objects: "NDArray[np.void]", counts: "NDArray[np.int64]") -> "Table":
    """A shard's table, ``(N, K)``, of which the first ``counts`` ``(N,)`` rows are objects."""
    import numpy as np

    there = np.arange(objects.shape[1]) < counts[:, None]
    return {**{field: objects[field] for field in FIELDS}, THERE: there}


def of_pictures(
    labels: "Mapping[str, NDArray[np.int64]]", points: "NDArray[np.float64] | None"
) -> "Table":
    """One labelled thing in each of N pictures that were not rendered, ``(N, 1)``.

    Args:
        labels: the numbers of their values by name, each ``(N,)``.
        points: where it is, ``(N, 2)`` in [0, 1]; None where nobody knows.
    """
    import numpy as np

    known = {**labels, **({} if points is None else {"pixel": points})}
    count = max(map(len, known.values()), default=0)
    found = {name: column[:, None] for name, column in known.items()}
    return {**found, THERE: np.ones((count, 1), dtype=bool)}


def of_scene(scene: "SceneSpec") -> "Table":
    """One scene's objects, ``(1, K)``."""
    import numpy as np

    found = {
        field: np.array([[names.index(getattr(item, field)) for item in scene.objects]])
        for field, names in ATTRIBUTES.items()
    }
    pixels = np.array([item.pixel for item in scene.objects], dtype=float).reshape(1, -1, 2)
    return {**found, "pixel": pixels, THERE: np.ones((1, len(scene.objects)), dtype=bool)}


def of_detections(found: "Detections") -> Table:
    """The objects detected in one image, ``(1, K)``."""
    import numpy as np

    fields = {field: getattr(found, field)[None] for field in FIELDS if field != "pixel"}
    return {**fields, "pixel": found.xy[None], THERE: np.ones((1, len(found.xy)), dtype=bool)}
