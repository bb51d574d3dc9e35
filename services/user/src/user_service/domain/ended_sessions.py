"""Which sessions have ended, for the services that check access tokens without asking.

They ask once a second instead, for what is new: an access token names its session, and is refused
from then on.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol
from uuid import UUID

# Clocks differ, and a token is made a moment after its session was written down.
MARGIN = timedelta(minutes=5)


@dataclass(frozen=True)
class Ended:
    """Sessions, and the position behind them, from which to ask the next time."""

    position: int
    sessions: Sequence[UUID | str]


class EndedSessionStore(Protocol):
    """Where the ends of sessions are noted. Blocks, and is one transaction."""

    def since(self, position: int, kept: timedelta) -> Ended:
        """Those noted behind a position, and used within `kept`. Some may come a second time.

        Position 0, and one that the store has never given, mean all of them.
        """


class EndedSessions:
    """Sessions that have ended while access tokens of them, good for `lifetime`, may still live."""

    def __init__(self, store: EndedSessionStore, lifetime: timedelta) -> None:
        self._store = store
        self.kept = lifetime + MARGIN
        """How long after its last use an ended session is told of."""

    def since(self, position: int) -> Ended:
        """Those that ended since the answer that gave this position; 0 for all."""
        return self._store.since(position, self.kept)
