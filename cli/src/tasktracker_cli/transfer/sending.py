"""Rows of a file to the gateway: several at a time, each exactly once.

Every row has an idempotency key made of the file's content and its number, so that the same file
sent again makes nothing twice: the server remembers a key for 24 hours.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from queue import SimpleQueue
from threading import Event, Lock, Thread
from typing import Any, Protocol

from tasktracker_cli.errors import (
    CliError,
    ConflictError,
    NotFoundError,
    UnavailableError,
    UsageError,
)
from tasktracker_cli.transfer.reading import Row

CONNECTIONS = 8
ATTEMPTS = 6
LONGEST_WAIT = 60.0  # seconds, before one attempt

# What is wrong with one row; anything else would meet the other rows, too.
_OF_THE_ROW = (UsageError, ConflictError, NotFoundError)


class Creates(Protocol):
    """What makes a task; `Tasks` is one."""

    def create(self, fields: Mapping[str, Any], key: str) -> tuple[Any, bool]: ...


@dataclass(frozen=True)
class Outcome:
    """What became of a row: made now, there already, or refused."""

    row: Row
    replayed: bool = False
    error: CliError | None = None


def digest(content: bytes) -> str:
    """The name of a file's content in its rows' keys."""
    return hashlib.sha256(content).hexdigest()[:32]


class Sending:
    """Sends the rows of a file, named by its digest, over several connections.

    `connect` opens one; `first_pause` is in seconds, and each pause twice the one before.
    """

    def __init__(
        self, connect: Callable[[], Creates], file: str, first_pause: float = 0.25
    ) -> None:
        self._connect = connect
        self._file = file
        self._first_pause = first_pause
        self._stop = Event()
        self._lock = Lock()
        self._results: SimpleQueue[Outcome | Exception | None] = SimpleQueue()

    def outcomes(self, rows: Sequence[Row]) -> Generator[Outcome, None, None]:
        """Give what becomes of the rows, in no order; raise what stops all of them.

        Whoever stops listening stops the sending, after the requests that are under way.
        """
        waiting = iter(rows)
        threads = [
            Thread(target=self._work, args=(waiting,)) for _ in range(min(CONNECTIONS, len(rows)))
        ]
        for thread in threads:
            thread.start()
        try:
            yield from self._collected(len(threads))
        finally:
            self._stop.set()
            for thread in threads:
                thread.join()

    def _collected(self, running: int) -> Iterator[Outcome]:
        while running:
            result = self._results.get()
            if result is None:
                running -= 1
            elif isinstance(result, Exception):
                raise result
            else:
                yield result

    def _work(self, waiting: Iterator[Row]) -> None:
        try:
            tasks = self._connect()
            while (row := self._next(waiting)) is not None:
                self._results.put(self._send(tasks, row))
        except Exception as error:
            self._results.put(error)
        self._results.put(None)

    def _next(self, waiting: Iterator[Row]) -> Row | None:
        with self._lock:
            return None if self._stop.is_set() else next(waiting, None)

    def _send(self, tasks: Creates, row: Row) -> Outcome:
        attempt = 1
        while True:
            try:
                _, replayed = tasks.create(row.fields, f"import-{self._file}-{row.number}")
                return Outcome(row, replayed)
            except _OF_THE_ROW as error:
                return Outcome(row, error=error)
            except UnavailableError as error:
                pause = error.retry_after or self._first_pause * 2 ** (attempt - 1)
                if attempt == ATTEMPTS or pause > LONGEST_WAIT or self._stop.wait(pause):
                    raise
            attempt += 1
