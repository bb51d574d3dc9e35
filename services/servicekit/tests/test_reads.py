from collections.abc import Iterator

import pytest
from pydantic import SecretStr
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError, ProgrammingError
from sqlalchemy.pool import NullPool

from servicekit.reads import Reads
from servicekit.settings import DatabaseSettings, psycopg2_url
from servicekit.testing.plugin import MakeDatabase

PID = text("SELECT pg_backend_pid()")
KILL = text(
    "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
)


@pytest.fixture
def url(make_database: MakeDatabase) -> str:
    return make_database("reads")


@pytest.fixture
def reads(url: str) -> Iterator[Reads]:
    reads = Reads(DatabaseSettings(database_url=SecretStr(url), database_pool_size=2))
    yield reads
    reads.engine.dispose()


def test_rows_come_with_the_values_in(reads: Reads) -> None:
    statement = text("SELECT n, :word AS word FROM generate_series(1, 2) n")

    assert [tuple(row) for row in reads.rows(statement, {"word": "a"})] == [(1, "a"), (2, "a")]


def test_a_read_opens_no_transaction(reads: Reads) -> None:
    statement = text(
        "SELECT xact_start = query_start FROM pg_stat_activity WHERE pid = pg_backend_pid()"
    )
    reads.rows(statement, {})

    assert reads.rows(statement, {}) == [(True,)]


def test_connections_are_kept(reads: Reads) -> None:
    assert reads.rows(PID, {}) == reads.rows(PID, {})


def test_a_restarted_database_costs_no_failed_read(reads: Reads, url: str) -> None:
    with reads.engine.connect(), reads.engine.connect():
        pass  # Now both connections of the pool are open.
    before = reads.rows(PID, {})
    with create_engine(psycopg2_url(url), poolclass=NullPool).connect() as killer:
        killer.execute(KILL)

    assert reads.rows(PID, {}) != before
    assert reads.rows(PID, {}) != before


def test_an_error_of_the_statement_is_not_asked_again(reads: Reads) -> None:
    with pytest.raises(ProgrammingError):
        reads.rows(text("SELECT nothing"), {})


def test_a_database_that_is_away_is_an_error(url: str) -> None:
    reads = Reads(DatabaseSettings(database_url=SecretStr(url + "_gone"), database_pool_size=2))

    with pytest.raises(OperationalError):
        reads.rows(PID, {})
