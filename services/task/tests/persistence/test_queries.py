from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
import sqlalchemy as sa

from task_service.domain.paging import Query
from task_service.persistence.tasks import TaskRepository

OWNER = 1_000_001  # no other test's


@contextmanager
def _statements(engine: sa.Engine) -> Iterator[list[str]]:
    """What goes to the database while the block runs."""
    seen: list[str] = []

    def note(*event: object) -> None:
        seen.append(str(event[2]))

    sa.event.listen(engine, "before_cursor_execute", note)
    yield seen
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
    database: sa.Engine, call: Callable[[TaskRepository], object]
) -> None:
    repository = TaskRepository(database)
    for _ in range(3):
        repository.insert(OWNER, {"title": "a"})

    with _statements(database) as seen:
        call(repository)

    assert len(seen) == 1
