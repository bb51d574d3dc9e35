"""How many statements each call costs, and how many connections a deployment."""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import Any

import pytest
import sqlalchemy as sa

from servicekit.pool import ReadPool, Statement
from task_service.domain.pagination import TaskQuery
from task_service.persistence.tasks import TaskRepository
from task_service.settings import TaskSettings

OWNER = 1_000_001  # no other test's


class RecordingPool(ReadPool):
    """Records the statements that go to the database."""

    def __init__(self, settings: TaskSettings, seen: list[str]) -> None:
        super().__init__(settings)
        self.seen = seen

    async def fetch(self, statement: Statement, values: Mapping[str, Any]) -> Sequence[Any]:
        self.seen.append(statement.sql)
        return await super().fetch(statement, values)


@pytest.fixture
def statements(database: sa.Engine) -> Iterator[list[str]]:
    """Record the statements of writes, and of reads through `RecordingPool`."""
    seen: list[str] = []

    def note(*event: object) -> None:
        seen.append(str(event[2]))

    sa.event.listen(database, "before_cursor_execute", note)
    yield seen
    sa.event.remove(database, "before_cursor_execute", note)


@pytest.mark.anyio
@pytest.mark.parametrize(
    "call",
    [
        lambda repository: repository.select(OWNER, TaskQuery(limit=50)),
        lambda repository: repository.counts(OWNER),
        lambda repository: repository.find(OWNER, 1),
    ],
    ids=["select", "counts", "find"],
)
async def test_each_read_is_one_statement(
    database: sa.Engine,
    task_settings: TaskSettings,
    statements: list[str],
    call: Callable[[TaskRepository], Awaitable[object]],
) -> None:
    async with RecordingPool(task_settings, statements) as pool:
        repository = TaskRepository(database, pool)
        for _ in range(3):
            repository.insert(OWNER, {"title": "a"})
        statements.clear()

        await call(repository)

    assert len(statements) == 1


@pytest.mark.parametrize(
    "call",
    [
        lambda repository: repository.exists(OWNER, 1),
        lambda repository: repository.update(OWNER, 1, {"title": "a"}, frozenset({1, 2})),
        lambda repository: repository.delete(OWNER, 1, None),
        lambda repository: repository.restore(OWNER, 1, None),
        lambda repository: repository.exists_deleted(OWNER, 1),
        lambda repository: repository.insert(OWNER, {"title": "a"}),
    ],
    ids=["exists", "update", "delete", "restore", "exists_deleted", "insert"],
)
def test_each_write_is_one_statement(
    database: sa.Engine,
    task_settings: TaskSettings,
    statements: list[str],
    call: Callable[[TaskRepository], object],
) -> None:
    repository = TaskRepository(database, ReadPool(task_settings))
    for _ in range(3):
        repository.insert(OWNER, {"title": "a"})
    statements.clear()

    call(repository)

    assert len(statements) == 1


def test_all_pools_of_a_rolling_deployment_fit_into_the_database(
    database: sa.Engine, task_settings: TaskSettings
) -> None:
    with database.connect() as connection:
        limit = connection.scalar(
            sa.text(
                "SELECT current_setting('max_connections')::int"
                " - current_setting('superuser_reserved_connections')::int"
            )
        )

    # Three instances and a canary, each with a pool for reads and one for writes.
    assert 4 * 2 * task_settings.database_pool_size <= limit
