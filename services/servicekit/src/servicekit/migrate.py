"""Brings a database to the schema in a service's package.

A service's `migrations/env.py` is:

    from servicekit import migrate
    from <name>_service.persistence.tables import metadata

    migrate.run_env(metadata)
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import structlog
from alembic import command, context
from alembic.config import Config
from sqlalchemy import Connection, Engine, MetaData, NullPool, create_engine, text
from sqlalchemy.exc import OperationalError

from servicekit.settings import CONNECT_TIMEOUT, psycopg2_url

RETRY_INTERVAL = 0.2  # seconds
LOCK = 0x7461736B  # any number that is the same for all migrations of a database
_log = structlog.get_logger(__name__)


class DatabaseUnreachableError(Exception):
    """The database accepted no connection in the given time."""


def upgrade(database_url: str, migrations: Path, wait_seconds: float = 60) -> None:
    """Run the migrations that are missing, one process at a time.

    Wait up to `wait_seconds` for the database, because its proxy may still be starting. Raises
    DatabaseUnreachableError after that.
    """
    engine = create_engine(
        psycopg2_url(database_url),
        poolclass=NullPool,
        connect_args={"connect_timeout": CONNECT_TIMEOUT},
    )
    _wait(engine, wait_seconds)
    with _lock(engine), engine.connect() as connection:
        command.upgrade(_config(migrations, connection), "head")
    _log.info("schema is current")


def run_env(metadata: MetaData) -> None:
    """Migrate on the connection that `upgrade` opened. All that a service's env.py has to do."""
    connection: Connection = context.config.attributes["connection"]
    context.configure(connection=connection, target_metadata=metadata)
    with context.begin_transaction():
        context.run_migrations()


def _config(migrations: Path, connection: Connection) -> Config:
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(migrations).replace("%", "%%"))
    return config


def _wait(engine: Engine, wait_seconds: float) -> None:
    deadline = time.monotonic() + wait_seconds
    while True:
        try:
            engine.connect().close()
            return
        except OperationalError as error:
            reason = str(error.orig).strip()
            _log.info("database refuses the connection", reason=reason)
            if time.monotonic() >= deadline:
                message = f"the database was not reachable for {wait_seconds:g} s: {reason}"
                raise DatabaseUnreachableError(message) from error
        time.sleep(RETRY_INTERVAL)


@contextmanager
def _lock(engine: Engine) -> Iterator[None]:
    """Hold an advisory lock on a session of its own, so that a migration can commit and keep it.

    It polls for the lock. CREATE INDEX CONCURRENTLY waits for all open statements. If one of them
    waited for this lock, neither would ever end.
    """
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        while not connection.scalar(text("SELECT pg_try_advisory_lock(:key)"), {"key": LOCK}):
            time.sleep(RETRY_INTERVAL)
        try:
            yield
        finally:
            connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": LOCK})
