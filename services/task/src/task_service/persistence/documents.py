"""A task as the JSON that its owner gets, built by PostgreSQL."""

from itertools import chain
from typing import Any

from sqlalchemy import ColumnElement, Row, Table, Text, cast, func, literal_column

from task_service.domain.task import Task
from task_service.persistence.tables import deleted_tasks, tasks

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


Document = tuple[ColumnElement[Any], ...]


def _document(table: Table, fields: tuple[str, ...]) -> Document:
    """The columns of `task`. The JSON as text: the driver would parse it."""
    content = func.json_build_object(
        *chain.from_iterable((literal_column(f"'{name}'"), table.c[name]) for name in fields)
    )
    return table.c.id, table.c.version, cast(content, Text).label("json")


# What a statement selects or returns for `task`.
DOCUMENT = _document(tasks, _FIELDS)
DELETED_DOCUMENT = _document(deleted_tasks, (*_FIELDS, "deleted_at"))


def task(row: Row[*tuple[Any, ...]]) -> Task:
    return Task(row.id, row.version, row.json)
