"""The pytest plugin that the repository's conftest.py loads."""

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg2
import pytest
import structlog

from servicekit.testing import endpoints
from servicekit.testing import postgres as server

pytest.register_assert_rewrite("servicekit.testing.conformance")

MakeDatabase = Callable[[str], str]


def reset_logging() -> None:
    """Log all levels for a person, as tests do unless they configure it otherwise."""
    structlog.reset_defaults()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            # The default formatter shows all local variables, which takes seconds.
            structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback),
        ]
    )


reset_logging()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option --endpoints."""
    parser.addoption("--endpoints", type=Path, help="write which test makes each answer happen")


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write the page of endpoints, and fail if it is not complete."""
    file: Path | None = session.config.getoption("--endpoints")
    if file is None:
        return
    root, seen = session.config.rootpath, endpoints.ANSWERS.tests
    file.write_text(endpoints.page(root, seen))
    if found := endpoints.faults(root, seen):
        raise pytest.UsageError("\n".join(found))


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """Run PostgreSQL 15. Yield postgresql://postgres@127.0.0.1:port, without a database."""
    with server.running() as url:
        yield url


@pytest.fixture(scope="session")
def make_database(postgres: str) -> MakeDatabase:
    """Return a function that makes an empty database, named after its argument: its URL."""
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
