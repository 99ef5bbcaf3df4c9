"""The grid of cells that the detector works on, and what it says of each."""

MAX_GRID = 64
NUM_COLORS = 8
OUTPUTS = 1 + 2 + NUM_COLORS
"""Heatmap logit; x and y offsets in cells; eight colour logits."""

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
