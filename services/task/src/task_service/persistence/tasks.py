"""Every query over tasks. Each write is a transaction of its own."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    case,
    delete,
    func,
    insert,
    or_,
    tuple_,
    update,
)
from sqlalchemy import select as select_

from servicekit import database
from task_service.domain.idempotency import Creation
from task_service.domain.paging import Query, Sort
from task_service.domain.service import Versions
from task_service.domain.statistics import Count
from task_service.domain.task import Changes, Status, Task
from task_service.persistence import idempotency
from task_service.persistence.documents import DOCUMENT, task
from task_service.persistence.tables import task_counts, tasks

_NOT_DONE = case((tasks.c.status == Status.DONE, Status.TODO), else_=tasks.c.status)


class TaskRepository:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        # A lone SELECT needs no transaction, nor the two round trips of one.
        self._reads = database.autocommit(engine)

    def insert(self, owner_id: int, values: Changes) -> Task:
        with self._engine.begin() as connection:
            return _insert(connection, owner_id, values)

    def insert_once(self, owner_id: int, values: Changes, key: str, fingerprint: bytes) -> Creation:
        with self._engine.begin() as connection:
            idempotency.lock(connection, owner_id, key)
            if earlier := idempotency.find(connection, owner_id, key):
                return earlier
            creation = Creation(fingerprint, _insert(connection, owner_id, values))
            idempotency.record(connection, owner_id, key, creation)
            idempotency.prune(connection)
            return creation

    def find(self, owner_id: int, task_id: int) -> Task | None:
        statement = select_(*DOCUMENT).where(_own(owner_id, task_id))
        with self._reads.connect() as connection:
            row = connection.execute(statement).one_or_none()
        return task(row) if row else None

    def select(self, owner_id: int, query: Query) -> list[Task]:
        statement = (
            select_(*DOCUMENT)
            .where(tasks.c.owner_id == owner_id, *_filters(query))
            .order_by(*_order(query.sort))
            .limit(query.limit)
            .offset(query.skip)
        )
        with self._reads.connect() as connection:
            return [task(row) for row in connection.execute(statement)]

    def update(
        self, owner_id: int, task_id: int, changes: Changes, versions: Versions
    ) -> Task | None:
        """The task as it is afterwards; None if there is none at one of these versions."""
        values: dict[str, Any] = dict(changes)
        if not values.pop("is_completed", True):
            values["status"] = _NOT_DONE
        # The owner stays who it is: setting it makes a change of no field valid SQL, too.
        statement = (
            update(tasks)
            .where(_own(owner_id, task_id), *_at(versions))
            .values(owner_id=owner_id, **values)
            .returning(*DOCUMENT)
        )
        with self._engine.begin() as connection:
            row = connection.execute(statement).one_or_none()
        return task(row) if row else None

    def delete(self, owner_id: int, task_id: int, versions: Versions) -> bool:
        statement = delete(tasks).where(_own(owner_id, task_id), *_at(versions))
        with self._engine.begin() as connection:
            return connection.execute(statement).rowcount == 1

    def counts(self, owner_id: int) -> tuple[list[Count], int]:
        overdue = select_(func.count()).where(tasks.c.owner_id == owner_id, _overdue())
        kept = task_counts.c
        statement = select_(
            kept.status, kept.priority, kept.tasks, overdue.scalar_subquery().label("overdue")
        ).where(kept.owner_id == owner_id)
        with self._reads.connect() as connection:
            rows = connection.execute(statement).all()
        counts = [Count(row.status, row.priority, row.tasks) for row in rows]
        return counts, rows[0].overdue if rows else 0


def _insert(connection: Connection, owner_id: int, values: Changes) -> Task:
    statement = insert(tasks).values(owner_id=owner_id, **values).returning(*DOCUMENT)
    return task(connection.execute(statement).one())


def _own(owner_id: int, task_id: int) -> ColumnElement[bool]:
    return (tasks.c.id == task_id) & (tasks.c.owner_id == owner_id)


def _at(versions: Versions) -> list[ColumnElement[bool]]:
    return [] if versions is None else [tasks.c.version.in_(versions)]


def _overdue() -> ColumnElement[bool]:
    return ~tasks.c.is_completed & (tasks.c.due_date < func.now())


def _order(sort: Sort) -> list[ColumnElement[Any]]:
    keys = [tasks.c.created_at, tasks.c.id]
    return [key.asc() if sort is Sort.OLDEST else key.desc() for key in keys]


def _filters(query: Query) -> Iterable[ColumnElement[bool]]:
    if query.after is not None:
        position = tuple_(tasks.c.created_at, tasks.c.id)
        here = (query.after.value, query.after.id)
        yield position > here if query.sort is Sort.OLDEST else position < here
    if query.status is not None:
        yield tasks.c.status == query.status
    if query.priority is not None:
        yield tasks.c.priority == query.priority
    if query.text is not None:
        yield or_(
            tasks.c.title.icontains(query.text, autoescape=True),
            tasks.c.description.icontains(query.text, autoescape=True),
        )
    if query.due_before is not None:
        yield tasks.c.due_date < query.due_before
    if query.due_after is not None:
        yield tasks.c.due_date >= query.due_after
    if query.overdue is not None:
        # `IS NOT TRUE`, because a task without a due date is not overdue either.
        yield _overdue() if query.overdue else _overdue().is_not(True)
