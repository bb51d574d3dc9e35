"""Reads that cost one round trip to the database each."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Executable, Row
from sqlalchemy.exc import DBAPIError

from servicekit import database
from servicekit.settings import DatabaseSettings


class Reads:
    """A pool for lone SELECTs: no transaction around them, and no ping before them.

    Without the ping, the first read after the database restarted meets a dead connection. Asking
    again is safe for a read; the pool has then dropped every connection from before.
    """

    def __init__(self, settings: DatabaseSettings) -> None:
        self.engine = database.engine(settings, pool_pre_ping=False, isolation_level="AUTOCOMMIT")

    def rows(self, statement: Executable, values: Mapping[str, Any]) -> Sequence[Row[Any]]:
        """All rows of the statement with these values for its parameters."""
        try:
            return self._ask(statement, values)
        except DBAPIError as error:
            if not error.connection_invalidated:
                raise
            return self._ask(statement, values)

    def _ask(self, statement: Executable, values: Mapping[str, Any]) -> Sequence[Row[Any]]:
        with self.engine.connect() as connection:
            return connection.execute(statement, values).all()
