"""The statement that reads one page of a list.

A statement is built and compiled once for each combination of sort and filters. A call only binds
values to its parameters.
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
from task_service.domain.pagination import Sort, TaskQuery
from task_service.domain.task import BIN_RETENTION
from task_service.persistence.columns import DELETED_TASK_JSON, TASK_JSON
from task_service.persistence.tables import deleted_tasks, sort_key, tasks

_PATTERN = bindparam("pattern", type_=String)


def _overdue(table: Table) -> ColumnElement[bool]:
    return ~table.c.is_completed & (table.c.due_date < func.now())


OVERDUE = _overdue(tasks)


def _conditions(table: Table) -> dict[str, ColumnElement[bool]]:
    """Return the conditions by the names of their parameters. The flags have no parameter."""
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
# An expired task is not in the bin any more, even if nothing has deleted it yet.
_DELETED_CONDITIONS = {
    **_conditions(deleted_tasks),
    "retention": deleted_tasks.c.deleted_at > func.now() - bindparam("retention", type_=Interval),
}


def list_statement(
    owner_id: int, query: TaskQuery, retention: timedelta = BIN_RETENTION
) -> tuple[Statement, dict[str, Any]]:
    """Return the statement and the values of its parameters. Its rows have each task's JSON.

    There is one row more than the page has tasks if there is a next page.

    `retention` is how long a deleted task stays in the bin.
    """
    values = {
        "status": query.status,
        "priority": query.priority,
        "pattern": _like_pattern(query.text) if query.text is not None else None,
        "due_before": query.due_before,
        "due_after": query.due_after,
        "overdue": query.overdue or None,
        "not_overdue": query.overdue is False or None,
        "retention": retention if query.deleted else None,
    }
    given = {name: value for name, value in values.items() if value is not None}
    build = _deleted_statement if query.deleted else _statement
    statement = build(query.sort, frozenset(given), positioned=query.after is not None)
    bounds: dict[str, Any] = {"owner_id": owner_id, "limit": query.limit + 1, "skip": query.skip}
    if query.after is not None:
        bounds |= {"after_value": query.after.value, "after_id": query.after.id}
    return statement, given | bounds


@lru_cache(maxsize=256)
def _statement(sort: Sort, given: frozenset[str], *, positioned: bool) -> Statement:
    conditions = [_CONDITIONS[name] for name in given]
    return _page_statement(tasks, TASK_JSON, sort, conditions, positioned=positioned)


@lru_cache(maxsize=256)
def _deleted_statement(sort: Sort, given: frozenset[str], *, positioned: bool) -> Statement:
    conditions = [_DELETED_CONDITIONS[name] for name in given]
    return _page_statement(
        deleted_tasks, DELETED_TASK_JSON, sort, conditions, positioned=positioned
    )


def _page_statement(
    table: Table,
    content: ColumnElement[str],
    sort: Sort,
    conditions: list[ColumnElement[bool]],
    *,
    positioned: bool,
) -> Statement:
    """Return the statement for a page: the next tasks in order, from a position or the start."""
    column = table.c[sort.field]
    keys = (sort_key(sort.field, column), table.c.id)
    if positioned:
        here = tuple_(*keys)
        value = bindparam("after_value", type_=column.type)
        there = tuple_(sort_key(sort.field, value), bindparam("after_id"))
        conditions = [*conditions, here < there if sort.is_descending else here > there]
    return Statement.of(
        select(content)
        .where(table.c.owner_id == bindparam("owner_id"), *conditions)
        .order_by(*(each.desc() if sort.is_descending else each.asc() for each in keys))
        .limit(bindparam("limit"))
        .offset(bindparam("skip"))
    )


def _like_pattern(text: str) -> str:
    """Return a LIKE pattern that matches the text anywhere, with no special characters in it."""
    for special in "\\%_":
        text = text.replace(special, f"\\{special}")
    return f"%{text}%"
