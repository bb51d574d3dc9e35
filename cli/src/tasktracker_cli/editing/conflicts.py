"""When two people change one task at the same time: who changed what, and what to do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tasktracker_cli.errors import ConflictError
from tasktracker_cli.gateway.tasks import Tasks, Version

# What people change; the others follow from these.
CHANGEABLE = ("title", "description", "status", "priority", "due_date")


def update_unchanged(tasks: Tasks, task_id: int, changes: Mapping[str, Any]) -> Mapping[str, Any]:
    """Change a task, unless somebody does so between our look at it and our change.

    ConflictError then says what they changed; nothing of ours is saved.
    """
    before = tasks.get(task_id)
    try:
        return tasks.update(task_id, changes, before.etag).raw
    except ConflictError as error:
        if error.status != 412:
            raise
        raise lost_race(before, tasks.get(task_id), changes) from None


def lost_race(before: Version, now: Version, yours: Mapping[str, Any]) -> ConflictError:
    """The error that tells both sides' changes."""
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
        if before.get(name) != now.get(name)
    ]


def _said(changes: Mapping[str, Any]) -> list[str]:
    return [f"{name} {_short(value)}" for name, value in changes.items()]


def _short(value: Any) -> str:
    text = "none" if value is None else str(value)
    return text if len(text) <= 40 else f"{text[:39]}…"
