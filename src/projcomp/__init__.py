"""projcomp: a reproducible laboratory for composing diffusion models.

Rooms (each a subpackage) and what may import what are described in ``docs/architecture.md``.
"""

__version__ = "0.1.0"
