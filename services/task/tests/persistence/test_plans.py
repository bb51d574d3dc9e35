"""Every page is a walk along an index, and so as fast at the end of a long list as at its start."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa

from servicekit import migrate
from servicekit.pool import Statement
from servicekit.settings import psycopg2_url
from servicekit.testing.plugin import MakeDatabase
from task_service import MIGRATIONS
from task_service.domain.pagination import Position, Sort, TaskQuery
from task_service.domain.task import Priority
from task_service.persistence.list_statement import list_statement
from task_service.persistence.tasks import COUNTS

MANY = """
INSERT INTO tasks (title, description, owner_id, created_at, due_date, status, priority)
SELECT md5(n::text), md5('d' || n), 1 + n % 5, t,
    CASE WHEN n % 3 = 0 THEN t + interval '1 year' END, (enum_range(NULL::task_status))[1 + n % 3],
    (enum_range(NULL::task_priority))[1 + n % 3]
FROM generate_series(1, 50000) n, LATERAL (SELECT now() - n * interval '1 hour' AS t) AS times
"""
DELETED = """
INSERT INTO deleted_tasks (id, title, owner_id, created_at, deleted_at)
SELECT n, n::text, 1 + n % 5, now() - n * interval '1 hour', now() FROM generate_series(1, 5000) n
"""
PAST = datetime(2001, 1, 1, tzinfo=UTC)
POSITIONS: dict[str, datetime | str | None] = {
    "created_at": PAST,
    "due_date": PAST,
    "priority": Priority.MEDIUM,
    "title": "Half WAY",
}


@pytest.fixture(scope="module")
def large(make_database: MakeDatabase) -> Iterator[sa.Connection]:
    """Make a database of 50,000 tasks, and bring its statistics up to date."""
    url = psycopg2_url(make_database("large"))
    migrate.upgrade(url, MIGRATIONS)
    engine = sa.create_engine(url, poolclass=sa.NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(sa.text(MANY))
        connection.execute(sa.text(DELETED))
        connection.execute(sa.text("VACUUM ANALYZE tasks, task_counts, deleted_tasks"))
        yield connection


def _plan(connection: sa.Connection, statement: Statement, values: dict[str, Any]) -> str:
    """Return PostgreSQL's plan for the statement with these values in it."""
    names = statement.names
    sql = re.sub(r"\$(\d+)", lambda match: f"%({names[int(match[1]) - 1]})s", statement.sql)
    return "\n".join(connection.exec_driver_sql(f"EXPLAIN {sql}", values).scalars())


@pytest.mark.parametrize("sort", Sort)
@pytest.mark.parametrize("positioned", [False, True])
def test_a_page_in_any_order_walks_its_index(
    large: sa.Connection, sort: Sort, positioned: bool
) -> None:
    after = Position(POSITIONS[sort.field], 1) if positioned else None

    plan = _plan(large, *list_statement(3, TaskQuery(limit=50, sort=sort, after=after)))

    names = {"created_at": "newest", "due_date": "due", "priority": "priority", "title": "title"}
    index_condition = plan.partition("Index Cond: ")[2].partition("\n")[0]
    assert f"ix_tasks_owner_{names[sort.field]} on" in plan
    assert "Sort" not in plan
    assert ("ROW(" in index_condition) == positioned


def test_a_page_of_the_bin_walks_its_own_index(large: sa.Connection) -> None:
    plan = _plan(large, *list_statement(3, TaskQuery(limit=50, deleted=True)))

    assert "ix_deleted_tasks_owner_newest on" in plan
    assert "Sort" not in plan


def test_a_page_after_the_tasks_without_a_due_date_walks_its_index(large: sa.Connection) -> None:
    query = TaskQuery(limit=50, sort=Sort.DUE_FIRST, after=Position(None, 1))

    assert "ix_tasks_owner_due on" in _plan(large, *list_statement(3, query))


@pytest.mark.parametrize("text", ["deadbeef", "100%", "under_score"])
def test_a_search_for_something_rare_asks_the_search_index(large: sa.Connection, text: str) -> None:
    plan = _plan(large, *list_statement(3, TaskQuery(limit=50, text=text)))

    assert "Bitmap Index Scan on ix_tasks_owner_words" in plan


def test_figures_come_from_the_counts_and_the_index_of_open_tasks(large: sa.Connection) -> None:
    plan = _plan(large, COUNTS, {"owner_id": 3})

    assert "ix_tasks_owner_due_open" in plan
    assert "task_counts" in plan
    assert "Seq Scan on tasks" not in plan
