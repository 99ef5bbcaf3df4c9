"""CLEVR's vocabulary; the position in each list or mapping is the number stored in a shard."""

SHAPES: list[str] = ["cube", "sphere", "cylinder"]

SIZES: dict[str, float] = {"large": 0.7, "small": 0.35}
"""Name -> scale of the unit shapes (half-extent or radius 1), scene units."""

MATERIALS: list[str] = ["rubber", "metal"]

COLORS: dict[str, tuple[int, int, int]] = {
    "gray": (87, 87, 87),
    "red": (173, 35, 35),
    "blue": (42, 75, 215),
    "green": (29, 105, 20),
    "brown": (129, 74, 25),
    "purple": (129, 38, 192),
    "cyan": (41, 208, 208),
    "yellow": (255, 238, 51),
}
"""Name -> (r, g, b) in 0..255; the renderer takes c/255 as linear, as CLEVR's generator does."""

ATTRIBUTES: dict[str, list[str]] = {
    "shape": SHAPES,
    "color": list(COLORS),
    "material": MATERIALS,
    "size": list(SIZES),
}
"""What an object has, and the names of its values, each in the order of its numbers."""

CAMERA_LOCATION = (7.481132, -6.50764, 5.343665)
"""Camera of CLEVR's base scene before jitter; it tracks the origin."""

LAMP_LOCATIONS: dict[str, tuple[float, float, float]] = {
    "Lamp_Key": (6.44671, -2.905175, 4.258398),
    "Lamp_Fill": (-4.671124, -4.013597, 3.011225),
    "Lamp_Back": (-1.168501, 2.646024, 5.815737),
}
"""The three lamps of CLEVR's base scene before jitter; each tracks the origin."""

VIEW = (4, 3)
"""Width to height of what the camera sees, unless something else is asked for."""

REFERENCE_SIZE = (320, 240)
"""Width and height at which CLEVR counts visible pixels and writes pixel coordinates."""
