"""Reads that cost one round trip to the database each, and no thread.

SQLAlchemy writes the statement once, asyncpg asks: it keeps it prepared, and hands rows to the
event loop. In a thread, through SQLAlchemy and psycopg 2, a request for one task took 690 µs of
processor time instead of 480, and 200 instead of 100 in PostgreSQL, which planned it anew each time
(docs/decisions/0016-asyncpg.md).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any

import asyncpg
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.sql.elements import ClauseElement

from servicekit.database import (
    CONNECT_TIMEOUT,
    POOL_TIMEOUT,
    STATEMENT_TIMEOUT,
    DatabaseUnavailableError,
)
from servicekit.settings import DatabaseSettings, asyncpg_url

_DIALECT = PGDialect_asyncpg()  # type: ignore[no-untyped-call]  # SQLAlchemy's own
# A database that has vanished cannot keep its own limit.
_COMMAND_TIMEOUT = STATEMENT_TIMEOUT / 1000 + 1  # seconds

# The connection was closed, seen under the read or just before it.
_LOST = (
    ConnectionError,
    asyncpg.PostgresConnectionError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.InterfaceError,
)
# No answer: lost again, stopped for its time (by either side), or starting and stopping.
_SILENT = (OSError, asyncpg.PostgresConnectionError, asyncpg.OperatorInterventionError)


@dataclass(frozen=True)
class Statement:
    """SQL with $1, $2, ..., and the names of the values that they stand for, in order."""

    sql: str
    names: Sequence[str]

    @classmethod
    def of(cls, written: ClauseElement) -> "Statement":
        compiled = _DIALECT.statement_compiler(_DIALECT, written)
        return cls(str(compiled), tuple(compiled.positiontup or ()))


class ReadPool:
    """A pool for lone SELECTs, open as a context: no transaction around them, no ping before them.

    A connection that the server closed is seen to be closed. A read that is under way at that
    moment is asked once more, which is safe for a read.
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
            reset=_keep,
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
        """All rows of the statement with these values. Raises DatabaseUnavailableError."""
        arguments = [values[name] for name in statement.names]
        try:
            try:
                return await self._fetch(statement.sql, arguments)
            except _LOST:
                return await self._fetch(statement.sql, arguments)
        except _SILENT as error:
            raise DatabaseUnavailableError from error

    async def _fetch(self, sql: str, arguments: Sequence[Any]) -> Sequence[asyncpg.Record]:
        # Only who may have to wait gets the time limit, because it costs 5 % of a read.
        limit = None if self._pool.get_idle_size() else POOL_TIMEOUT
        try:
            connection = await self._pool.acquire(timeout=limit)
        except (OSError, asyncpg.PostgresError) as error:
            raise DatabaseUnavailableError from error
        try:
            return await connection.fetch(sql, *arguments)
        finally:
            await self._pool.release(connection)


async def _keep(_: object) -> None:
    """A connection comes back as it was: nothing here changes it, and a RESET is a round trip."""
