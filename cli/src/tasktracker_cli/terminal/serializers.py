"""Data for programs: JSON, NDJSON, CSV, YAML, what jq makes of them, or bare ids.

The values are those of the API, unchanged. Text comes in pieces, so that a long list is
printed while it still arrives.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from tasktracker_cli.errors import CliError, UsageError
from tasktracker_cli.gateway.models import Raw
from tasktracker_cli.terminal.choices import Choices, Format
from tasktracker_cli.terminal.text import cell, unsafe, visible, visible_json, visible_lines


def one(choices: Choices, raw: Raw, *, terminal: bool) -> Iterator[str]:
    """Yield an object's text."""
    chosen = pick(raw, choices.fields)
    if choices.jq:
        yield from selected(choices.jq, chosen, terminal=terminal)
    elif choices.format is Format.JSON:
        yield _json(chosen) + "\n"
    elif choices.format is Format.YAML:
        yield _yaml(chosen)
    else:
        yield from many(choices, [raw], terminal=terminal)


def many(choices: Choices, raws: Iterable[Raw], *, terminal: bool) -> Iterator[str]:
    """Yield the text of a list of objects, piece by piece."""
    chosen = (pick(raw, choices.fields) for raw in raws)
    if choices.quiet:
        return (f"{visible(str(raw.get(choices.key)))}\n" for raw in chosen)
    if choices.jq:
        return selected(choices.jq, list(chosen), terminal=terminal)
    match choices.format:
        case Format.NDJSON:
            return (_json(raw, indent=None) + "\n" for raw in chosen)
        case Format.CSV:
            return _csv(chosen, choices.fields, terminal=terminal)
        case Format.YAML:
            return _yaml_items(chosen)
        case _:
            return _json_array(chosen)


def pick(raw: Raw, fields: Sequence[str]) -> Raw:
    """Return the object with these fields only, in this order; with all for no field."""
    return {name: raw.get(name) for name in fields} if fields else raw


def _json(value: Any, indent: int | None = 2) -> str:
    return visible_json(json.dumps(value, indent=indent, ensure_ascii=False))


def _json_array(raws: Iterable[Raw]) -> Iterator[str]:
    """Write what json.dumps(indent=2) would of the whole list, an object at a time."""
    before = "["
    for raw in raws:
        yield before + "\n  " + _json(raw).replace("\n", "\n  ")
        before = ","
    yield "[]\n" if before == "[" else "\n]\n"


def _csv(raws: Iterable[Raw], fields: Sequence[str], *, terminal: bool) -> Iterator[str]:
    names = fields
    if names:
        yield _csv_line(names, terminal=terminal)
    for raw in raws:
        if not names:
            names = list(raw)
            yield _csv_line(names, terminal=terminal)
        yield _csv_line([cell(raw.get(name)) for name in names], terminal=terminal)


def _csv_line(cells: Sequence[Any], *, terminal: bool) -> str:
    import csv
    import io

    buffer = io.StringIO()
    csv.writer(buffer).writerow(cells)
    # A file gets the text unchanged: only a terminal acts on control characters.
    return _on_terminal(buffer.getvalue()) if terminal else buffer.getvalue()


def _yaml(value: Any) -> str:
    import yaml

    text: str = yaml.safe_dump(value, sort_keys=False, allow_unicode=True)
    if any(unsafe(char) for char in text if char != "\n"):
        text = yaml.safe_dump(value, sort_keys=False)
    return text


def _yaml_items(raws: Iterable[Raw]) -> Iterator[str]:
    empty = True
    for raw in raws:
        empty = False
        yield _yaml([raw])
    if empty:
        yield "[]\n"


def selected(expression: str, value: Any, *, terminal: bool) -> Iterator[str]:
    """Yield what jq selects: text as it is, anything else as JSON, one result a line."""
    try:
        import jq
    except ModuleNotFoundError:
        raise CliError(
            "--jq needs the package jq, which is not installed.",
            "Install it with: pip install 'tasktracker-cli[jq]'",
        ) from None
    try:
        results = jq.compile(expression).input_value(value).all()
    except ValueError as error:
        why = str(error).splitlines()[0].removeprefix("jq: ").removeprefix("error: ").rstrip(":")
        raise UsageError(f"--jq: {why}.", "See: man jq") from None
    for result in results:
        text = f"{result if isinstance(result, str) else _json(result, None)}\n"
        yield _on_terminal(text) if terminal else text


def _on_terminal(text: str) -> str:
    return "\n".join(visible_lines(text))
