"""How long a request waits for a database that was there a moment ago.

A database that moves to another machine is back after seconds. So in the first seconds of an
outage a new connection is tried again and again, and no request fails. After that each request is
refused at once: waiting ones would only fill the service. A database that has never answered is
not waited for.
"""

import time
from collections.abc import Callable

SECONDS = 5.0
PAUSE = 0.05  # seconds from one attempt to the next


class Patience:
    """The rest of the wait in the present outage. All connections of a pool share it."""

    def __init__(
        self, seconds: float = SECONDS, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._seconds, self._clock = seconds, clock
        self._end: float | None = 0.0  # no wait before the first connection

    def restore(self) -> None:
        """Note that the database answers."""
        self._end = None

    def is_left(self) -> bool:
        """Note that it does not answer, and return whether to try again."""
        now = self._clock()
        if self._end is None:
            self._end = now + self._seconds
        return now < self._end
