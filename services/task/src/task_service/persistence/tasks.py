"""The repository of tasks. Each write is a transaction of its own."""

from datetime import timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    bindparam,
    case,
    func,
    insert,
    update,
)
from sqlalchemy import select as select_

from servicekit.pool import ReadPool, Statement
from task_service.domain.idempotency import Creation
from task_service.domain.pagination import TaskQuery
from task_service.domain.statistics import Count
from task_service.domain.task import BIN_RETENTION, Changes, Priority, Status, Task, Versions
from task_service.persistence import idempotency, task_bin
from task_service.persistence.columns import TASK_COLUMNS, to_task
from task_service.persistence.list_statement import OVERDUE, list_statement
from task_service.persistence.tables import task_counts, tasks

_NOT_DONE = case((tasks.c.status == Status.DONE, Status.TODO), else_=tasks.c.status)
# The reads that come most often, compiled once.
FIND = Statement.of(
    select_(*TASK_COLUMNS).where(
        tasks.c.id == bindparam("task_id"), tasks.c.owner_id == bindparam("owner_id")
    )
)
COUNTS = Statement.of(
    select_(
        task_counts.c.status,
        task_counts.c.priority,
        task_counts.c.tasks,
        select_(func.count())
        .where(tasks.c.owner_id == bindparam("owner_id"), OVERDUE)
        .scalar_subquery()
        .label("overdue"),
    ).where(task_counts.c.owner_id == bindparam("owner_id"))
)


class TaskRepository:
    """Tasks in PostgreSQL. `retention` is how long a deleted task stays in the bin."""

    def __init__(
        self, engine: Engine, pool: ReadPool, retention: timedelta = BIN_RETENTION
    ) -> None:
        self._engine = engine
        self._pool = pool
        self._retention = retention

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

    async def find(self, owner_id: int, task_id: int) -> Task | None:
        rows = await self._pool.fetch(FIND, {"owner_id": owner_id, "task_id": task_id})
        return Task._make(rows[0]) if rows else None

    async def select(self, owner_id: int, query: TaskQuery) -> list[Task]:
        return [
            *map(
                Task._make,
                await self._pool.fetch(*list_statement(owner_id, query, self._retention)),
            )
        ]

    def update(
        self, owner_id: int, task_id: int, changes: Changes, versions: Versions
    ) -> Task | None:
        """Return the changed task, or None if no task has the id and one of the versions."""
        values: dict[str, Any] = dict(changes)
        if not values.pop("is_completed", True):
            values["status"] = _NOT_DONE
        # The owner stays the same. It is set so that a change of no field is valid SQL, too.
        statement = (
            update(tasks)
            .where(*_one(owner_id, task_id), *_at(versions))
            .values(owner_id=owner_id, **values)
            .returning(*TASK_COLUMNS)
        )
        with self._engine.begin() as connection:
            row = connection.execute(statement).one_or_none()
        return to_task(row) if row else None

    def delete(self, owner_id: int, task_id: int, versions: Versions) -> bool:
        with self._engine.begin() as connection:
            there = [*_one(owner_id, task_id), *_at(versions)]
            return task_bin.move_in(connection, there, self._retention)

    def restore(self, owner_id: int, task_id: int, versions: Versions) -> Task | None:
        with self._engine.begin() as connection:
            return task_bin.move_out(connection, owner_id, task_id, versions, self._retention)

    def exists_deleted(self, owner_id: int, task_id: int) -> bool:
        with self._engine.connect() as connection:
            return task_bin.contains(connection, owner_id, task_id, self._retention)

    async def counts(self, owner_id: int) -> tuple[list[Count], int]:
        rows = await self._pool.fetch(COUNTS, {"owner_id": owner_id})
        counts = [Count(Status(status), Priority(priority), n) for status, priority, n, _ in rows]
        return counts, rows[0]["overdue"] if rows else 0

    def exists(self, owner_id: int, task_id: int) -> bool:
        with self._engine.connect() as connection:
            found = connection.execute(select_(tasks.c.id).where(*_one(owner_id, task_id)))
            return found.one_or_none() is not None


def _insert(connection: Connection, owner_id: int, values: Changes) -> Task:
    statement = insert(tasks).values(owner_id=owner_id, **values).returning(*TASK_COLUMNS)
    return to_task(connection.execute(statement).one())


def _one(owner_id: int, task_id: int) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return tasks.c.id == task_id, tasks.c.owner_id == owner_id


def _at(versions: Versions) -> list[ColumnElement[bool]]:
    return [] if versions is None else [tasks.c.version.in_(versions)]
