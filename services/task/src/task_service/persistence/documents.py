"""A task as the JSON that its owner gets, built by PostgreSQL."""

from itertools import chain
from typing import Any

from sqlalchemy import Row, Text, cast, func, literal_column

from task_service.domain.task import Task
from task_service.persistence.tables import tasks

_FIELDS = (
    "id",
    "title",
    "description",
    "status",
    "priority",
    "is_completed",
    "due_date",
    "owner_id",
    "created_at",
    "updated_at",
)
_JSON = func.json_build_object(
    *chain.from_iterable((literal_column(f"'{name}'"), tasks.c[name]) for name in _FIELDS)
)

# What a statement selects or returns for `task`. As text: the driver would parse JSON.
DOCUMENT = (tasks.c.id, tasks.c.version, cast(_JSON, Text).label("json"))


def task(row: Row[Any]) -> Task:
    return Task(row.id, row.version, row.json)
