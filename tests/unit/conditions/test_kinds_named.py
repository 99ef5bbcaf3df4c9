"""No figure, table or rule names a kind of condition, but those that are about one."""

import ast
from pathlib import Path

from projcomp.conditions.kinds import KINDS

REPOSITORY = Path(__file__).parents[3]
SOURCE = REPOSITORY / "src" / "projcomp"
ROOMS = ("reporting/figures", "evaluation/tables")
ROWS = ("plan/tables.py", "plan/table_scope.py", "plan/table_inputs.py")
ROWS += ("plan/figures.py", "plan/figure_scope.py", "plan/figure_inputs.py")

CODE = {
    "locations",
    "colors",
    "location_pairs",
    "color_pairs",
    "single_colors",
    "avoided_locations",
    "avoided_colors",
    *(f"{kind.upper()}S" for kind in KINDS),
}
"""Requests in their short forms, each of one kind, and the vocabulary's lists of values."""

TEXTS = (CODE | set(KINDS)) - {"color", "size", "count"}  # which drawings and tables say as well

ABOUT_ONE = {
    "evaluation/tables/mixture.py": "shares of colours, for SuperDiff's Table 1 on halves of them",
    "evaluation/tables/pairs.py": "pairs of colours, after Fig. 5 of Bradley et al.",
    "evaluation/tables/projection.py": "windows around places, and fields of colours",
    "plan/figures.py": "single colours, after Fig. 5",
    "plan/figure_scope.py": "grids of places; single colours, after Fig. 5",
    "plan/table_scope.py": "pairs of colours and of places; whatever composes numbers of places",
    "reporting/figures/gallery.py": "marks the places that were requested",
    "reporting/figures/grid.py": "samples by the number of places, after Fig. 3",
    "reporting/figures/mixture.py": "shares of colours, as its table",
    "reporting/figures/overlap.py": "marks the places that were requested",
    "reporting/figures/pairs.py": "pairs of colours, as its table",
}
"""What is about places or about colours by what it shows, and why. A new kind needs none of them;
what else names one belongs into `conditions/`."""


def named(path: Path) -> set[str]:
    """What a module's code and texts name, but its docstrings."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Attribute):
            found |= {node.attr} & CODE
        elif isinstance(node, ast.Name) and node.id.isupper():  # others are a module's own
            found |= {node.id} & CODE
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            found |= {node.value} & TEXTS
    return found


def test_what_names_a_kind_is_about_it() -> None:
    files = [path for room in ROOMS for path in sorted((SOURCE / room).glob("*.py"))]
    files += [SOURCE / row for row in ROWS]
    assert len(files) > 30
    naming = {path.relative_to(SOURCE).as_posix(): named(path) for path in files}
    assert {name for name, found in naming.items() if found} == set(ABOUT_ONE), naming


def test_rules_name_places_where_a_page_of_them_is_made_and_nowhere_else() -> None:
    rules = sorted((REPOSITORY / "workflow" / "rules").glob("*.smk"))
    lines = [line for path in rules for line in path.read_text(encoding="utf-8").splitlines()]
    naming = [line for line in lines if any(f" {kind} " in line for kind in KINDS)]
    assert len(naming) == 1
    assert "projcomp playground" in naming[0]
