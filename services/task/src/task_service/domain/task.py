"""The task itself, and the changes that can be asked of one."""

from datetime import datetime
from enum import StrEnum
from typing import NamedTuple, TypedDict

from task_service.domain.errors import ContradictionError


class Status(StrEnum):
    TODO = "todo"
    IN_PROGRESS = "in_progress"
    DONE = "done"


class Priority(StrEnum):
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class Task(NamedTuple):
    """A task as stored; `version` grows by one with every change.

    `json` is the whole task as its owner sees it. The database writes it: a read that turned
    rows into objects and objects into text would take several times as long.
    """

    id: int
    version: int
    json: str


class Changes(TypedDict, total=False):
    """The fields to set; one that is missing keeps its value.

    `is_completed` is another way to say something about `status`; see `settle`.
    """

    title: str
    description: str | None
    status: Status
    priority: Priority
    due_date: datetime | None
    is_completed: bool


def settle(changes: Changes) -> Changes:
    """Say everything about completion through `status`, as far as that can be said.

    What remains is `is_completed: False` alone, whose meaning (todo if it was done, else
    untouched) depends on the stored task. Raises ContradictionError.
    """
    if "is_completed" not in changes:
        return changes
    settled = changes.copy()
    completed = settled.pop("is_completed")
    if "status" in settled:
        if (settled["status"] is Status.DONE) != completed:
            raise ContradictionError
    elif completed:
        settled["status"] = Status.DONE
    else:
        settled["is_completed"] = False
    return settled
