"""The sessions that have ended while access tokens of them may live.

`servicekit.tokens` looks here at every token; `servicekit.session_follower` fills it.
"""

import time
from collections.abc import Callable, Container, Iterable
from uuid import UUID

PATH = "/internal/ended-sessions"
"""Where the user service tells of them: no route of the gateway leads there."""
CAPACITY = 200_000  # sessions, about 40 MB


class EndedSessions(Container[object]):
    """Ids of sessions, each until no token of it can be alive. `clock` gives seconds.

    When there are `capacity`, a new one displaces the one that came first. Not for two threads at
    once.
    """

    def __init__(
        self, capacity: int = CAPACITY, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._capacity = capacity
        self._clock = clock
        self._ends: dict[UUID, float] = {}  # in the order in which they came, and are over

    def __contains__(self, session_id: object) -> bool:
        return session_id in self._ends

    def __len__(self) -> int:
        return len(self._ends)

    def add(self, sessions: Iterable[UUID], seconds: float) -> None:
        """Know these for so many seconds, and forget those whose time is over."""
        now = self._clock()
        for session in sessions:
            self._ends.setdefault(session, now + seconds)
        while self._ends and self._is_over(first := next(iter(self._ends)), now):
            del self._ends[first]

    def _is_over(self, session: UUID, now: float) -> bool:
        return len(self._ends) > self._capacity or self._ends[session] <= now
