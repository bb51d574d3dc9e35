"""Databases of tasks in two sizes. The user `OWNER` has the same tasks in both."""

from contextlib import closing
from typing import Any

import psycopg

from servicekit import migrate
from task_service import MIGRATIONS

OWNER = 1
"""A user with 1,000 tasks, in both databases."""
OWNER_OF_MANY = 2
"""A user with 200,000 tasks."""
OWNER_OF_FEW = 3
"""A user with 10 tasks."""
WRITER = 4
"""A user with 1,000 tasks. In the small database their ids are `WRITTEN`; figures create more."""
WRITTEN = range(1_001, 2_001)

SMALL = {OWNER: 1_000, WRITER: 1_000}
LARGE = {OWNER: 1_000, OWNER_OF_MANY: 200_000, OWNER_OF_FEW: 10} | dict.fromkeys(
    range(4, 803), 1_000
)
"""About 1,000,000 tasks."""

_FILL = """
INSERT INTO tasks (title, description, owner_id, created_at, due_date, status, priority)
SELECT 'Task number ' || n, 'What there is to do about it, said in some more words.', owner, t,
    CASE WHEN n %% 3 = 0 THEN t + interval '1 year' END,
    (enum_range(NULL::task_status))[1 + n %% 3], (enum_range(NULL::task_priority))[1 + n %% 3]
FROM generate_series(%(first)s::int, %(last)s) owner, generate_series(1, %(number)s) n,
    LATERAL (SELECT now() - n * interval '1 minute' AS t) AS times
"""


def first_process(server: str) -> int:
    """Return the id of the server's first process. `server` is a URL without a database."""
    with closing(psycopg.connect(f"{server}/postgres")) as connection:
        row = connection.execute("SELECT pg_read_file('postmaster.pid')").fetchone()
    (text,) = row or ("",)
    return int(text.split()[0])


def create(server: str, name: str) -> str:
    """Create an empty database and return its URL. `server` is a URL without a database."""
    with closing(psycopg.connect(f"{server}/postgres", autocommit=True)) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    return f"{server}/{name}"


def create_tasks(server: str, name: str, numbers: dict[int, int]) -> str:
    """Create a database of tasks and return its URL. `numbers` maps an owner to a number of tasks.

    `server` is a URL without a database.
    """
    url = create(server, name)
    migrate.upgrade(url, MIGRATIONS)
    with closing(psycopg.connect(url, autocommit=True)) as connection:
        for owner, number in numbers.items():
            _fill(connection, range(owner, owner + 1), number)
        _tidy(connection)
    return url


def add_tasks(url: str, owners: range, number: int) -> None:
    """Give each of several new owners that number of tasks. `url` is of their database."""
    with closing(psycopg.connect(url, autocommit=True)) as connection:
        _fill(connection, owners, number)
        _tidy(connection)


def limit(connection: psycopg.Connection[Any]) -> int:
    """Return how many connections the server accepts."""
    row = connection.execute("SELECT current_setting('max_connections')::int").fetchone()
    (most,) = row or (0,)
    return int(most)


def _fill(connection: psycopg.Connection[Any], owners: range, number: int) -> None:
    values = {"first": owners.start, "last": owners.stop - 1, "number": number}
    connection.execute(_FILL, values)


def _tidy(connection: psycopg.Connection[Any]) -> None:
    connection.execute("VACUUM ANALYZE")
    connection.execute("CHECKPOINT")
