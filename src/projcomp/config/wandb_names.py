"""What Weights & Biases takes for the name of a project, known without importing it.

The rule is that of its settings (``wandb.sdk.wandb_settings``, a test holds both together). Beyond
it, a blank name is refused, for which Lightning would take another, and so is one that no web page
shows.
"""

MOST_CHARACTERS = 128
FORBIDDEN = "/\\#?%:"


def wandb_project_problem(name: str) -> str | None:
    """What is wrong with the name of a project, ``expected ..., got ...``; None if nothing is."""
    expected = (
        f"expected a name of 1 to {MOST_CHARACTERS} printable characters without any of "
        f"{' '.join(FORBIDDEN)}"
    )
    if not name.strip():
        return f"{expected}, got {name!r}"
    if len(name) > MOST_CHARACTERS:
        return f"{expected}, got {len(name)} characters"
    wrong = [c for c in dict.fromkeys(name) if c in FORBIDDEN or not c.isprintable()]
    if wrong:
        found = " ".join(c if c.isprintable() else ascii(c)[1:-1] for c in wrong)
        return f"{expected}, got {found} in {ascii(name) if not name.isprintable() else repr(name)}"
    return None
