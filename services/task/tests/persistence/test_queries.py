"""How many statements each call costs."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any

import pytest

from servicekit.pool import Pool, ReadPool, Rows, Statement, WritePool
from task_service.domain.pagination import TaskQuery
from task_service.persistence.tasks import TaskRepository
from task_service.settings import TaskSettings

OWNER = 1_000_001  # no other test's


@pytest.fixture
async def repository(task_settings: TaskSettings) -> AsyncIterator[TaskRepository]:
    """Yield a repository with three tasks of `OWNER`."""
    async with ReadPool(task_settings) as reads, WritePool(task_settings) as writes:
        repository = TaskRepository(reads, writes)
        for _ in range(3):
            await repository.insert(OWNER, {"title": "a"})
        await repository.insert_once(OWNER, {"title": "a"}, "used", b"")
        yield repository


@pytest.fixture
def statements(repository: TaskRepository, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Record the statements that go to the database from now on, through either pool."""
    seen: list[str] = []
    run = Pool._run

    async def recording(self: Pool, statement: Statement, values: Mapping[str, Any]) -> Rows:
        seen.append(statement.sql)
        return await run(self, statement, values)

    monkeypatch.setattr(Pool, "_run", recording)
    return seen


CALLS: dict[str, Callable[[TaskRepository], Awaitable[object]]] = {
    "select": lambda tasks: tasks.select(OWNER, TaskQuery(limit=50)),
    "counts": lambda tasks: tasks.counts(OWNER),
    "find": lambda tasks: tasks.find(OWNER, 1),
    "exists": lambda tasks: tasks.exists(OWNER, 1),
    "update": lambda tasks: tasks.update(OWNER, 1, {"title": "a"}, frozenset({1, 2})),
    "delete": lambda tasks: tasks.delete(OWNER, 1, None),
    "restore": lambda tasks: tasks.restore(OWNER, 1, None),
    "exists_deleted": lambda tasks: tasks.exists_deleted(OWNER, 1),
    "insert": lambda tasks: tasks.insert(OWNER, {"title": "a"}),
    "insert with a used key": lambda tasks: tasks.insert_once(OWNER, {"title": "a"}, "used", b""),
}


@pytest.mark.anyio
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
async def test_each_call_is_one_statement(
    repository: TaskRepository,
    statements: list[str],
    call: Callable[[TaskRepository], Awaitable[object]],
) -> None:
    await call(repository)

    assert len(statements) == 1


@pytest.mark.anyio
async def test_a_creation_with_a_new_key_is_two_statements(
    repository: TaskRepository, statements: list[str]
) -> None:
    await repository.insert_once(OWNER, {"title": "a"}, f"new {id(statements)}", b"")

    assert len(statements) == 2
