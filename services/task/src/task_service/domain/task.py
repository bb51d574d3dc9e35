"""A task, and the changes that a caller can ask for."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple, TypedDict

from task_service.domain.errors import ContradictionError

BIN_RETENTION = timedelta(days=30)
"""How long a deleted task stays in the bin, unless the settings say otherwise."""

Versions = frozenset[int] | None
"""The versions of a task that a write accepts; None accepts any."""


class Status(StrEnum):
    """How far the work on a task is."""

    TODO = "todo"
    IN_PROGRESS = "in_progress"
    DONE = "done"


class Priority(StrEnum):
    """How important a task is."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class Task(NamedTuple):
    """A task as stored. `version` grows by one with every change.

    `json` is the whole task as its owner sees it. The database writes it: to turn rows into objects
    and objects into text would take several times as long.
    """

    id: int
    version: int
    json: str


class Changes(TypedDict, total=False):
    """The fields to set. A field that is missing keeps its value.

    `is_completed` is another way to set `status`; see `normalise`.
    """

    title: str
    description: str | None
    status: Status
    priority: Priority
    due_date: datetime | None
    is_completed: bool


def normalise(changes: Changes) -> Changes:
    """Replace `is_completed` by `status`, as far as that is possible without the stored task.

    Only `is_completed: False` without a `status` remains, because it means todo for a task that is
    done, and no change for any other. Raises ContradictionError.
    """
    if "is_completed" not in changes:
        return changes
    normalised = changes.copy()
    completed = normalised.pop("is_completed")
    if "status" in normalised:
        if (normalised["status"] is Status.DONE) != completed:
            raise ContradictionError
    elif completed:
        normalised["status"] = Status.DONE
    else:
        normalised["is_completed"] = False
    return normalised
