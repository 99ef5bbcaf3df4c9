"""Makes ``known_config`` importable from every folder of tests, and checks shapes at run time."""

import sys
from pathlib import Path

from jaxtyping import install_import_hook

sys.path.insert(0, str(Path(__file__).parent))

# Before the first import of what it checks: every call of the library then compares the shapes and
# types in its signature with what it got and what it gives back.
install_import_hook(
    ["projcomp.composition", "projcomp.samplers", "projcomp.diffusion"], "type_checker.checked"
)
