"""The columns of a task that a statement returns; PostgreSQL writes the JSON for its owner."""

from itertools import chain
from typing import Any

from sqlalchemy import ColumnElement, Table, Text, cast, func, literal_column

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


def _json(table: Table, fields: tuple[str, ...]) -> ColumnElement[str]:
    """Return the task as JSON. It is text, because the driver would parse it."""
    content = func.json_build_object(
        *chain.from_iterable((literal_column(f"'{name}'"), table.c[name]) for name in fields)
    )
    return cast(content, Text).label("json")


TASK_JSON = _json(tasks, _FIELDS)
DELETED_TASK_JSON = _json(deleted_tasks, (*_FIELDS, "deleted_at"))
# What a statement selects or returns for a `Task`, in the order of its fields.
TASK_COLUMNS: tuple[ColumnElement[Any], ...] = (tasks.c.id, tasks.c.version, TASK_JSON)
