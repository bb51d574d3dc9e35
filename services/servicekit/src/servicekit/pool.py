"""A connection pool for reads that cost one round trip to the database each, and no thread.

SQLAlchemy compiles the statement once. asyncpg prepares and runs it on the event loop. Through
SQLAlchemy and psycopg 2, in a thread, a request for one task took 690 µs of processor time instead
of 480, and 200 instead of 100 in PostgreSQL, which made a new plan each time
(docs/decisions/0016-asyncpg.md).

It is not about routes: the fast routes for reads are in route_class.py.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any

import asyncpg
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.sql.elements import ClauseElement

from servicekit.database import (
    POOL_TIMEOUT,
    STATEMENT_TIMEOUT,
    DatabaseUnavailableError,
)
from servicekit.settings import CONNECT_TIMEOUT, DatabaseSettings, asyncpg_url

_DIALECT = PGDialect_asyncpg()  # type: ignore[no-untyped-call]  # SQLAlchemy's own
# Longer than the server's own limit, which does not count if the server is gone.
_COMMAND_TIMEOUT = STATEMENT_TIMEOUT / 1000 + 1  # seconds

# The server closed the connection, before the read or during it.
_CONNECTION_LOST = (
    ConnectionError,
    asyncpg.PostgresConnectionError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.InterfaceError,
)
# No answer: lost again, over the time limit of either side, or the server starts or stops.
_UNAVAILABLE = (OSError, asyncpg.PostgresConnectionError, asyncpg.OperatorInterventionError)


@dataclass(frozen=True)
class Statement:
    """SQL with $1, $2, ..., and the names of their values in order."""

    sql: str
    names: Sequence[str]

    @classmethod
    def of(cls, expression: ClauseElement) -> "Statement":
        """Compile an expression of SQLAlchemy."""
        compiled = _DIALECT.statement_compiler(_DIALECT, expression)
        return cls(str(compiled), tuple(compiled.positiontup or ()))


class ReadPool:
    """A pool for single SELECTs, without a transaction around them or a ping before them.

    Open it as a context. If the server closes the connection during a read, the read is repeated
    once, which is safe for a read.
    """

    def __init__(self, settings: DatabaseSettings) -> None:
        self._settings = settings

    async def __aenter__(self) -> "ReadPool":
        self._pool = await asyncpg.create_pool(
            asyncpg_url(self._settings.database_url.get_secret_value()),
            min_size=0,  # Nothing connects before the first use.
            max_size=self._settings.database_pool_size,
            timeout=CONNECT_TIMEOUT,
            command_timeout=_COMMAND_TIMEOUT,
            server_settings={"statement_timeout": str(STATEMENT_TIMEOUT), "timezone": "UTC"},
            reset=_no_reset,
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._pool.close()

    async def fetch(
        self, statement: Statement, values: Mapping[str, Any]
    ) -> Sequence[asyncpg.Record]:
        """Return all rows of the statement with these values. Raises DatabaseUnavailableError."""
        arguments = [values[name] for name in statement.names]
        try:
            try:
                return await self._fetch(statement.sql, arguments)
            except _CONNECTION_LOST:
                return await self._fetch(statement.sql, arguments)
        except _UNAVAILABLE as error:
            raise DatabaseUnavailableError from error

    async def _fetch(self, sql: str, arguments: Sequence[Any]) -> Sequence[asyncpg.Record]:
        # A time limit costs 5 % of a read, so it is set only if there may be a wait.
        limit = None if self._pool.get_idle_size() else POOL_TIMEOUT
        try:
            connection = await self._pool.acquire(timeout=limit)
        except (OSError, asyncpg.PostgresError) as error:
            raise DatabaseUnavailableError from error
        try:
            return await connection.fetch(sql, *arguments)
        finally:
            await self._pool.release(connection)


async def _no_reset(_: object) -> None:
    """Leave the connection as it is. Nothing here changes it, and a RESET is a round trip."""
