"""The engine and its health checks, on a real PostgreSQL."""

from collections.abc import Iterator
from pathlib import Path

import psycopg2
import pytest
from fastapi import FastAPI
from pydantic import SecretStr
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError, OperationalError

from servicekit import database, errors, migrate
from servicekit.health import Check
from servicekit.settings import DatabaseSettings
from servicekit.testing import client as testing_client
from servicekit.testing.conformance import assert_problem
from servicekit.testing.plugin import MakeDatabase


def connect(url: str, pool_size: int = 2) -> Engine:
    settings = DatabaseSettings(database_url=SecretStr(url), database_pool_size=pool_size)
    return database.engine(settings)


@pytest.fixture
def url(make_database: MakeDatabase) -> str:
    return make_database("kit")


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    engine = connect(url)
    yield engine
    engine.dispose()


def test_statement_that_never_ends_is_cut_off(engine: Engine) -> None:
    with engine.connect() as connection:
        assert connection.scalar(text("SHOW statement_timeout")) == "10s"


def test_values_stay_out_of_exceptions(engine: Engine) -> None:
    with engine.connect() as connection, pytest.raises(DBAPIError) as raised:
        connection.execute(text("SELECT 1 / 0, :value"), {"value": "hunter2"})
    assert "hunter2" not in str(raised.value)


def test_restarted_database_costs_no_failed_request(engine: Engine, url: str) -> None:
    with engine.connect() as connection:
        pid = connection.scalar(text("SELECT pg_backend_pid()"))
    killer = psycopg2.connect(url)
    killer.autocommit = True
    with killer.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s)", [pid])
    killer.close()
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT 1")) == 1


def test_autocommit_opens_no_transaction(engine: Engine) -> None:
    statement = text(
        "SELECT xact_start = query_start FROM pg_stat_activity WHERE pid = pg_backend_pid()"
    )
    with database.autocommit(engine).connect() as connection:
        connection.execute(statement)
        assert connection.scalar(statement)


def test_database_that_is_away_is_a_503_problem(app: FastAPI, url: str) -> None:
    address = url.rpartition("/")[0] + "/no_such_database"
    engine = connect(address)
    errors.install(app, database.PROBLEMS)

    @app.get("/count")
    def count() -> None:
        engine.connect()

    with testing_client.running(app) as client:
        answer = client.get("/count")
    assert_problem(answer, 503)
    assert answer.headers["retry-after"] == "1"
    assert "no_such_database" not in answer.text


def test_reachable_database_passes(engine: Engine) -> None:
    check = database.reachable(engine)
    assert (check.name, check.probe()) == ("database", None)


def test_unreachable_database_fails(url: str) -> None:
    check = database.reachable(connect(url + "_gone"))
    with pytest.raises(OperationalError):
        check.probe()


def schema(engine: Engine, migrations: Path) -> Check:
    return database.schema_current(engine, migrations)


def test_schema_before_the_first_migration_fails(engine: Engine, migrations: Path) -> None:
    assert schema(engine, migrations).probe() == "migrations are missing"


def test_schema_after_the_last_migration_passes(engine: Engine, url: str, migrations: Path) -> None:
    migrate.upgrade(url, migrations)
    assert schema(engine, migrations).probe() is None


def test_schema_one_migration_behind_fails(engine: Engine, url: str, migrations: Path) -> None:
    migrate.upgrade(url, migrations)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = 'one'"))
    assert schema(engine, migrations).probe() == "migrations are missing"


def test_schema_of_a_newer_release_passes(engine: Engine, url: str, migrations: Path) -> None:
    migrate.upgrade(url, migrations)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = 'three'"))
    assert schema(engine, migrations).probe() is None
