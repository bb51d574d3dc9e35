from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext

from servicekit import migrate
from servicekit.testing.plugin import MakeDatabase
from task_service.app import MIGRATIONS
from task_service.persistence.tables import metadata, tasks


@pytest.fixture
def connection(database: sa.Engine) -> Iterator[sa.Connection]:
    with database.connect() as connection:
        yield connection


def test_the_migrations_lead_to_the_tables(connection: sa.Connection) -> None:
    context = MigrationContext.configure(connection, opts={"compare_server_default": True})

    assert compare_metadata(context, metadata) == []


def test_the_migrations_can_be_taken_back_and_run_again(make_database: MakeDatabase) -> None:
    url = make_database("again").replace("postgresql:", "postgresql+psycopg2:")
    migrate.upgrade(url, MIGRATIONS)
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.connect() as connection:
        config = Config(attributes={"connection": connection})
        config.set_main_option("script_location", str(MIGRATIONS))
        command.downgrade(config, "base")
        assert sa.inspect(connection).get_table_names() == ["alembic_version"]
    migrate.upgrade(url, MIGRATIONS)


def test_the_database_keeps_version_and_time_of_change(connection: sa.Connection) -> None:
    made = connection.execute(
        sa.insert(tasks).values(title="a", owner_id=1, updated_at="2001-01-01").returning(tasks)
    ).one()

    update = sa.update(tasks).where(tasks.c.id == made.id).returning(tasks)
    same = connection.execute(update.values(title="a")).one()
    changed = connection.execute(update.values(status="done")).one()

    assert (made.version, made.is_completed) == (1, False)
    assert same == made
    assert (changed.version, changed.is_completed) == (2, True)
    assert changed.updated_at > made.updated_at


def test_a_page_and_the_overdue_count_walk_their_indexes(connection: sa.Connection) -> None:
    connection.execute(
        sa.text(
            "INSERT INTO tasks (title, owner_id, created_at, due_date)"
            " SELECT 'a', 1 + n % 10, t, t + interval '200 hours' FROM generate_series(1, 10000) n,"
            " LATERAL (SELECT now() - n * interval '1 hour' AS t) AS times"
        )
    )
    connection.execute(sa.text("ANALYZE tasks"))

    def plan(query: str) -> str:
        return "\n".join(connection.scalars(sa.text(f"EXPLAIN {query}")))

    page = plan(
        "SELECT * FROM tasks WHERE owner_id = 7"
        " AND (created_at, id) < (now() - interval '2000 hours', 500)"
        " ORDER BY created_at DESC, id DESC LIMIT 50"
    )
    overdue = plan(
        "SELECT count(*) FROM tasks WHERE owner_id = 7 AND NOT is_completed AND due_date < now()"
    )
    assert "ix_tasks_owner_newest" in page
    assert "Sort" not in page
    assert "ix_tasks_owner_due_open" in overdue
