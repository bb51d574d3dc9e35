"""What goes over the wire, and the bounds of what is accepted."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, BaseModel, Field, StringConstraints
from servicekit.fields import CleanText
from typing_extensions import TypedDict  # pydantic needs this one below Python 3.12.

from task_service.domain.paging import Cursor, Query, Sort
from task_service.domain.task import Priority, Status


def _in_utc(moment: datetime) -> datetime:
    """A time without a zone is taken as UTC."""
    if moment.tzinfo is None:
        return moment.replace(tzinfo=UTC)
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("the time is outside the years 1 to 9999") from None


Moment = Annotated[
    datetime,
    AfterValidator(_in_utc),
    Field(description="ISO 8601. Without an offset it is taken as UTC; answers are in UTC."),
]
Title = Annotated[
    CleanText,
    # Two steps, because one would measure the title before it is stripped.
    StringConstraints(strip_whitespace=True),
    StringConstraints(min_length=1, max_length=255),
]
Description = Annotated[CleanText, StringConstraints(max_length=10_000)]
Completed = Annotated[
    bool,
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


class StatisticsOut(BaseModel):
    """Counts over all tasks of the caller."""

    total_tasks: int
    completed_tasks: int
    pending_tasks: int
    completion_percentage: float = Field(description="0 to 100 with two decimals; 0 without tasks")
    overdue_tasks: int = Field(description="Not completed, and due before now")
    by_status: dict[Status, int]
    by_priority: dict[Priority, int]


class ListQuery(BaseModel):
    """The query string of the list."""

    status: Status | None = None
    priority: Priority | None = None
    q: Annotated[CleanText, StringConstraints(min_length=1, max_length=200)] | None = Field(
        None, description="Only tasks with this text in title or description, in any case"
    )
    due_before: Moment | None = Field(None, description="Only tasks due before this time")
    due_after: Moment | None = Field(None, description="Only tasks due at this time or later")
    overdue: bool | None = Field(None, description="Only tasks that are overdue, or that are not")
    sort: Sort = Sort.NEWEST
    limit: int = Field(50, ge=1, le=200)
    skip: int = Field(
        0, ge=0, le=1000, description="For simple clients; the next page's Link is exact"
    )
    cursor: str | None = Field(None, max_length=64, description="From the Link rel=next header")

    def to_domain(self) -> Query:
        """Raises InvalidCursorError."""
        return Query(
            limit=self.limit,
            skip=self.skip,
            after=Cursor.decode(self.cursor) if self.cursor is not None else None,
            sort=self.sort,
            status=self.status,
            priority=self.priority,
            text=self.q,
            due_before=self.due_before,
            due_after=self.due_after,
            overdue=self.overdue,
        )
