"""The connection to PostgreSQL: the engine and the two health checks."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, create_engine, exc, text

from servicekit.health import Check
from servicekit.problems import ProblemType
from servicekit.settings import DatabaseSettings

CONNECT_TIMEOUT = 5  # seconds
STATEMENT_TIMEOUT = 10_000  # milliseconds
POOL_TIMEOUT = 5  # seconds

_UNAVAILABLE = ProblemType(
    503,
    "database-unavailable",
    "Database unavailable",
    {"Retry-After": "1"},
    detail="The database does not answer. Try again in a moment.",
)


class DatabaseUnavailableError(Exception):
    """The database gave a read no answer: it is away, slow or overrun."""


# For `errors.install`: this, and what SQLAlchemy raises for the same reasons.
PROBLEMS: Mapping[type[Exception], ProblemType] = {
    DatabaseUnavailableError: _UNAVAILABLE,
    exc.OperationalError: _UNAVAILABLE,
    exc.InterfaceError: _UNAVAILABLE,
    exc.TimeoutError: _UNAVAILABLE,
}


def engine(settings: DatabaseSettings, *, pool_pre_ping: bool = True, **options: Any) -> Engine:
    """A pool of connections; nothing connects before the first use.

    `options` are `create_engine`'s. The ping is what makes a restarted database cost nobody a
    failed request: whoever goes without it has to ask again.
    """
    return create_engine(
        settings.database_url.get_secret_value(),
        pool_pre_ping=pool_pre_ping,
        pool_size=settings.database_pool_size,
        max_overflow=0,
        pool_timeout=POOL_TIMEOUT,
        hide_parameters=True,  # values stay out of exceptions, and so out of logs
        connect_args={
            "connect_timeout": CONNECT_TIMEOUT,
            "options": f"-c statement_timeout={STATEMENT_TIMEOUT} -c timezone=UTC",
        },
        **options,
    )


def autocommit(engine: Engine) -> Engine:
    """The same pool without BEGIN and ROLLBACK around each statement: for hot reads."""
    return engine.execution_options(isolation_level="AUTOCOMMIT")


def reachable(engine: Engine) -> Check:
    """Whether the database answers."""

    def probe() -> None:
        with engine.connect() as connection:
            connection.execute(text("SELECT 1"))

    return Check("database", probe)


def schema_current(engine: Engine, migrations: Path) -> Check:
    """Whether every migration that this program knows has run.

    A revision that it does not know is one from the future, left by a newer release while a
    rolling deployment goes on: migrations keep the previous release working.
    """
    # It says the same two lines at every look, once a second.
    logging.getLogger("alembic.runtime.migration").setLevel(logging.WARNING)
    scripts = ScriptDirectory(str(migrations))
    heads = set(scripts.get_heads())
    known = {revision.revision for revision in scripts.walk_revisions()}

    def probe() -> str | None:
        with engine.connect() as connection:
            applied = set(MigrationContext.configure(connection).get_current_heads())
        behind = not applied or (applied <= known and applied != heads)
        return "migrations are missing" if behind else None

    return Check("schema", probe)
