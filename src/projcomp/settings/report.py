"""Settings of what the report shows: the tables that set cases side by side, and the figures."""

from typing import Literal

from pydantic import Field

from projcomp.config.section import Section
from projcomp.settings.case import Wanted
from projcomp.settings.stages import FORMATS


def is_empty(value: object) -> bool:
    """Whether a setting is not used."""
    return not value


class Clutter(Section):
    """Pictures of several objects: the datasets' shares of them, and ``p(n)``, n from 0 on."""

    datasets: dict[str, float]
    counts: list[float]


NONE = "none"
"""The background of a method that has none."""

DOUBTED = 0.5
"""A rate is marked where the detector is unsure of a greater share of its images."""


class Method(Section):
    """How an experiment composes.

    ``background`` is a model and its condition, or NONE. ``kind`` is exact or network, ``model``
    says which; ``places`` is the set of places that it counts in, and ``stream`` names its noise,
    which the members of a sweep share, and twins.
    """

    operator: str
    background: str
    sampler: str
    kind: str
    model: str
    places: str
    stream: str


class TableSettings(Section):
    """One table that sets cases side by side; its kind is a module of ``evaluation/tables``.

    ``members`` names operator and sampler of every experiment of a sweep; ``colors`` are those that
    a mixture should show in equal shares. ``clutter`` is what experiments compose over, by name,
    ``places`` what a case requests there, and ``radius`` how near is there. ``requested`` are the
    colours of a case; ``datasets`` are those that their model learned objects from, with their
    shares. ``deltas`` are what experiments add to their background: the model whose conditions, and
    the background by model and condition. ``asked`` are the objects that a case requests by any of
    their attributes. ``methods`` say how each experiment composes. ``threshold`` is the detector's,
    ``drawn`` are the values of every attribute that scenes draw uniformly, and ``distances`` say
    in which table an experiment's distance to the truth stands, if any. ``label`` is what a
    classifier tells of pictures that were not rendered, and ``published`` the network in whose
    features they are compared too. ``judge`` says who scored pictures of prompts. ``format`` is the
    number of the kind's row.
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
    # left out where there are none, so that other tables' settings stay what they were
    clutter: dict[str, Clutter] = Field(default={}, exclude_if=is_empty)
    places: dict[str, list[tuple[float, float]]] = Field(default={}, exclude_if=is_empty)
    radius: float = Field(default=0.0, exclude_if=is_empty)
    requested: dict[str, list[str]] = Field(default={}, exclude_if=is_empty)
    datasets: dict[str, float] = Field(default={}, exclude_if=is_empty)
    deltas: dict[str, tuple[str, str]] = Field(default={}, exclude_if=is_empty)
    asked: dict[str, list[Wanted]] = Field(default={}, exclude_if=is_empty)
    threshold: float = Field(default=0.0, exclude_if=is_empty)
    drawn: dict[str, list[str]] = Field(default={}, exclude_if=is_empty)
    distances: dict[str, str] = Field(default={}, exclude_if=is_empty)
    methods: dict[str, Method] = Field(default={}, exclude_if=is_empty)
    label: str = Field(default="", exclude_if=is_empty)
    published: str = Field(default="", exclude_if=is_empty)
    judge: str = Field(default="", exclude_if=is_empty)


class FigureSettings(Section):
    """One figure; its kind is a module of ``reporting/figures``.

    It shows cases, by experiment, or models. ``clutter`` are those experiments among them whose
    right counts the table ``clutter`` has; ``datasets`` show the background alone; ``titles`` say
    in words what cases are. ``format`` is the number of the kind's row.
    """

    format: int
    name: str
    kind: str
    cases: dict[str, list[str]] = Field(default={})
    models: list[str] = Field(default=[])
    clutter: list[str] = Field(default=[], exclude_if=is_empty)
    datasets: list[str] = Field(default=[], exclude_if=is_empty)
    titles: dict[str, str] = Field(default={}, exclude_if=is_empty)


class KnownModel(Section):
    """A trained model, by what it is told and the name of its feature map (``rgb`` for none)."""

    name: str
    condition: Literal["position", "color"]
    features: str


class KnownRun(Section):
    """What an experiment of the playground is called by in a config.

    ``datasets`` are those of the page's pictures, ``empty`` that of its backgrounds, and
    ``trained`` the models that an experiment may compose.
    """

    datasets: list[str]
    empty: str | None = None
    trained: list[KnownModel] = Field(default=[])


class PlaygroundSettings(Section):
    """The page to play with: at most ``most`` pictures of every dataset.

    ``run`` is what experiments are written with; None where there is no run.
    """

    format: int = FORMATS["playground"]
    seed: int = 0
    most: int = Field(default=2400, ge=2)
    run: KnownRun | None = None
