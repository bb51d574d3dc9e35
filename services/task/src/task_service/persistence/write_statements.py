"""The statements that make and change one task, each a transaction of its own.

A statement is built and compiled once for each set of fields. A call only binds values to its
parameters.
"""

from functools import lru_cache
from typing import Any

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Insert,
    Integer,
    Table,
    any_,
    bindparam,
    case,
    insert,
    update,
)

from servicekit.pool import Statement
from task_service.domain.task import Status
from task_service.persistence.columns import TASK_COLUMNS
from task_service.persistence.tables import tasks

_NOT_DONE = case((tasks.c.status == Status.DONE, Status.TODO), else_=tasks.c.status)
_VERSIONS = bindparam("versions", type_=ARRAY(Integer))


def one(table: Table) -> list[ColumnElement[bool]]:
    """Return the conditions that a task of the table meets: `task_id`, `owner` and `versions`.

    The version is compared in the statement that changes the task, so of two writers that hold the
    same version one wins.
    """
    return [
        table.c.id == bindparam("task_id"),
        table.c.owner_id == bindparam("owner"),
        _VERSIONS.is_(None) | (table.c.version == any_(_VERSIONS)),
    ]


def insertion(fields: frozenset[str]) -> Insert:
    """Return the expression that makes a task of `owner_id` with these fields."""
    names = ("owner_id", *sorted(fields))
    return insert(tasks).values({name: bindparam(name) for name in names}).returning(*TASK_COLUMNS)


@lru_cache(maxsize=64)
def insert_statement(fields: frozenset[str]) -> Statement:
    """Return the statement that makes a task of `owner_id` with these fields."""
    return Statement.of(insertion(fields))


@lru_cache(maxsize=128)
def update_statement(fields: frozenset[str]) -> Statement:
    """Return the statement that changes these fields of a task.

    `is_completed` stands for false: a task that is done becomes todo, and no other changes.
    """
    changes: dict[str, ColumnElement[Any]] = {
        name: bindparam(name) for name in sorted(fields - {"is_completed"})
    }
    if "is_completed" in fields:
        changes["status"] = _NOT_DONE
    # The owner stays the same. It is set so that a change of no field is valid SQL, too.
    changes["owner_id"] = tasks.c.owner_id
    return Statement.of(update(tasks).where(*one(tasks)).values(changes).returning(*TASK_COLUMNS))
