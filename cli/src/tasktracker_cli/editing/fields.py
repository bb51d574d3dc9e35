"""The fields of a task that a user can set, and what the API takes for each.

Checked here is what can be checked before anything is sent. The server checks it again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any

from tasktracker_cli.errors import UsageError

TITLE_LENGTH = 255  # characters
DESCRIPTION_LENGTH = 10_000  # characters


class Status(StrEnum):
    """How far a task is."""

    TODO = "todo"
    IN_PROGRESS = "in_progress"
    DONE = "done"


class Priority(StrEnum):
    """How important a task is."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


def checked(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields as the API takes them. Raises ValueError, which names the fault.

    A due date without an offset is a local one, and a day means its end.
    """
    fields = {}
    for name, value in raw.items():
        if name not in _CHECKS:
            raise ValueError(f"there is no field {name!r}; there are {', '.join(_CHECKS)}")
        fields[name] = _CHECKS[name](value)
    if "is_completed" in fields and "status" in fields:
        if fields["is_completed"] != (fields["status"] == Status.DONE):
            raise ValueError(f"is_completed contradicts status {fields['status']!r}")
        del fields["is_completed"]
    return fields


def validated_input(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Do as `checked`, for values of the command line. Raises UsageError when one is wrong."""
    try:
        return checked(raw)
    except ValueError as error:
        message = str(error)
        raise UsageError(f"{message[0].upper()}{message[1:]}.") from None


def _title(value: Any) -> str:
    title = _text("title", value, TITLE_LENGTH).strip()
    if not title:
        raise ValueError("the title is empty")
    return title


def _description(value: Any) -> str | None:
    return None if value is None else _text("description", value, DESCRIPTION_LENGTH)


def _text(name: str, value: Any, length: int) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{name} is not text")
    if len(value) > length:
        raise ValueError(f"{name} has {len(value):,} characters, {length:,} are the most")
    if "\x00" in value or any("\ud800" <= char <= "\udfff" for char in value):
        raise ValueError(f"{name} has a character that is not text")
    return value


def _one_of(name: str, values: type[StrEnum]) -> Callable[[Any], str]:
    def check(value: Any) -> str:
        if value not in list(values):
            raise ValueError(f"{name} {value!r} is not one of {', '.join(values)}")
        return str(value)

    return check


def _due_date(value: Any) -> str | None:
    from tasktracker_cli.dates.reading import parse_iso

    if value is None:
        return None
    try:
        return str(parse_iso(value))
    except (ValueError, TypeError, AttributeError):
        raise ValueError(
            f"due_date {value!r} is not a date like 2030-12-31 or 2030-12-31T17:00"
        ) from None


def _is_completed(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"is_completed {value!r} is not true or false")
    return value


_CHECKS: dict[str, Callable[[Any], Any]] = {
    "title": _title,
    "description": _description,
    "status": _one_of("status", Status),
    "priority": _one_of("priority", Priority),
    "due_date": _due_date,
    "is_completed": _is_completed,
}
