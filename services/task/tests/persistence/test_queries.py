from collections.abc import Callable, Iterator

import pytest
import sqlalchemy as sa

from servicekit.reads import Reads
from task_service.domain.paging import Query
from task_service.persistence.tasks import TaskRepository
from task_service.settings import TaskSettings

OWNER = 1_000_001  # no other test's


@pytest.fixture
def statements(database: sa.Engine, reads: Reads) -> Iterator[list[str]]:
    """What goes to the database."""
    seen: list[str] = []

    def note(*event: object) -> None:
        seen.append(str(event[2]))

    for engine in (database, reads.engine):
        sa.event.listen(engine, "before_cursor_execute", note)
    yield seen
    for engine in (database, reads.engine):
        sa.event.remove(engine, "before_cursor_execute", note)


@pytest.mark.parametrize(
    "call",
    [
        lambda repository: repository.select(OWNER, Query(limit=50)),
        lambda repository: repository.counts(OWNER),
        lambda repository: repository.find(OWNER, 1),
        lambda repository: repository.update(OWNER, 1, {"title": "a"}, frozenset({1, 2})),
        lambda repository: repository.delete(OWNER, 1, None),
        lambda repository: repository.insert(OWNER, {"title": "a"}),
    ],
    ids=["select", "counts", "find", "update", "delete", "insert"],
)
def test_each_call_is_one_statement(
    repository: TaskRepository, statements: list[str], call: Callable[[TaskRepository], object]
) -> None:
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
