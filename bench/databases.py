"""Databases of tasks in two sizes, in which the owner `OWNER` has the same tasks."""

from contextlib import closing

import psycopg

from servicekit import migrate
from task_service.app import MIGRATIONS

OWNER = 1
"""Has 1,000 tasks, in either size."""
RICH = 2
"""Has 200,000 tasks."""
POOR = 3
"""Has 10 tasks."""

SMALL = {OWNER: 1_000}
LARGE = {OWNER: 1_000, RICH: 200_000, POOR: 10} | dict.fromkeys(range(4, 803), 1_000)
"""About 1,000,000 tasks."""

_FILL = """
INSERT INTO tasks (title, description, owner_id, created_at, due_date, status, priority)
SELECT 'Task number ' || n, 'What there is to do about it, said in some more words.', %(owner)s, t,
    CASE WHEN n %% 3 = 0 THEN t + interval '1 year' END,
    (enum_range(NULL::task_status))[1 + n %% 3], (enum_range(NULL::task_priority))[1 + n %% 3]
FROM generate_series(1, %(number)s) n,
    LATERAL (SELECT now() - n * interval '1 minute' AS t) AS times
"""


def create(server: str, name: str) -> str:
    """An empty database on the server, a URL without a database; returns its own URL."""
    with closing(psycopg.connect(f"{server}/postgres", autocommit=True)) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    return f"{server}/{name}"


def create_tasks(server: str, name: str, numbers: dict[int, int]) -> str:
    """A task database in which each owner has that number of tasks; returns its URL."""
    url = create(server, name)
    migrate.upgrade(url, MIGRATIONS)
    with closing(psycopg.connect(url, autocommit=True)) as connection:
        for owner, number in numbers.items():
            connection.execute(_FILL, {"owner": owner, "number": number})
        connection.execute("VACUUM ANALYZE")
        connection.execute("CHECKPOINT")
    return url
