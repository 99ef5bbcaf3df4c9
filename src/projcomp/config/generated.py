"""Everything written about the config that is not the tree itself, generated from it.

``config.yaml`` with a comment on every setting, the JSON schema, and ``docs/configuration.md``.
"""

import hashlib
import json
import textwrap
import typing
from pathlib import Path
from typing import Any

import annotated_types
import yaml
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from projcomp.config.root import Config
from projcomp.config.section import Section
from projcomp.errors import ConfigError
from projcomp.files.atomic import write_text

WIDTH = 100

CONFIG_FILE = "config.yaml"

_CONFIG_HEAD = """\
# yaml-language-server: $schema=workflow/schemas/config.schema.json
#
# The demo scale: what `snakemake --cores all` runs. Presets are deltas over this file:
# `snakemake --cores all --configfile presets/smoke.yaml`. Under datasets, models and experiments a
# preset adds an entry by naming it and removes one by setting it to null.
# Generated from src/projcomp/config/ by `projcomp config write`; edit the values as you like.
"""

_MARKS = ("Generated from `src/projcomp/config", '"title": "Config"')
"""What stands in every version of the page, and of the schema."""

_SUM = "# Sum of the text as it was generated (by it `config write` sees edits): "

_DOCS_HEAD = """\
# Configuration

Generated from `src/projcomp/config/` by `projcomp config write`; do not edit.

`config.yaml` holds the demo scale. A preset or a file of your own is merged deeply over it with
`--configfile`, the last one wins, and lists are replaced whole; a single value is set with
`--config seed=3`. Under `datasets`, `models` and `experiments` the names are yours: a preset adds
an entry by naming it and removes one by setting it to `null`. `projcomp check --preset FILE` says
in one line what is wrong, or how large the run will be.

Files are YAML or JSON in UTF-8. A key that stands twice is an error; so is what YAML reads as
something else than it looks like (`1:30`, `010`, a date, `no` as a name): put it in quotes, or
write it out. What `--config` is given, Snakemake reads itself: of two equal keys the last wins.
"""


def generated_files() -> dict[str, str]:
    """Text of every generated file by its path in the repository."""
    return {
        CONFIG_FILE: _with_sum(config_yaml()),
        "workflow/schemas/config.schema.json": json.dumps(Config.model_json_schema(), indent=2)
        + "\n",
        "docs/configuration.md": configuration_page(),
    }


def write_generated(folder: Path, *, replace: bool = False) -> list[Path]:
    """Write the generated files under ``folder``; returns those whose text was another.

    Args:
        folder: root folder of the repository.
        replace: whether to write over a config.yaml that somebody has edited.

    Raises:
        ConfigError: config.yaml was edited; nothing is written then.
    """
    texts = {folder / name: text for name, text in generated_files().items()}
    found = {path: _read(path) for path in texts}
    edited = folder / CONFIG_FILE
    if found[edited] not in (None, texts[edited]) and not replace:
        _refuse_edited(edited, str(found[edited]))
    for path, text in found.items():
        if text and path != edited and not replace and not any(mark in text for mark in _MARKS):
            raise ConfigError(
                f"{path}: a file that `projcomp config write` made expected, got another one; name "
                "the repository with --folder, move the file away, or give it up with --replace"
            )
    changed = [path for path, text in texts.items() if found[path] != text]
    for path in changed:
        write_text(path, texts[path])
    return changed


def _read(path: Path) -> str | None:
    """The text of a file; None where there is none, other bytes as signs that stand for them."""
    if not path.is_file():
        return None
    return path.read_text(encoding="utf-8", errors="replace")


def _refuse_edited(path: Path, text: str) -> None:
    """Raise where the text is not one that ``config write`` wrote, now or in another version."""
    sums = [line for line in text.splitlines() if line.startswith(_SUM)]
    plain = "".join(line for line in text.splitlines(keepends=True) if not line.startswith(_SUM))
    if not sums or sums[-1].removeprefix(_SUM).strip() != _sum(plain):
        raise ConfigError(
            f"{path}: the file as `projcomp config write` made it expected, got one with values or "
            "comments of yours; put those into a file for --configfile and run `git checkout "
            f"{path.name}` first, or give them up with --replace"
        )


def _with_sum(text: str) -> str:
    head = len(_CONFIG_HEAD)
    return f"{text[:head]}{_SUM}{_sum(text)}\n{text[head:]}"


