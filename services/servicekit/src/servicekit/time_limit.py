"""A time limit for psycopg 2, which has none of its own.

The server's limit for a statement does not count if the server hangs, and the kernel of its machine
keeps the connection. Without a limit each thread would wait for ever, the health checks' too.
"""

import select
import time

import psycopg2
from psycopg2 import extensions

from servicekit.settings import CONNECT_TIMEOUT, STATEMENT_TIMEOUT

# Longer than the server's own limit, which says more about the statement.
ANSWER_TIMEOUT = STATEMENT_TIMEOUT / 1000 + 1  # seconds

_CONNECTED = (extensions.STATUS_READY, extensions.STATUS_BEGIN, extensions.STATUS_PREPARED)
_EVENTS = {extensions.POLL_READ: select.POLLIN, extensions.POLL_WRITE: select.POLLOUT}


def install() -> None:
    """Limit the wait for the server in every psycopg 2 connection of this process.

    After the limit psycopg 2 closes the connection, and the caller gets its OperationalError.
    """
    extensions.set_wait_callback(_wait)


def _wait(connection: extensions.connection) -> None:
    """Wait until the server has answered. psycopg 2 calls it in place of a wait in libpq."""
    # libpq's connect_timeout does not count in this mode.
    limit = ANSWER_TIMEOUT if connection.status in _CONNECTED else CONNECT_TIMEOUT
    end = time.monotonic() + limit
    while (state := connection.poll()) != extensions.POLL_OK:
        ready = select.poll()
        ready.register(connection.fileno(), _EVENTS[state])
        if not ready.poll(max(0.0, end - time.monotonic()) * 1000):
            raise psycopg2.OperationalError(f"The server did not answer within {limit:g} s.")
