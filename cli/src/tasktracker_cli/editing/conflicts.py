"""Conflicts: two people change one task at the same time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tasktracker_cli.errors import ConflictError
from tasktracker_cli.gateway.tasks import Tasks, Version

# The fields that a user can change.
CHANGEABLE = ("title", "description", "status", "priority", "due_date")
ATTEMPTS = 5  # while others change the task again and again


def update(
    tasks: Tasks,
    before: Version,
    changes: Mapping[str, Any],
    tell: Callable[[str], None],
) -> Version:
    """Change a task that was seen as it was `before`.

    If somebody changed it since then, in other fields, both changes are kept and `tell` says so.
    If they changed one of our fields, ConflictError says what; nothing of ours is saved.
    """
    seen = before
    for _ in range(ATTEMPTS):
        try:
            after = tasks.update(int(before.raw["id"]), changes, seen.etag)
        except ConflictError as error:
            if error.status != 412:
                raise
            now = tasks.get(int(before.raw["id"]))
            if touched(before.raw, now.raw) & changes.keys():
                raise lost_race(before, now, changes) from None
            seen = now
        else:
            if theirs := differences(before.raw, seen.raw):
                tell(merged(before, theirs))
            return after
    raise lost_race(before, seen, changes)


def merged(before: Version, theirs: Sequence[str]) -> str:
    """Say that somebody else's changes of other fields were kept."""
    return (
        f"Task {before.raw['id']} was changed by someone else meanwhile, in other fields:"
        f" {', '.join(theirs)}. Both changes are kept."
    )


def touched(before: Mapping[str, Any], now: Mapping[str, Any]) -> set[str]:
    """Return the fields that differ."""
    return {name for name in CHANGEABLE if before.get(name) != now.get(name)}


def lost_race(before: Version, now: Version, yours: Mapping[str, Any]) -> ConflictError:
    """Return the error that names both sides' changes."""
    task_id = before.raw.get("id")
    theirs = ", ".join(differences(before.raw, now.raw)) or "nothing that shows"
    return ConflictError(
        f"Task {task_id} was changed by someone else meanwhile. Theirs: {theirs}."
        f" Yours, which was not saved: {', '.join(_said(yours))}.",
        f"Look at it with: tasktracker-cli task show {task_id}"
        " - then run yours again to put it on top.",
        status=412,
    )


def differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Say for each field that differs what it was and what it is."""
    return [
        f"{name} {_short(before.get(name))} -> {_short(now.get(name))}"
        for name in CHANGEABLE
        if name in touched(before, now)
    ]


def _said(changes: Mapping[str, Any]) -> list[str]:
    return [f"{name} {_short(value)}" for name, value in changes.items()]


def _short(value: Any) -> str:
    text = "none" if value is None else str(value)
    return text if len(text) <= 40 else f"{text[:39]}…"
