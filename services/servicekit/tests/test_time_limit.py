"""How long psycopg 2 waits for a server that hangs."""

import socket
from collections.abc import Iterator

import psycopg2
import pytest
from pydantic import SecretStr
from sqlalchemy import Engine, exc, text

from servicekit import database, time_limit
from servicekit.settings import DatabaseSettings
from servicekit.testing.plugin import MakeDatabase


@pytest.fixture
def engine(make_database: MakeDatabase) -> Iterator[Engine]:
    url = make_database("limited")
    engine = database.engine(DatabaseSettings(database_url=SecretStr(url), database_pool_size=1))
    yield engine
    engine.dispose()


def test_a_statement_without_an_answer_ends_and_the_next_one_gets_another_connection(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    with engine.connect() as connection:
        first = connection.scalar(text("SELECT pg_backend_pid()"))

    with monkeypatch.context() as patch:
        patch.setattr(time_limit, "ANSWER_TIMEOUT", 0.2)
        with engine.connect() as connection, pytest.raises(exc.OperationalError) as raised:
            connection.execute(text("SELECT pg_sleep(60)"))
    assert raised.value.connection_invalidated
    assert str(raised.value.orig) == "The server did not answer within 0.2 s."

    with engine.connect() as connection:
        assert connection.scalar(text("SELECT pg_backend_pid()")) != first


def test_a_server_that_accepts_a_connection_and_hangs_is_given_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(time_limit, "CONNECT_TIMEOUT", 0.2)
    time_limit.install()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        with pytest.raises(psycopg2.OperationalError, match=r"within 0\.2 s"):
            psycopg2.connect(f"host=127.0.0.1 port={port} user=nobody dbname=nothing")


def test_a_result_of_many_packets_arrives_whole(engine: Engine) -> None:
    with engine.connect() as connection:
        lengths = connection.scalars(text("SELECT repeat('x', 1000) FROM generate_series(1, 5000)"))
        assert sum(len(each) for each in lengths) == 5_000_000
