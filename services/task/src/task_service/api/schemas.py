"""The bodies of requests and responses, with the limits of their fields."""

import re
from datetime import UTC, datetime
from typing import Annotated

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    Field,
    StrictBool,
    StringConstraints,
)
from typing_extensions import TypedDict  # pydantic needs this one below Python 3.12.

from servicekit.fields import CleanText
from task_service.domain.task import Priority, Status

_YEAR = re.compile(r"\d{4}-", re.ASCII)


def _as_iso_8601(value: object) -> object:
    """Refuse a number, which pydantic would take as seconds since 1970."""
    if isinstance(value, str) and _YEAR.match(value):
        return value
    raise ValueError("it must be a date or a time as ISO 8601 writes it: 2030-12-31T18:00:00Z")


def _in_utc(moment: datetime) -> datetime:
    """Return the time in UTC. One without a zone is taken as UTC."""
    if moment.tzinfo is None:
        return moment.replace(tzinfo=UTC)
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("the time is outside the years 1 to 9999") from None


Moment = Annotated[
    datetime,
    BeforeValidator(_as_iso_8601),
    AfterValidator(_in_utc),
    Field(description="ISO 8601. Without an offset it is taken as UTC; answers are in UTC."),
]
Title = Annotated[
    CleanText,
    # Two steps, because a single one would measure the title before it is stripped.
    StringConstraints(strip_whitespace=True),
    StringConstraints(min_length=1, max_length=255),
    # For the document: no NUL, and at least one character that is not a space.
    Field(json_schema_extra={"pattern": r"^[^\x00]*[^\s\x00][^\x00]*$"}),
]
Description = Annotated[CleanText, StringConstraints(max_length=10_000)]
Completed = Annotated[
    StrictBool,
    Field(
        description="Another way to say it: true is status done, false is not done (todo if the"
        " task was done). 422 if it contradicts status."
    ),
]


class _TaskFields(TypedDict, total=False):
    description: Description | None
    status: Status
    priority: Priority
    due_date: Moment | None
    is_completed: Completed


class TaskCreate(_TaskFields):
    """Only the title is needed: status is then todo and priority medium."""

    title: Title


class TaskChanges(_TaskFields, total=False):
    """A field that is missing keeps its value; null clears description or due_date."""

    title: Title


class TaskOut(BaseModel):
    """A task. Its version is the ETag of the answers that hold just one."""

    id: int
    title: str
    description: str | None
    status: Status
    priority: Priority
    is_completed: bool
    due_date: datetime | None
    owner_id: int
    created_at: datetime
    updated_at: datetime


class DeletedTaskOut(TaskOut):
    """A task in the bin."""

    deleted_at: datetime


class StatisticsOut(BaseModel):
    """Counts over all tasks of the caller."""

    total_tasks: int
    completed_tasks: int
    pending_tasks: int
    completion_percentage: float = Field(description="0 to 100 with two decimals; 0 without tasks")
    overdue_tasks: int = Field(description="Not completed, and due before now")
    by_status: dict[Status, int]
    by_priority: dict[Priority, int]
