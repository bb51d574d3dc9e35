"""The migrations: to the tables in the code, back, at once, and after an interruption."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext

from servicekit import migrate
from servicekit.settings import psycopg2_url
from servicekit.testing.plugin import MakeDatabase
from task_service import MIGRATIONS
from task_service.persistence.tables import metadata, tasks


@pytest.fixture
def connection(database: sa.Engine) -> Iterator[sa.Connection]:
    with database.connect() as connection:
        yield connection


def _can_be_compared(_: object, name: str, *__: object) -> bool:
    # SQLAlchemy does not read the collation of this index. test_plans shows that it is used.
    return name != "ix_tasks_owner_title"


def test_the_migrations_lead_to_the_tables(connection: sa.Connection) -> None:
    options = {"compare_server_default": True, "include_object": _can_be_compared}
    context = MigrationContext.configure(connection, opts=options)

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


def test_of_migrations_started_at_once_each_ends_well(make_database: MakeDatabase) -> None:
    url = psycopg2_url(make_database("at_once"))

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda _: migrate.upgrade(url, MIGRATIONS), range(3)))


def test_an_index_that_a_cut_off_migration_left_is_built_again(
    make_database: MakeDatabase,
) -> None:
    url = psycopg2_url(make_database("cut_off"))
    migrate.upgrade(url, MIGRATIONS)
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    invalid = "indexrelid = 'ix_tasks_owner_title'::regclass AND NOT indisvalid"
    with engine.begin() as connection:
        connection.execute(sa.text("DROP TABLE deleted_tasks"))  # What came after.
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '0003'"))
        connection.execute(
            sa.text(
                "UPDATE pg_index SET indisvalid = false"
                " WHERE indexrelid = 'ix_tasks_owner_title'::regclass"
            )
        )

    migrate.upgrade(url, MIGRATIONS)

    with engine.connect() as connection:
        count = sa.text(f"SELECT count(*) FROM pg_index WHERE {invalid}")
        assert connection.scalar(count) == 0


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
