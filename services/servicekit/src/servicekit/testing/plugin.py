"""The pytest plugin that the repository's conftest.py loads."""

import itertools
from collections.abc import Callable, Iterator

import psycopg2
import pytest
import structlog

from servicekit.testing import postgres as server

pytest.register_assert_rewrite("servicekit.testing.conformance")

# The default renders every local variable of a traceback, which takes seconds.
structlog.configure(
    processors=[
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback),
    ]
)

MakeDatabase = Callable[[str], str]


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """A running PostgreSQL 15: postgresql://postgres@127.0.0.1:port, without a database name."""
    with server.running() as url:
        yield url


@pytest.fixture(scope="session")
def make_database(postgres: str) -> MakeDatabase:
    """A function that makes an empty database, named after its argument, and returns its URL."""
    numbers = itertools.count(1)

    def make(name: str) -> str:
        database = f"{name}_{next(numbers)}"
        connection = psycopg2.connect(f"{postgres}/postgres")
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(f'CREATE DATABASE "{database}"')
        connection.close()
        return f"{postgres}/{database}"

    return make
