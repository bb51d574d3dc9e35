"""A task as a text that people edit: a line for each field, then the description.

Lines that begin with # are comments, down to the line of dashes; the description below it is
taken as it is. A field without a line is not changed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tasktracker_cli.dates.due import is_whole_day
from tasktracker_cli.editing.fields import Priority, Status, validated_input
from tasktracker_cli.errors import UsageError
from tasktracker_cli.gateway import models
from tasktracker_cli.terminal.text import visible

RULE = "---"
FIELDS = ("title", "status", "priority", "due")


def write(raw: Mapping[str, Any], etag: str, remarks: Sequence[str] = ()) -> str:
    """Return the text for a task as the API gives it."""
    values = _values(models.task(raw))
    return "\n".join(
        [
            f"# Task {raw['id']}. {_version(etag)} Lines that begin with # are ignored.",
            *_comments(remarks),
            f"title: {values['title']}",
            f"status: {values['status']}",
            f"priority: {values['priority']}",
            f"due: {values['due']}",
            f"# Status: {', '.join(Status)}. Priority: {', '.join(Priority)}.",
            "# Due: 2030-12-31, 2030-12-31 17:00, tomorrow 5pm, fri, +3d, none.",
            f"{RULE} The description is everything below this line.",
            f"{values['description']}\n",
        ]
    )


def annotated(text: str, remarks: Sequence[str]) -> str:
    """Put comments on top of what the user wrote."""
    return "\n".join([*_comments(remarks), text])


def is_of(text: str, etag: str) -> bool:
    """Return whether the text was made from the state of the task that the tag stands for."""
    return _version(etag) in text


def changes(
    text: str, raw: Mapping[str, Any], read_due: Callable[[str], str | None]
) -> dict[str, Any]:
    """Return what the text makes of the task, under the API's names; {} if it changes nothing.

    `read_due` turns the text of a due date into a moment, or into None. Raises UsageError when a
    line cannot be understood.
    """
    before = _values(models.task(raw))
    changed: dict[str, Any] = {
        name: value for name, value in _read(text).items() if value != before[name]
    }
    if "due" in changed:
        changed["due_date"] = read_due(changed.pop("due") or "none")
    if changed.get("description") == "":
        changed["description"] = None
    return validated_input(changed)


def _version(etag: str) -> str:
    return f"Version {etag}."


def _comments(remarks: Sequence[str]) -> list[str]:
    return [f"# {visible(remark)}" for remark in remarks]


def _values(task: models.Task) -> dict[str, str]:
    """Return the fields as the text shows them: what does not fit into a line is escaped."""
    due = ""
    if task.due:
        due = f"{task.due:%Y-%m-%d}" if is_whole_day(task.due) else f"{task.due:%Y-%m-%d %H:%M}"
    return {
        "title": visible(task.title).strip(),
        "status": task.status,
        "priority": task.priority,
        "due": due,
        "description": _lines(task.description or ""),
    }


def _read(text: str) -> dict[str, str]:
    values: dict[str, str] = {}
    lines = _lines(text).split("\n")
    for number, line in enumerate(lines, start=1):
        if line.startswith(RULE):
            return values | {"description": "\n".join(lines[number:]).rstrip()}
        if line.startswith("#") or not line.strip():
            continue
        name, colon, value = line.partition(":")
        name = name.strip().lower()
        if not colon or name not in FIELDS:
            raise UsageError(f"Line {number}, {line!r}, is not one of {', '.join(FIELDS)}.")
        if name in values:
            raise UsageError(f"Line {number}: {name} is there twice.")
        values[name] = value.strip()
    return values


def _lines(text: str) -> str:
    """Return the text with one kind of line end, and without white space at its end."""
    return text.replace("\r\n", "\n").rstrip()
