"""The current schema. `migrations/` brings a database to it."""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    ColumnElement,
    Computed,
    DateTime,
    Enum,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    func,
    literal_column,
    text,
)

from task_service.domain.task import Priority, Status


def _enum(kind: type[Status] | type[Priority], name: str) -> Enum:
    """Return a PostgreSQL enum of the values. SQLAlchemy would use the names of the members."""
    return Enum(kind, name=name, values_callable=lambda members: [m.value for m in members])


STATUS = _enum(Status, "task_status")
PRIORITY = _enum(Priority, "task_priority")

metadata = MetaData()


def _moment(name: str) -> Column[datetime]:
    return Column(name, DateTime(timezone=True), nullable=False, server_default=func.now())


def _task_columns() -> list[Column[Any]]:
    is_done = Computed("status = 'done'", persisted=True)
    return [
        Column("title", String(255), nullable=False),
        Column("description", Text),
        Column("status", STATUS, nullable=False, server_default="todo"),
        Column("priority", PRIORITY, nullable=False, server_default="medium"),
        Column("is_completed", Boolean, is_done, nullable=False),
        Column("due_date", DateTime(timezone=True)),
        # The id of a user. Users are in another database, so there is no foreign key.
        Column("owner_id", Integer, nullable=False),
        _moment("created_at"),
        # In `tasks`, the trigger `tasks_touch` maintains these two.
        _moment("updated_at"),
        Column("version", Integer, nullable=False, server_default="1"),
    ]


tasks = Table("tasks", metadata, Column("id", Integer, primary_key=True), *_task_columns())

# The bin: deleted tasks, with the ids that they had. In a table of their own they cost the other
# tasks nothing, neither in a read nor in an index.
deleted_tasks = Table(
    "deleted_tasks",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    *_task_columns(),
    _moment("deleted_at"),
)
Index(
    "ix_deleted_tasks_owner_newest",
    deleted_tasks.c.owner_id,
    deleted_tasks.c.created_at.desc(),
    deleted_tasks.c.id.desc(),
)
Index("ix_deleted_tasks_deleted_at", deleted_tasks.c.deleted_at)

# The default order of lists: a page of any owner is one scan of this index.
Index("ix_tasks_owner_newest", tasks.c.owner_id, tasks.c.created_at.desc(), tasks.c.id.desc())
# Which tasks are overdue changes with the time. Only open tasks can be overdue.
Index(
    "ix_tasks_owner_due_open",
    tasks.c.owner_id,
    tasks.c.due_date,
    postgresql_where=text("NOT is_completed"),
)


def sort_key(field: str, value: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return the expression that a list sorted by the field compares.

    `value` is the column, or the value in a cursor. A task without a due date comes after all with
    one. Titles are compared by code point, without case.
    """
    if field == "due_date":
        return func.coalesce(value, literal_column("'infinity'::timestamptz"))
    if field == "title":
        return func.lower(value).collate("C")
    return value


# A page in each other order is a scan of one of these, in either direction.
for _name, _field in {"due": "due_date", "priority": "priority", "title": "title"}.items():
    Index(
        f"ix_tasks_owner_{_name}",
        tasks.c.owner_id,
        sort_key(_field, tasks.c[_field]),
        tasks.c.id,
    )
# For the search: a text inside the title or the description.
Index(
    "ix_tasks_owner_words",
    tasks.c.owner_id,
    tasks.c.title,
    tasks.c.description,
    postgresql_using="gin",
    postgresql_ops={"title": "gin_trgm_ops", "description": "gin_trgm_ops"},
)

# The answers to creations with an Idempotency-Key. They stay when the task is deleted.
idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("owner_id", Integer, primary_key=True, autoincrement=False),
    Column("key", String(255), primary_key=True),
    Column("fingerprint", LargeBinary, nullable=False),
    Column("task_id", Integer, nullable=False),
    Column("task_version", Integer, nullable=False),
    Column("task_json", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Index("ix_idempotency_keys_created_at", "created_at"),
)

# Triggers on `tasks` maintain it. The application's role cannot write it.
task_counts = Table(
    "task_counts",
    metadata,
    Column("owner_id", Integer, primary_key=True, autoincrement=False),
    Column("status", STATUS, primary_key=True),
    Column("priority", PRIORITY, primary_key=True),
    Column("tasks", Integer, nullable=False),
)
