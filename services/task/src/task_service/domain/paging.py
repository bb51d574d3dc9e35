"""Which tasks a list holds, and where one page ends and the next begins."""

import base64
import binascii
import struct
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from task_service.domain.errors import InvalidCursorError
from task_service.domain.task import Priority, Status, Task

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAYOUT = struct.Struct(">qi")  # microseconds since the epoch, task id


class Sort(StrEnum):
    NEWEST = "-created_at"
    OLDEST = "created_at"


@dataclass(frozen=True, slots=True)
class Cursor:
    """The position of one task in the list: the page after it starts behind it.

    A position, not an offset: tasks that come or go before it move nothing.
    """

    created_at: datetime
    id: int

    def encode(self) -> str:
        microseconds = (self.created_at - _EPOCH) // timedelta(microseconds=1)
        return base64.urlsafe_b64encode(_LAYOUT.pack(microseconds, self.id)).decode()

    @classmethod
    def decode(cls, text: str) -> "Cursor":
        """Raises InvalidCursorError for anything that `encode` did not make."""
        try:
            microseconds, task_id = _LAYOUT.unpack(base64.urlsafe_b64decode(text))
            return cls(_EPOCH + timedelta(microseconds=microseconds), task_id)
        except (ValueError, binascii.Error, struct.error, OverflowError):
            raise InvalidCursorError from None


@dataclass(frozen=True, slots=True)
class Query:
    """One page's filters and bounds; None filters nothing. `due_after <= due < due_before`."""

    limit: int
    skip: int = 0
    after: Cursor | None = None
    sort: Sort = Sort.NEWEST
    status: Status | None = None
    priority: Priority | None = None
    text: str | None = None
    due_before: datetime | None = None
    due_after: datetime | None = None
    overdue: bool | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """The tasks of one page, and the cursor of the next one if there is more."""

    tasks: list[Task]
    following: Cursor | None
