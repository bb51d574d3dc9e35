"""Send the rows of a file to the gateway: one after the other, each exactly once.

Every row has an idempotency key made of the file's content and its number, so that the same file
sent again makes nothing twice: the server remembers a key for 24 hours. One at a time, because
tasks are listed in the order in which they were made (docs/decisions/0036-import-order.md).
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from tasktracker_cli.errors import (
    CliError,
    ConflictError,
    NotFoundError,
    UnavailableError,
    UsageError,
)
from tasktracker_cli.gateway import models
from tasktracker_cli.transfer.rows import Row

T = TypeVar("T")

ATTEMPTS = 6
NOTICEABLE = 1.0  # seconds
LONGEST_WAIT = 60.0  # seconds, before one attempt

# Errors of one row. Any other error would meet the other rows, too.
_OF_THE_ROW = (UsageError, ConflictError, NotFoundError)


class TaskCreator(Protocol):
    """What makes a task; `Tasks` is one."""

    def create_once(self, fields: Mapping[str, Any], key: str) -> tuple[Any, bool]: ...

    def exists(self, task_id: int) -> bool: ...


@dataclass(frozen=True)
class Outcome:
    """What became of a row: made now, there already, deleted since it was made, or refused."""

    row: Row
    replayed: bool = False
    deleted: bool = False
    error: CliError | None = None


def digest(content: bytes) -> str:
    """Return the name of a file's content in its rows' keys."""
    return hashlib.sha256(content).hexdigest()[:32]


class RowSender:
    """Sends the rows of a file, named by its digest.

    With `again` a task that the file made before is made anew if it has been deleted since.
    `pause` is in seconds, and each pause twice the one before; `tell` is told of the longer ones.
    """

    def __init__(
        self,
        tasks: TaskCreator,
        file: str,
        *,
        again: bool = False,
        tell: Callable[[str], None] = lambda _: None,
        pause: float = 0.25,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._tasks = tasks
        self._file = file
        self._again = again
        self._tell = tell
        self._pause = pause
        self._sleep = sleep

    def outcomes(self, rows: Sequence[Row]) -> Iterator[Outcome]:
        """Yield what becomes of the rows, in their order; raise what stops all of them."""
        for row in rows:
            try:
                yield self._sent(row)
            except _OF_THE_ROW as error:
                yield Outcome(row, error=error)

    def _sent(self, row: Row) -> Outcome:
        key = f"import-{self._file}-{row.number}"
        while True:
            raw, replayed = self._with_retries(self._tasks.create_once, row.fields, key)
            if not replayed:
                return Outcome(row)
            number = models.task(raw).id
            if self._with_retries(self._tasks.exists, number):
                return Outcome(row, replayed=True)
            if not self._again:
                return Outcome(row, replayed=True, deleted=True)
            # The key of the new task has the deleted task's id: it is created once, too.
            key = f"import-{self._file}-{row.number}-after-{number}"

    def _with_retries(self, call: Callable[..., T], *arguments: Any) -> T:
        """Return the call's answer; try again after faults that may pass."""
        attempt = 1
        while True:
            try:
                return call(*arguments)
            except UnavailableError as error:
                pause = error.retry_after or self._pause * 2 ** (attempt - 1)
                if attempt == ATTEMPTS or pause > LONGEST_WAIT:
                    raise
                if pause >= NOTICEABLE:
                    self._tell(f"{error.message} Trying again in {pause:g} s.")
                self._sleep(pause)
            attempt += 1
