"""The engine for PostgreSQL, its health checks, and what its errors mean."""

import re
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import psycopg2
from psycopg2.errors import ReadOnlySqlTransaction, UndefinedTable
from sqlalchemy import Engine, QueuePool, create_engine, event, exc, text

from servicekit import time_limit, tracing
from servicekit.health import Check
from servicekit.patience import PAUSE, Patience
from servicekit.problems import ProblemType
from servicekit.settings import STATEMENT_TIMEOUT, DatabaseSettings
from servicekit.traced_engine import trace_statements

POOL_TIMEOUT = 5  # seconds
# A standby refuses a new connection by this: it would answer reads with old data.
PRIMARY = "primary"
_REVISION = re.compile(r"""^(down_)?revision = ["'](.+)["']$""", re.MULTILINE)

_UNAVAILABLE = ProblemType(
    503,
    "database-unavailable",
    "Database unavailable",
    {"Retry-After": "1"},
    detail="The database does not answer. Try again in a moment.",
)


class DatabaseUnavailableError(Exception):
    """The database did not answer a read: it is down, too slow or overloaded."""


# For `errors.install`. SQLAlchemy raises its own errors for the same reasons.
PROBLEMS: Mapping[type[Exception], ProblemType] = {
    DatabaseUnavailableError: _UNAVAILABLE,
    exc.OperationalError: _UNAVAILABLE,
    exc.InterfaceError: _UNAVAILABLE,
    exc.TimeoutError: _UNAVAILABLE,
}


def engine(settings: DatabaseSettings) -> Engine:
    """Return an engine with a pool. It connects at the first use.

    Before each use it checks that the server has not closed the connection, as it does when it
    restarts. So a restart makes no request fail. Nor does a short outage: see `Patience`.
    """
    time_limit.install()
    made = create_engine(
        settings.database_url.get_secret_value(),
        pool_pre_ping=True,
        pool_size=settings.database_pool_size,
        max_overflow=0,
        pool_timeout=POOL_TIMEOUT,
        hide_parameters=True,  # values stay out of exceptions, and so out of logs
        connect_args={
            "options": f"-c statement_timeout={STATEMENT_TIMEOUT} -c timezone=UTC",
            "target_session_attrs": PRIMARY,
        },
    )
    _wait_for_connections(made, Patience())
    if tracing.is_on():
        trace_statements(made)
    return made


def _wait_for_connections(engine: Engine, patience: Patience) -> None:
    """Try again to connect while there is patience left. It blocks the thread."""

    @event.listens_for(engine, "do_connect")
    def connect(dialect: Any, _: object, words: list[Any], options: dict[str, Any]) -> Any:
        while True:
            try:
                connection = dialect.connect(*words, **options)
            except psycopg2.OperationalError:
                if not patience.is_left():
                    raise
                time.sleep(PAUSE)
            else:
                patience.restore()
                return connection


def is_lost(error: exc.DBAPIError) -> bool:
    """Return whether the connection is lost, or leads to a server that only reads.

    A transaction that was not committed may be repeated on a new one.
    """
    return error.connection_invalidated or isinstance(error.orig, ReadOnlySqlTransaction)


def autocommit(engine: Engine) -> Engine:
    """Return an engine on the same pool that commits each statement: one round trip, not three."""
    return engine.execution_options(isolation_level="AUTOCOMMIT")


def in_use(engine: Engine) -> int:
    """Return how many connections of the engine's pool are given out now."""
    return cast(QueuePool, engine.pool).checkedout()


def reachable(engine: Engine) -> Check:
    """Check that the database answers: a connection comes out of the pool only if it does.

    Requests wait for one that moves. If the check did not, the gateway would know no instance when
    it is back.
    """

    def probe() -> None:
        autocommit(engine).connect().close()

    return Check("database", probe, patience=Patience())


def schema_current(engine: Engine, migrations: Path) -> Check:
    """Check that all migrations of this program have run.

    A revision that the program does not know comes from a newer release, as during a rolling
    deployment. That is no fault, because each migration keeps the previous release working.
    """
    known, heads = _revisions(migrations)

    def probe() -> str | None:
        applied = _applied(engine)
        behind = not applied or (applied <= known and applied != heads)
        return "migrations are missing" if behind else None

    return Check("schema", probe, patience=Patience())


def _revisions(migrations: Path) -> tuple[set[str], set[str]]:
    """Return the revisions of the migrations, and the last ones.

    Alembic itself would take 7 MiB of each process (docs/decisions/0077-idle-again.md).
    """
    texts = [each.read_text() for each in (migrations / "versions").glob("*.py")]
    named = [match for text in texts for match in _REVISION.findall(text)]
    known = {name for down, name in named if not down}
    return known, known - {name for down, name in named if down}


def _applied(engine: Engine) -> set[str]:
    """Return the revisions of the schema. Alembic's own look costs twice as much, each second."""
    with autocommit(engine).connect() as connection:
        try:
            return set(connection.scalars(text("SELECT version_num FROM alembic_version")))
        except exc.ProgrammingError as error:
            if isinstance(error.orig, UndefinedTable):  # before the first migration
                return set()
            raise
