"""The repository of tasks. Each call is one statement, except a creation with a key."""

from datetime import timedelta
from typing import Any

from asyncpg import UniqueViolationError
from sqlalchemy import bindparam, func
from sqlalchemy import select as select_

from servicekit.pool import ReadPool, Rows, Statement, WritePool
from task_service.domain.idempotency import Creation
from task_service.domain.pagination import TaskQuery
from task_service.domain.statistics import Count
from task_service.domain.task import BIN_RETENTION, Changes, Priority, Status, Task, Versions
from task_service.persistence import idempotency, task_bin
from task_service.persistence.columns import TASK_COLUMNS
from task_service.persistence.list_statement import OVERDUE, list_statement
from task_service.persistence.tables import task_counts, tasks
from task_service.persistence.write_statements import insert_statement, one, update_statement

# The reads that come most often, compiled once.
FIND = Statement.of(
    select_(*TASK_COLUMNS).where(
        tasks.c.id == bindparam("task_id"), tasks.c.owner_id == bindparam("owner_id")
    )
)
EXISTS = Statement.of(select_(tasks.c.id).where(*one(tasks)))
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
        self, reads: ReadPool, writes: WritePool, retention: timedelta = BIN_RETENTION
    ) -> None:
        self._reads = reads
        self._writes = writes
        self._retention = retention

    async def insert(self, owner_id: int, values: Changes) -> Task:
        statement = insert_statement(frozenset(values))
        (row,) = await self._writes.execute(statement, {"owner_id": owner_id, **values})
        return Task._make(row)

    async def insert_once(
        self, owner_id: int, values: Changes, key: str, fingerprint: bytes
    ) -> Creation:
        if earlier := await self._find_creation(owner_id, key):
            return earlier
        statement = idempotency.insert_once_statement(frozenset(values))
        once = {"owner_id": owner_id, "key": key, "fingerprint": fingerprint}
        try:
            (row,) = await self._writes.execute(statement, {**once, **values})
        except UniqueViolationError:
            # Another call with the key was faster, and has ended.
            if earlier := await self._find_creation(owner_id, key):
                return earlier
            raise
        return Creation(fingerprint, Task._make(row))

    async def _find_creation(self, owner_id: int, key: str) -> Creation | None:
        given = {"owner": owner_id, "given_key": key}
        rows = await self._writes.execute(idempotency.FIND, given)
        if not rows:
            return None
        fingerprint, *task = rows[0]
        return Creation(fingerprint, Task._make(task), replayed=True)

    async def find(self, owner_id: int, task_id: int) -> Task | None:
        return _task(await self._reads.fetch(FIND, {"owner_id": owner_id, "task_id": task_id}))

    async def select(self, owner_id: int, query: TaskQuery) -> list[str]:
        rows = await self._reads.fetch(*list_statement(owner_id, query, self._retention))
        return [json for (json,) in rows]

    async def update(
        self, owner_id: int, task_id: int, changes: Changes, versions: Versions
    ) -> Task | None:
        """Return the changed task, or None if no task has the id and one of the versions."""
        values = {**changes, **_one(owner_id, task_id, versions)}
        return _task(await self._writes.execute(update_statement(frozenset(changes)), values))

    async def delete(self, owner_id: int, task_id: int, versions: Versions) -> bool:
        values = self._in_bin(owner_id, task_id, versions)
        return bool(await self._writes.execute(task_bin.MOVE_IN, values))

    async def restore(self, owner_id: int, task_id: int, versions: Versions) -> Task | None:
        values = self._in_bin(owner_id, task_id, versions)
        return _task(await self._writes.execute(task_bin.MOVE_OUT, values))

    async def exists_deleted(self, owner_id: int, task_id: int) -> bool:
        values = self._in_bin(owner_id, task_id, None)
        return bool(await self._reads.fetch(task_bin.CONTAINS, values))

    async def counts(self, owner_id: int) -> tuple[list[Count], int]:
        rows = await self._reads.fetch(COUNTS, {"owner_id": owner_id})
        counts = [Count(Status(status), Priority(priority), n) for status, priority, n, _ in rows]
        return counts, rows[0]["overdue"] if rows else 0

    async def exists(self, owner_id: int, task_id: int) -> bool:
        return bool(await self._reads.fetch(EXISTS, _one(owner_id, task_id, None)))

    def _in_bin(self, owner_id: int, task_id: int, versions: Versions) -> dict[str, Any]:
        return {**_one(owner_id, task_id, versions), "retention": self._retention}


def _one(owner_id: int, task_id: int, versions: Versions) -> dict[str, Any]:
    """Return the values for `write_statements.one`."""
    accepted = None if versions is None else [*versions]
    return {"owner": owner_id, "task_id": task_id, "versions": accepted}


def _task(rows: Rows) -> Task | None:
    return Task._make(rows[0]) if rows else None
