"""Connection pools whose statements cost one round trip to the database each, and no thread.

SQLAlchemy compiles a statement once. asyncpg prepares and runs it on the event loop, as a
transaction of its own. Through SQLAlchemy and psycopg 2, in a thread, a request for one task took
690 µs of processor time instead of 480, and 200 instead of 100 in PostgreSQL, which made a new plan
each time (docs/decisions/0016-asyncpg.md). A change took four round trips, and held its locks
during the last one (docs/decisions/0041-writes-over-asyncpg.md).

It is not about routes: the fast routes are in route_class.py.
"""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from types import TracebackType
from typing import Any, Self

import asyncpg
from asyncpg.connect_utils import SessionAttribute
from asyncpg.exceptions import TargetServerAttributeNotMatched
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.sql.elements import ClauseElement

from servicekit import tracing
from servicekit.database import (
    POOL_TIMEOUT,
    PRIMARY,
    DatabaseUnavailableError,
)
from servicekit.patience import PAUSE, Patience
from servicekit.settings import (
    CONNECT_TIMEOUT,
    STATEMENT_TIMEOUT,
    DatabaseSettings,
    asyncpg_url,
)
from servicekit.time_limit import ANSWER_TIMEOUT

_DIALECT = PGDialect_asyncpg()  # type: ignore[no-untyped-call]  # SQLAlchemy's own

# The server closed the connection, before the statement or during it.
_CONNECTION_LOST = (
    ConnectionError,
    asyncpg.PostgresConnectionError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.InterfaceError,
    # The server has said that it ends the connection, and has not closed it yet.
    asyncpg.InternalClientError,
)


class _NotSentError(Exception):
    """The server had said before that it ends the connection, so asyncpg sent nothing."""


# Nothing was changed: the server ended the transaction before its commit, because it stops or is no
# primary any more, or it never got the statement.
_REFUSED = (asyncpg.AdminShutdownError, asyncpg.ReadOnlySQLTransactionError, _NotSentError)
# There is no server, it starts or stops, or it is a standby.
_NO_PRIMARY = (
    OSError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    TargetServerAttributeNotMatched,
)
# No answer: lost again, over the time limit of either side, the server starts or stops, it has no
# memory or disk left, or it ended the statement because of a deadlock.
_UNAVAILABLE = (
    OSError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.TransactionRollbackError,
)

Rows = Sequence[asyncpg.Record]


@dataclass(frozen=True)
class Statement:
    """SQL with $1, $2, ..., the names of their values in order, and those that never change."""

    sql: str
    names: Sequence[str]
    constants: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, expression: ClauseElement) -> "Statement":
        """Compile an expression of SQLAlchemy. Its bindparams without a value are the names."""
        compiled = _DIALECT.statement_compiler(_DIALECT, expression)
        given = {name: value for name, value in compiled.params.items() if value is not None}
        return cls(str(compiled), tuple(compiled.positiontup or ()), given)

    def arguments(self, values: Mapping[str, Any]) -> list[Any]:
        """Return the values of $1, $2, ... in order."""
        known = {**self.constants, **values} if self.constants else values
        return [known[name] for name in self.names]


