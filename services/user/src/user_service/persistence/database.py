"""Queries in threads: psycopg 2 blocks, and the event loop must not."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from anyio.to_thread import run_sync
from sqlalchemy import Connection, Engine, Executable, Row, exc

from servicekit import database

Result = TypeVar("Result")
Rows = Sequence[Row[*tuple[Any, ...]]]


class Database:
    """The one place where a request leaves the event loop for the database.

    Work is done again on a new connection if it was lost before anything was committed, as when the
    database moves to another machine.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        # For single statements: one round trip instead of three.
        self._autocommit = database.autocommit(engine)

    async def transaction(self, work: Callable[[Connection], Result]) -> Result:
        """Return what `work` returns. An error undoes what it did. It may be called twice."""

        def run() -> Result:
            with self._engine.begin() as connection, _undone_if_lost(connection):
                return work(connection)

        return await run_sync(_again, run)

    async def fetch(self, statement: Executable) -> Rows:
        """Return the rows of a single statement."""

        def run() -> Rows:
            with self._autocommit.connect() as connection:
                if not statement.is_select:
                    return connection.execute(statement).all()
                with _undone_if_lost(connection):
                    return connection.execute(statement).all()

        return await run_sync(_again, run)

    async def execute(self, statement: Executable) -> int:
        """Return how many rows a single statement changed."""

        def run() -> int:
            with self._autocommit.connect() as connection:
                return connection.execute(statement).rowcount

        return await run_sync(run)


class _UndoneError(Exception):
    """Nothing was committed. `error` is the database's."""

    def __init__(self, error: exc.DBAPIError) -> None:
        super().__init__(error)
        self.error = error


@contextmanager
def _undone_if_lost(connection: Connection) -> Iterator[None]:
    """Raise _UndoneError when the connection is lost, or leads to a server that only reads."""
    try:
        yield
    except exc.DBAPIError as error:
        if not database.is_lost(error):
            raise
        connection.invalidate()
        raise _UndoneError(error) from error


def _again(work: Callable[[], Result]) -> Result:
    try:
        return work()
    except _UndoneError:
        pass
    try:
        return work()
    except _UndoneError as undone:
        raise undone.error from None
