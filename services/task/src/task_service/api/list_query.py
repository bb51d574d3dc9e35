"""The query string of a list, and the cursor of its next page.

A cursor is a position and not an offset, so tasks that come or go before it do not move the page.
It has the id of the last task, the value that this task is sorted by, and a digest of the sort and
filters.
"""

import base64
import hashlib
from functools import cached_property
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter
from pydantic_core import from_json, to_json

from servicekit.fields import CleanText, Id32
from task_service.api.schemas import Moment
from task_service.domain.errors import InvalidCursorError
from task_service.domain.pagination import Position, Sort, TaskQuery
from task_service.domain.task import Priority, Status

# The content of a cursor, by the field that the list is sorted by.
_CURSORS: dict[str, TypeAdapter[Any]] = {
    "created_at": TypeAdapter(tuple[str, Moment, Id32]),
    "due_date": TypeAdapter(tuple[str, Moment | None, Id32]),
    "priority": TypeAdapter(tuple[str, Priority, Id32]),
    "title": TypeAdapter(tuple[str, CleanText, Id32]),
}
_PAGE = {"limit", "skip", "cursor"}


class ListQuery(BaseModel):
    """The query string of the list."""

    model_config = ConfigDict(frozen=True)

    status: Status | None = None
    priority: Priority | None = None
    q: Annotated[CleanText, StringConstraints(min_length=1, max_length=200)] | None = Field(
        default=None, description="Only tasks with this text in title or description, in any case"
    )
    due_before: Moment | None = Field(default=None, description="Only tasks due before this time")
    due_after: Moment | None = Field(
        default=None, description="Only tasks due at this time or later"
    )
    overdue: bool | None = Field(
        default=None, description="Only tasks that are overdue, or that are not"
    )
    deleted: bool = Field(
        default=False,
        description="Only tasks that were deleted and can be restored",
    )
    sort: Sort = Field(
        default=Sort.NEWEST,
        description="A minus reverses. No due date is later than any; titles go by character, in"
        " any case; tasks that are equal go by id",
    )
    limit: int = Field(default=50, ge=1, le=200)
    skip: int = Field(
        default=0, ge=0, le=1000, description="For simple clients; the next page's Link is exact"
    )
    cursor: str | None = Field(
        default=None,
        max_length=2500,
        description="From the Link rel=next header of a list with this sort and these filters",
    )

    @cached_property
    def task_query(self) -> TaskQuery:
        """The query for the domain. Raises InvalidCursorError."""
        return TaskQuery(
            limit=self.limit,
            skip=self.skip,
            after=self._position(self.cursor) if self.cursor is not None else None,
            sort=self.sort,
            status=self.status,
            priority=self.priority,
            text=self.q,
            due_before=self.due_before,
            due_after=self.due_after,
            overdue=self.overdue,
            deleted=self.deleted,
        )

    def cursor_after(self, task_json: str) -> str:
        """Return the cursor of the page that begins after the task."""
        task = from_json(task_json)
        content = to_json([self._digest, task[self.sort.field], task["id"]])
        return base64.urlsafe_b64encode(content).decode()

    def _position(self, cursor: str) -> Position:
        """Return the position. Raises InvalidCursorError if this list did not give the cursor."""
        try:
            content = base64.urlsafe_b64decode(cursor)
            digest, value, task_id = _CURSORS[self.sort.field].validate_json(content)
        except ValueError:
            raise InvalidCursorError from None
        if digest != self._digest:
            raise InvalidCursorError
        return Position(value, task_id)

    @cached_property
    def _digest(self) -> str:
        # A false `deleted` is left out, so that cursors from before the bin are still valid.
        absent = set() if self.deleted else {"deleted"}
        content = self.model_dump_json(exclude=_PAGE | absent)
        return hashlib.sha256(content.encode()).hexdigest()[:16]