def _sum(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def config_yaml() -> str:
    """``config.yaml``: the defaults with a comment on every setting."""
    blocks = [_CONFIG_HEAD]
    for name, field in Config.model_fields.items():
        default = field.get_default(call_default_factory=True)
        section, entry = _section(field), _entry(field)
        if section is not None:
            heading = _comment(_about(section), 0)
            blocks.append(f"{heading}{name}:\n{_settings(section, default, 2)}")
        elif entry is not None:
            as_before = _as_before(name, entry)
            heading = _comment(f"{field.description}; every entry has{as_before}:", 0)
            entries = f"{name}:\n{_entries(default)}" if default else f"{name}: {{}}\n"
            others = "".join(
                _comment(f"or, {_about(other)[0].lower()}{_about(other)[1:]} Such an entry has:", 0)
                + _legend(other.model_fields)
                for other in _other_entries(field)
            )
            blocks.append(f"{heading}{_legend(_own(name, entry))}{others}{entries}")
        else:
            blocks.append(f"{_comment(_described(field), 0)}{name}: {_value(default)}\n")
    return "\n".join(blocks)


def configuration_page() -> str:
    """``docs/configuration.md``: a table of settings per section."""
    plain = {n: f for n, f in Config.model_fields.items() if not (_section(f) or _entry(f))}
    described: set[type[BaseModel]] = set()
    parts = [_DOCS_HEAD, "## Top level\n\n" + _table(plain)]
    for name, field in Config.model_fields.items():
        section, entry = _section(field), _entry(field)
        if section is not None:
            tables = _all_tables(section.model_fields, described)
            others = _others(field, section)
            parts.append(f"## `{name}`\n\n{_about(section)}{others}\n\n{tables}")
        elif entry is not None:
            default = _entries(field.get_default(call_default_factory=True))
            as_before = _as_before(name, entry)
            has = f"It has{as_before}:\n\n" if as_before else ""
            tables = _all_tables(_own(name, entry), described)
            for other in _other_entries(field):
                tables += f"\n{_about(other)}\n\n{_all_tables(other.model_fields, described)}"
            parts.append(
                f"## `{name}.<name>`\n\n{_about(entry)}\n\n{has}{tables}\n"
                f"Default:\n\n```yaml\n{name}:\n{default}```\n"
            )
    return "\n".join(parts)


# Reading the pydantic tree ---------------------------------------------------------------------


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [m for argument in typing.get_args(annotation) for m in _models_in(argument)]


def _section(field: FieldInfo) -> type[BaseModel] | None:
    """The section that the field is, or may be; none where it is one of several by name."""
    is_collection = typing.get_origin(field.annotation) is dict
    found = [] if is_collection else _models_in(field.annotation)
    return found[0] if len(found) == 1 else None


def _inner(fields: dict[str, FieldInfo]) -> dict[type[BaseModel], str]:
    """The sections inside some fields, to describe with the first that has them, by its name.

    Sections that stand at the top level are described there.
    """
    elsewhere = [_section(top) for top in Config.model_fields.values()]
    found: dict[type[BaseModel], str] = {}
    for name, field in fields.items():
        for model in _models_in(field.annotation):
            if model not in elsewhere:
                found.setdefault(model, name)
    return found


def _described_before(name: str, entry: type[BaseModel]) -> tuple[str, dict[str, FieldInfo]]:
    """An earlier collection whose entries share fields with this one's, and those fields."""
    base = entry.__mro__[1]
    for earlier, field in Config.model_fields.items():
        if earlier == name:
            break
        other = _entry(field)
        if other is not None and base is not Section and issubclass(other, base):
            return earlier, base.model_fields
    return "", {}


def _own(name: str, entry: type[BaseModel]) -> dict[str, FieldInfo]:
    """The fields of an entry that were not described with an earlier collection."""
    before = _described_before(name, entry)[1]
    return {key: field for key, field in entry.model_fields.items() if key not in before}


def _as_before(name: str, entry: type[BaseModel]) -> str:
    earlier, fields = _described_before(name, entry)
    return f" {', '.join(fields)} as one of {earlier}, and" if earlier else ""


def _is_named(value: BaseModel | type[BaseModel]) -> bool:
    model = value if isinstance(value, type) else type(value)
    field = model.model_fields.get("name")
    return field is not None and typing.get_origin(field.annotation) is typing.Literal


def _entry(field: FieldInfo) -> type[BaseModel] | None:
    """The section that every entry of a named collection is."""
    is_collection = typing.get_origin(field.annotation) is dict
    return next(iter(_models_in(field.annotation)), None) if is_collection else None


def _other_entries(field: FieldInfo) -> list[type[BaseModel]]:
    """What else an entry of a named collection may be."""
    return _models_in(field.annotation)[1:]


def _about(model: type[BaseModel]) -> str:
    text = " ".join((model.__doc__ or "").split())
    return text.replace("``", "`")


def _bounds(field: FieldInfo) -> str:
    """Bounds and choices of a field in words, empty where any value of the type will do."""
    found = [*field.metadata]
    for argument in typing.get_args(field.annotation):
        found += getattr(argument, "__metadata__", ())
    words = []
    for item in found:
        if isinstance(item, FieldInfo):
            words += [_bound(inner) for inner in item.metadata]
        else:
            words.append(_bound(item))
    words.append(_choices(field.annotation))
    return ", ".join(dict.fromkeys(word for word in words if word))


def _bound(item: Any) -> str:
    signs = {
        annotated_types.Gt: ("greater than", "gt"),
        annotated_types.Ge: ("at least", "ge"),
        annotated_types.Lt: ("less than", "lt"),
        annotated_types.Le: ("at most", "le"),
    }
    for kind, (word, attribute) in signs.items():
        if isinstance(item, kind):
            bound = getattr(item, attribute)
            return f"{word} {bound:,}" if isinstance(bound, int) else f"{word} {bound:g}"
    if isinstance(item, annotated_types.MaxLen):
        return f"at most {item.max_length} entries"
    return "not empty" if isinstance(item, annotated_types.MinLen) else ""


def _choices(annotation: Any) -> str:
    """The words that a Literal allows, wherever it stands in the annotation."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return str(annotation.model_fields["name"].default) if _is_named(annotation) else ""
    if typing.get_origin(annotation) is typing.Literal:
        return " | ".join(str(choice) for choice in typing.get_args(annotation))
    arguments = typing.get_args(annotation)
    found = dict.fromkeys(choice for choice in map(_choices, arguments) if choice)
    return (" | " if len(_models_in(annotation)) > 1 else ", ").join(found)


def _described(field: FieldInfo) -> str:
    bounds = _bounds(field)
    return f"{field.description} [{bounds}]" if bounds else str(field.description)


def _plain(value: Any) -> Any:
    """A value as YAML takes it; a named section with its defaults is its name."""
    if not isinstance(value, BaseModel):
        return value
    dumped = value.model_dump(mode="json")
    return dumped["name"] if _is_named(value) and value == type(value)() else dumped


# YAML ------------------------------------------------------------------------------------------


def _value(value: Any) -> str:
    dumped = yaml.safe_dump(_plain(value), default_flow_style=True, width=10_000, sort_keys=False)
    return dumped.removesuffix("...\n").strip()


def _comment(text: str, indent: int) -> str:
    margin = " " * indent + "# "
    lines = textwrap.wrap(text, WIDTH - len(margin), break_on_hyphens=False)
    return "".join(f"{margin}{line}\n" for line in lines)


def _settings(section: type[BaseModel], value: BaseModel, indent: int) -> str:
    lines = []
    for name, field in section.model_fields.items():
        setting = _value(getattr(value, name))
        lines.append(f"{_comment(_described(field), indent)}{' ' * indent}{name}: {setting}\n")
    return "".join(lines)


def _legend(fields: dict[str, FieldInfo], indent: int = 2) -> str:
    """Comment lines that describe the settings of an entry, once for all entries."""
    text, inner = "", _inner(fields)
    for name, field in fields.items():
        first = f"#{' ' * indent}{field.alias or name}: "
        lines = textwrap.wrap(
            first + _described(field),
            WIDTH,
            subsequent_indent=f"#{' ' * (indent + 2)}",
            break_on_hyphens=False,
        )
        text += "".join(f"{line}\n" for line in lines)
        section = _section(field)
        if section is not None and inner.get(section) == name:
            text += _legend(section.model_fields, indent + 2)
    return text


def _entries(entries: dict[str, Any], indent: int = 2) -> str:
    """Entries as lines; what is too long for one line becomes entries itself."""
    text, margin = "", " " * indent
    for name, entry in entries.items():
        line = f"{margin}{name}: {_value(entry)}\n"
        is_long = isinstance(entry, dict) and (indent == 2 or len(line) > WIDTH)
        text += f"{margin}{name}:\n{_entries(entry, indent + 2)}" if is_long else line
    return text


# Markdown --------------------------------------------------------------------------------------


def _all_tables(fields: dict[str, FieldInfo], described: set[type[BaseModel]]) -> str:
    """The table of some fields, followed by those of the sections inside, not ``described`` yet."""
    text = _table(fields)
    for inner, name in _inner(fields).items():
        if inner in described:
            continue
        described.add(inner)
        key = f"{name}: {inner.model_fields['name'].default}" if _is_named(inner) else name
        only_name = list(inner.model_fields) == ["name"]
        settings = "" if only_name else f"\n\n{_all_tables(inner.model_fields, described).rstrip()}"
        text += f"\n`{key}`: {_about(inner)}{settings}\n"
    return text


def _others(field: FieldInfo, section: type[BaseModel]) -> str:
    """What the demo has in a section that is other than the defaults of its table."""
    demo = field.get_default(call_default_factory=True)
    changed = {
        key: getattr(demo, key)
        for key, own in section.model_fields.items()
        if demo is not None and getattr(demo, key) != own.get_default(call_default_factory=True)
    }
    if not changed:
        return ""
    values = ", ".join(f"`{key}: {_value(value)}`" for key, value in changed.items())
    return f" `config.yaml` has {values}; the defaults below are those of a config without it."


def _table(fields: dict[str, FieldInfo]) -> str:
    rows = ["| key | default | allowed | meaning |", "|---|---|---|---|"]
    for name, field in fields.items():
        if name == "name":
            continue
        default = "required"
        if not field.is_required():
            default = f"`{_value(field.get_default(call_default_factory=True))}`"
        allowed = _bounds(field).replace("|", "\\|")
        rows.append(f"| `{field.alias or name}` | {default} | {allowed} | {field.description} |")
    return "\n".join(rows) + "\n"
