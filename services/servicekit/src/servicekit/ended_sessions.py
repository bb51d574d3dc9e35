"""The sessions that have ended while their access tokens may still be valid.

`servicekit.session_follower` fills it, and `servicekit.tokens` checks each token against it.
"""

import time
from collections.abc import Callable, Container, Iterable
from uuid import UUID

PATH = "/internal/ended-sessions"
"""The path of the user service that lists them. The gateway has no route to it."""
CAPACITY = 200_000  # sessions, about 40 MB


class EndedSessions(Container[object]):
    """Ids of sessions, each for as long as a token of it can be valid. `clock` gives seconds.

    When there are `capacity` ids, a new one replaces the oldest. Not thread-safe.
    """

    def __init__(
        self, capacity: int = CAPACITY, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._capacity = capacity
        self._clock = clock
        self._ends: dict[UUID, float] = {}  # in the order in which they came, and expire

    def __contains__(self, session_id: object) -> bool:
        return session_id in self._ends

    def __len__(self) -> int:
        return len(self._ends)

    def add(self, sessions: Iterable[UUID], seconds: float) -> None:
        """Add these for so many seconds, and remove those whose time is over."""
        now = self._clock()
        for session in sessions:
            self._ends.setdefault(session, now + seconds)
        while self._ends and self._is_expired(first := next(iter(self._ends)), now):
            del self._ends[first]

    def _is_expired(self, session: UUID, now: float) -> bool:
        return len(self._ends) > self._capacity or self._ends[session] <= now