class Pool:
    """Connections to the database, opened as a context. Nothing connects before the first use."""

    def __init__(self, settings: DatabaseSettings) -> None:
        self._settings = settings
        self._patience = Patience()

    async def __aenter__(self) -> Self:
        self._pool = await asyncpg.create_pool(
            asyncpg_url(self._settings.database_url.get_secret_value()),
            min_size=0,
            max_size=self._settings.database_pool_size,
            timeout=CONNECT_TIMEOUT,
            command_timeout=ANSWER_TIMEOUT,
            connect=self._connect,
            target_session_attrs=SessionAttribute(PRIMARY),
            server_settings={"statement_timeout": str(STATEMENT_TIMEOUT), "timezone": "UTC"},
            init=_exact_times,
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

    def in_use(self) -> int:
        """Return how many connections are given out now."""
        return self._pool.get_size() - self._pool.get_idle_size()

    async def _connect(self, *words: Any, **options: Any) -> asyncpg.Connection:
        """Connect, and try again while there is patience left."""
        while True:
            try:
                connection: asyncpg.Connection = await asyncpg.connect(*words, **options)
            except _NO_PRIMARY:
                if not self._patience.is_left():
                    raise
                await asyncio.sleep(PAUSE)
            else:
                self._patience.restore()
                return connection

    async def _run(self, statement: Statement, values: Mapping[str, Any]) -> Rows:
        arguments = statement.arguments(values)
        # A time limit costs 5 % of a read, so it is set only if there may be a wait.
        limit = None if self._pool.get_idle_size() else POOL_TIMEOUT
        try:
            # A connection that the server has closed is replaced by a new one here.
            connection = await self._pool.acquire(timeout=limit)
        except (*_NO_PRIMARY, asyncpg.PostgresError) as error:
            raise DatabaseUnavailableError from error
        try:
            with tracing.statement(statement.sql):
                return await connection.fetch(statement.sql, *arguments)
        except (*_CONNECTION_LOST, TimeoutError, asyncpg.ReadOnlySQLTransactionError) as error:
            if not isinstance(error, asyncpg.InterfaceError):
                # Or the pool would give it, and others to the same server, to the next callers.
                with suppress(asyncpg.InterfaceError):  # closed, and so given back already
                    connection.terminate()
                await self._pool.expire_connections()
            # The server's last words, if it had any, say more than that it has gone.
            if isinstance(error.__cause__, _REFUSED):
                raise error.__cause__ from None
            if _was_not_sent(error):
                raise _NotSentError from error
            raise
        finally:
            await self._pool.release(connection)


class ReadPool(Pool):
    """A pool for single SELECTs.

    If the connection is lost during a read, the read is repeated once, which is safe for a read.
    """

    async def fetch(self, statement: Statement, values: Mapping[str, Any]) -> Rows:
        """Return all rows of the statement with these values. Raises DatabaseUnavailableError."""
        try:
            try:
                return await self._run(statement, values)
            except (*_CONNECTION_LOST, *_REFUSED):
                return await self._run(statement, values)
        except asyncpg.DataError:  # A value that does not fit is our mistake, not the database's.
            raise
        except (*_CONNECTION_LOST, *_REFUSED, *_UNAVAILABLE) as error:
            raise DatabaseUnavailableError from error


class WritePool(Pool):
    """A pool for single statements that change something.

    Reads have another one, so that changes that wait for a lock keep no read waiting.
    """

    async def execute(self, statement: Statement, values: Mapping[str, Any]) -> Rows:
        """Run the statement with these values. Return what it returns, when it is committed.

        It is repeated once if it surely changed nothing, because the server stops or is no primary
        any more. Raises DatabaseUnavailableError. Then it may have run: a statement whose
        connection is lost is not repeated, because nobody knows whether it was committed.
        """
        try:
            try:
                return await self._run(statement, values)
            except _REFUSED:
                return await self._run(statement, values)
        except asyncpg.DataError:  # A value that does not fit is our mistake, not the database's.
            raise
        except (*_CONNECTION_LOST, *_REFUSED, *_UNAVAILABLE) as error:
            raise DatabaseUnavailableError from error


def _was_not_sent(error: BaseException) -> bool:
    """Return whether asyncpg raised it before it sent the statement.

    It does so where the server's last words came to an idle connection that is not closed yet.
    """
    return isinstance(error, asyncpg.InternalClientError) and str(error).startswith(
        "cannot switch to state"
    )


async def _exact_times(connection: asyncpg.Connection) -> None:
    """Send times as text. asyncpg would store the first and the last one as infinity."""
    await connection.set_type_codec(
        "timestamptz",
        schema="pg_catalog",
        encoder=datetime.isoformat,
        decoder=datetime.fromisoformat,
    )


async def _no_reset(_: object) -> None:
    """Leave the connection as it is. Nothing here changes it, and a RESET is a round trip."""
