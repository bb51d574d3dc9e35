"""The schema of a migrated database."""

from collections.abc import Callable
from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, inspect, text

from user_service.persistence.tables import metadata

Register = Callable[..., dict[str, Any]]


def test_the_migrations_lead_to_the_tables(engine: Engine) -> None:
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "compare_server_default": True}
        )
        assert compare_metadata(context, metadata) == []


def test_names_are_unique_in_whatever_case(engine: Engine) -> None:
    indexes = inspect(engine).get_indexes("users")

    assert {(*index["expressions"], index["unique"]) for index in indexes} == {
        ("lower(email::text)", True),
        ("lower(username::text)", True),
    }


def test_the_database_keeps_updated_at(engine: Engine, register: Register) -> None:
    register()
    with engine.begin() as connection:
        connection.execute(text("UPDATE users SET updated_at = '2000-01-01'"))
    with engine.connect() as connection:
        row = connection.execute(text("SELECT created_at, updated_at FROM users")).one()

    assert row.updated_at > row.created_at
