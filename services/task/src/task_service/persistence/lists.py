"""The statement behind a page of a list.

Conditions are bound to values at each call, and statements of one shape are one object: a call
costs neither building nor compiling.
"""

from datetime import timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Interval,
    String,
    Table,
    bindparam,
    func,
    or_,
    select,
    tuple_,
)

from servicekit.pool import Statement
from task_service.domain.bin import KEPT
from task_service.domain.paging import Query, Sort
from task_service.persistence.documents import DELETED_DOCUMENT, DOCUMENT, Document
from task_service.persistence.tables import deleted_tasks, sort_key, tasks

_PATTERN = bindparam("pattern", type_=String)


def _overdue(table: Table) -> ColumnElement[bool]:
    return ~table.c.is_completed & (table.c.due_date < func.now())


OVERDUE = _overdue(tasks)


def _conditions(table: Table) -> dict[str, ColumnElement[bool]]:
    """By the parameter whose value each takes; the flags take none."""
    return {
        "status": table.c.status == bindparam("status"),
        "priority": table.c.priority == bindparam("priority"),
        "pattern": or_(table.c.title.ilike(_PATTERN), table.c.description.ilike(_PATTERN)),
        "due_before": table.c.due_date < bindparam("due_before"),
        "due_after": table.c.due_date >= bindparam("due_after"),
        "overdue": _overdue(table),
        # `IS NOT TRUE`, because a task without a due date is not overdue either.
        "not_overdue": _overdue(table).is_not(True),
    }


_CONDITIONS = _conditions(tasks)
# What has been in the bin for too long is gone, even where nobody has removed it yet.
_DELETED_CONDITIONS = {
    **_conditions(deleted_tasks),
    "kept": deleted_tasks.c.deleted_at > func.now() - bindparam("kept", type_=Interval),
}


def page(owner_id: int, query: Query, kept: timedelta = KEPT) -> tuple[Statement, dict[str, Any]]:
    """The statement and the values of its parameters.

    kept: how long a deleted task stays in the bin.
    """
    values = {
        "status": query.status,
        "priority": query.priority,
        "pattern": _containing(query.text) if query.text is not None else None,
        "due_before": query.due_before,
        "due_after": query.due_after,
        "overdue": query.overdue or None,
        "not_overdue": query.overdue is False or None,
        "kept": kept if query.deleted else None,
    }
    given = {name: value for name, value in values.items() if value is not None}
    shape = _deleted_statement if query.deleted else _statement
    statement = shape(query.sort, frozenset(given), positioned=query.after is not None)
    bounds: dict[str, Any] = {"owner_id": owner_id, "limit": query.limit, "skip": query.skip}
    if query.after is not None:
        bounds |= {"after_value": query.after.value, "after_id": query.after.id}
    return statement, given | bounds


@lru_cache(maxsize=256)
def _statement(sort: Sort, given: frozenset[str], *, positioned: bool) -> Statement:
    conditions = [_CONDITIONS[name] for name in given]
    return _walk(tasks, DOCUMENT, sort, conditions, positioned=positioned)


@lru_cache(maxsize=256)
def _deleted_statement(sort: Sort, given: frozenset[str], *, positioned: bool) -> Statement:
    conditions = [_DELETED_CONDITIONS[name] for name in given]
    return _walk(deleted_tasks, DELETED_DOCUMENT, sort, conditions, positioned=positioned)


def _walk(
    table: Table,
    document: Document,
    sort: Sort,
    conditions: list[ColumnElement[bool]],
    *,
    positioned: bool,
) -> Statement:
    """A page of the table's tasks in order, from a position on or from the start."""
    column = table.c[sort.field]
    keys = (sort_key(sort.field, column), table.c.id)
    if positioned:
        here = tuple_(*keys)
        value = bindparam("after_value", type_=column.type)
        there = tuple_(sort_key(sort.field, value), bindparam("after_id"))
        conditions = [*conditions, here < there if sort.is_descending else here > there]
    return Statement.of(
        select(*document)
        .where(table.c.owner_id == bindparam("owner_id"), *conditions)
        .order_by(*(each.desc() if sort.is_descending else each.asc() for each in keys))
        .limit(bindparam("limit"))
        .offset(bindparam("skip"))
    )


def _containing(text: str) -> str:
    """A pattern in which the text stands for itself only."""
    for special in "\\%_":
        text = text.replace(special, f"\\{special}")
    return f"%{text}%"
