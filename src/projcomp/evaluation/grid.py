"""The grid of cells that the detector works on, and what it says of each."""

from itertools import accumulate

from projcomp.scenes import vocabulary

MAX_GRID = 64

ATTRIBUTES = {name: vocabulary.ATTRIBUTES[name] for name in ("color", "shape", "material", "size")}
"""What the detector says of an object beside its place, and the names that it chooses from."""

HEAT, DOUBT, OFFSET = 0, 1, slice(2, 4)
"""Channels of the outputs: two heatmaps' logits, then the x and y offsets in cells."""

_ENDS = list(accumulate(map(len, ATTRIBUTES.values()), initial=OFFSET.stop))
LOGITS = dict(zip(ATTRIBUTES, map(slice, _ENDS, _ENDS[1:]), strict=False))
"""Channels of every attribute's logits."""

OUTPUTS = _ENDS[-1]
"""Channels of the outputs."""

STEP = 4
"""The network halves its grid twice, so it works on a multiple of this."""

SMALLEST = 16
"""Least side of an image, pixels."""


def fold_of(resolution: int) -> int:
    """Pixels per cell side: 1 below twice MAX_GRID, then such that the grid is about MAX_GRID.

    It divides ``resolution``. The largest CLEVR objects are 4 cells wide at 32 pixels.

    Raises:
        ValueError: ``resolution`` is below SMALLEST.
    """
    if resolution < SMALLEST:
        raise ValueError(f"resolution: expected at least {SMALLEST}, got {resolution}")
    fold = max(1, resolution // MAX_GRID)
    while resolution % fold:
        fold -= 1
    return fold
