"""The stage: from datasets to a page that can be played with."""

from collections.abc import Sequence
from pathlib import Path

from projcomp.playground.collection import collect
from projcomp.playground.page import make_page, write_page
from projcomp.settings.report import PlaygroundSettings


def run(
    settings: PlaygroundSettings,
    datasets: Sequence[Path],
    out: Path,
    *,
    by: str,
    background: str | None,
) -> str:
    """Write the page and say what is in it.

    Raises:
        UserError: the datasets or the background are not what they should be, or the page would be
            too large.
    """
    found = collect(datasets, by, background, most=settings.most, seed=settings.seed)
    known = settings.run.model_dump() if settings.run else None
    title = ", ".join(path.stem for path in datasets)
    write_page(out, make_page(found, title, by, known))
    size = out.stat().st_size / 2**20
    return (
        f"{out}: {len(found.images)} pictures and {len(found.backgrounds)} of the background, "
        f"{size:.1f} MiB; open it in a browser"
    )
