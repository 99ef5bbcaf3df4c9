"""Weights and tokenizers of other people's models: what does not load is told in one line."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from safetensors import SafetensorError

from projcomp.errors import UserError, is_out_of_memory
from projcomp.words import short

_FAILURES = (
    OSError,
    ValueError,
    KeyError,
    AttributeError,
    TypeError,
    RuntimeError,
    SafetensorError,
)
"""What the packages raise at files that are missing, damaged, or another model's."""

_MOST = 240
"""Letters of what a package said, at most."""


@contextmanager
def loading(expected: str, mend: str) -> Iterator[None]:
    """Within, what the packages raise is a line: ``expected``, what they said, how to mend it.

    Raises:
        UserError: something did not load. A lack of memory is none of the files' faults, and
            stays what it was.
    """
    try:
        yield
    except _FAILURES as error:
        if is_out_of_memory(error):
            raise
        told = short(error, _MOST) or type(error).__name__
        raise UserError(f"{expected}, got none that loads ({told}); {mend}") from None


def check_vocabulary(where: str, tokenizer: Any, encoder: Any) -> None:
    """Refuse a tokenizer without the tokens of its text encoder.

    Where its files are missing, transformers makes one of two tokens, to which all texts are equal.

    Args:
        where: the folder, as the message names it.
        tokenizer: transformers' own.
        encoder: the settings of the text encoder that reads its tokens.

    Raises:
        UserError: it has less than half of the tokens that the encoder knows.
    """
    found, known = len(tokenizer), encoder.vocab_size
    if 2 * found < known:  # some encoders have room for more tokens than there are
        raise UserError(
            f"{where}: expected a tokenizer of the {known:,} tokens that its text encoder knows, "
            f"got one of {found:,}; copy the tokenizer's files there (tokenizer.json, or "
            "vocab.json and merges.txt)"
        )
