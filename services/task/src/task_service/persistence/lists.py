"""The statement behind a page of a list.

Conditions are bound to values at each call, and statements of one shape are one object: a call
costs neither building nor compiling.
"""

from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, String, bindparam, func, or_, select, tuple_

from servicekit.reads import Statement
from task_service.domain.paging import Query, Sort
from task_service.persistence.documents import DOCUMENT
from task_service.persistence.tables import sort_key, tasks

OVERDUE = ~tasks.c.is_completed & (tasks.c.due_date < func.now())

_PATTERN = bindparam("pattern", type_=String)
# By the parameter whose value each takes; the flags take none.
_CONDITIONS: dict[str, ColumnElement[bool]] = {
    "status": tasks.c.status == bindparam("status"),
    "priority": tasks.c.priority == bindparam("priority"),
    "pattern": or_(tasks.c.title.ilike(_PATTERN), tasks.c.description.ilike(_PATTERN)),
    "due_before": tasks.c.due_date < bindparam("due_before"),
    "due_after": tasks.c.due_date >= bindparam("due_after"),
    "overdue": OVERDUE,
    # `IS NOT TRUE`, because a task without a due date is not overdue either.
    "not_overdue": OVERDUE.is_not(True),
}


def page(owner_id: int, query: Query) -> tuple[Statement, dict[str, Any]]:
    """The statement and the values of its parameters."""
    values = {
        "status": query.status,
        "priority": query.priority,
        "pattern": _containing(query.text) if query.text is not None else None,
        "due_before": query.due_before,
        "due_after": query.due_after,
        "overdue": query.overdue or None,
        "not_overdue": query.overdue is False or None,
    }
    given = {name: value for name, value in values.items() if value is not None}
    statement = _statement(query.sort, frozenset(given), positioned=query.after is not None)
    bounds: dict[str, Any] = {"owner_id": owner_id, "limit": query.limit, "skip": query.skip}
    if query.after is not None:
        bounds |= {"after_value": query.after.value, "after_id": query.after.id}
    return statement, given | bounds


@lru_cache(maxsize=256)
def _statement(sort: Sort, given: frozenset[str], *, positioned: bool) -> Statement:
    column = tasks.c[sort.field]
    keys = (sort_key(sort.field, column), tasks.c.id)
    conditions = [_CONDITIONS[name] for name in given]
    if positioned:
        here = tuple_(*keys)
        value = bindparam("after_value", type_=column.type)
        there = tuple_(sort_key(sort.field, value), bindparam("after_id"))
        conditions.append(here < there if sort.is_descending else here > there)
    return Statement.of(
        select(*DOCUMENT)
        .where(tasks.c.owner_id == bindparam("owner_id"), *conditions)
        .order_by(*(each.desc() if sort.is_descending else each.asc() for each in keys))
        .limit(bindparam("limit"))
        .offset(bindparam("skip"))
    )


def _containing(text: str) -> str:
    """A pattern in which the text stands for itself only."""
    for special in "\\%_":
        text = text.replace(special, f"\\{special}")
    return f"%{text}%"
