"""Which tasks a list holds, and where one page ends and the next begins."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from task_service.domain.task import Priority, Status, Task


class Sort(StrEnum):
    """A field of the task, behind a minus if its largest value comes first."""

    NEWEST = "-created_at"
    OLDEST = "created_at"
    DUE_FIRST = "due_date"
    DUE_LAST = "-due_date"
    LEAST_IMPORTANT = "priority"
    MOST_IMPORTANT = "-priority"
    TITLE_A_TO_Z = "title"
    TITLE_Z_TO_A = "-title"

    @property
    def field(self) -> str:
        return self.removeprefix("-")

    @property
    def is_descending(self) -> bool:
        return self.startswith("-")


@dataclass(frozen=True, slots=True)
class Position:
    """Where in a list a page begins: after the task with this value of the sort's field."""

    value: datetime | str | None
    id: int


@dataclass(frozen=True, slots=True)
class Query:
    """One page's filters and bounds; None filters nothing. `due_after <= due < due_before`.

    `deleted` asks for what is in the bin, and for nothing else.
    """

    limit: int
    skip: int = 0
    after: Position | None = None
    sort: Sort = Sort.NEWEST
    status: Status | None = None
    priority: Priority | None = None
    text: str | None = None
    due_before: datetime | None = None
    due_after: datetime | None = None
    overdue: bool | None = None
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """The tasks of one page, and whether there are more behind the last one."""

    tasks: list[Task]
    more: bool
