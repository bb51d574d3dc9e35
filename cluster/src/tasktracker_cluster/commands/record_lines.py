"""A record of a log as a line: for a terminal, a pipe, or a program."""

import json
from typing import TYPE_CHECKING, Any

from tasktracker_cli.terminal.text import visible
from tasktracker_cluster.records.record import Record
from tasktracker_cluster.topology import ALL_MAIN_TASKS

if TYPE_CHECKING:
    from rich.text import Text

COLOURS = {"warning": "yellow", "warn": "yellow", "error": "bold red", "critical": "bold red"}

# Fields that are numbers in JSON, too. A record has every value as text.
NUMBERS = ("status", "user_id", "duration_ms")


def raw(record: Record) -> dict[str, Any]:
    """Return the record as an object of JSON: the time, its origin, what it says, the rest."""
    origin = {name: value for name, value in vars(record.origin).items() if value}
    head = {"time": record.moment, **origin, "level": record.level, "event": record.event}
    rest = {name: value for name, value in record.fields.items() if name not in head}
    return {**head, **{name: _value(name, value) for name, value in rest.items()}}


def plain(record: Record) -> str:
    """Return the record as one line of text."""
    return visible(" ".join(filter(None, _parts(record))))


def coloured(record: Record) -> "Text":
    """Return the record as one line with colours."""
    from rich.text import Text

    time, service, level, event, rest = map(visible, _parts(record))
    return Text.assemble(
        (time, "dim"), " ", (service, "cyan"), " ", (level, COLOURS.get(record.level, "green")),
        " ", (event, "bold"), " ", (rest, "dim"),
    )  # fmt: skip


def _parts(record: Record) -> tuple[str, str, str, str, str]:
    fields = dict(record.fields)
    service, task = record.origin.service, record.origin.task
    if task and task != ALL_MAIN_TASKS.get(service):
        fields["task"] = task
    if record.origin.instance:
        fields["instance"] = record.origin.instance
    rest = " ".join(f"{name}={_quoted(value)}" for name, value in fields.items())
    return record.moment, service, record.level, record.event, rest


def _quoted(value: str) -> str:
    bare = value and not any(char.isspace() or char in "\"'=" for char in value)
    return value if bare else json.dumps(value, ensure_ascii=False)


def _value(name: str, value: str) -> Any:
    if name in NUMBERS:
        try:
            return json.loads(value)
        except ValueError:
            pass
    return value
