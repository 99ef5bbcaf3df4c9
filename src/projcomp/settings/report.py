"""Settings of what the report shows: the tables that set cases side by side, and the figures."""

from pydantic import Field

from projcomp.config.section import Section


class TableSettings(Section):
    """One table that sets cases side by side; its kind is a module of ``evaluation/tables``.

    ``members`` names operator and sampler of every experiment of a sweep; ``colors`` are those that
    a mixture should show in equal shares. ``format`` is the number of the kind's row.
    """

    format: int
    name: str
    kind: str
    seed: int
    confidence: float
    bootstrap: int
    cases: dict[str, list[str]]
    members: dict[str, tuple[str, str]] = Field(default={})
    colors: list[str] = Field(default=[])


class FigureSettings(Section):
    """One figure; its kind is a module of ``reporting/figures``.

    It shows cases, by experiment, or models. ``format`` is the number of the kind's row.
    """

    format: int
    name: str
    kind: str
    cases: dict[str, list[str]] = Field(default={})
    models: list[str] = Field(default=[])
