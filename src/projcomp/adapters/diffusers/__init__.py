"""Pipelines of diffusers: their prompts, levels and pictures, composed by the library.

The only room that imports diffusers and peft, and with them transformers (extra ``diffusers``).
"""

from projcomp.extras import missing

try:
    from projcomp.adapters.diffusers.compose import Composed, begin, compose
    from projcomp.adapters.diffusers.pipeline import Pipeline
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(missing(error) or str(error), name=error.name) from None

__all__ = ["Composed", "Pipeline", "begin", "compose"]
