"""Queries in threads: psycopg 2 blocks, and the event loop must not."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from anyio.to_thread import run_sync
from sqlalchemy import Connection, Engine, Executable, Row

from servicekit import database

Result = TypeVar("Result")
Rows = Sequence[Row[*tuple[Any, ...]]]


class Database:
    """The one place where a request leaves the event loop for the database."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        # For single statements: one round trip instead of three.
        self._autocommit = database.autocommit(engine)

    async def transaction(self, work: Callable[[Connection], Result]) -> Result:
        """Return what `work` returns. An error undoes what it did."""

        def run() -> Result:
            with self._engine.begin() as connection:
                return work(connection)

        return await run_sync(run)

    async def fetch(self, statement: Executable) -> Rows:
        """Return the rows of a single statement."""

        def run() -> Rows:
            with self._autocommit.connect() as connection:
                return connection.execute(statement).all()

        return await run_sync(run)

    async def execute(self, statement: Executable) -> int:
        """Return how many rows a single statement changed."""

        def run() -> int:
            with self._autocommit.connect() as connection:
                return connection.execute(statement).rowcount

        return await run_sync(run)
