"""Which sessions have ended, for the services that check access tokens without asking.

They ask once a second what is new. An access token names its session, and is refused after that.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol
from uuid import UUID

# Clocks differ, and a token is issued a moment after its session was stored.
MARGIN = timedelta(minutes=5)


@dataclass(frozen=True)
class Ended:
    """Ended sessions, and the position after them, from which to ask the next time."""

    position: int
    sessions: Sequence[UUID | str]


class Repository(Protocol):
    """Where the ends of sessions are noted. Every call is one transaction."""

    async def since(self, position: int, kept: timedelta) -> Ended:
        """Return those noted after a position and used within `kept`; some may come twice.

        Position 0, and one that this database has never given, mean all of them.
        """


class EndedSessions:
    """Sessions that have ended while access tokens of them, good for `lifetime`, may be valid."""

    def __init__(self, repository: Repository, lifetime: timedelta) -> None:
        self._repository = repository
        self.kept = lifetime + MARGIN
        """How long after its last use an ended session is listed."""

    async def since(self, position: int) -> Ended:
        """Return those that ended since the answer that gave this position; 0 for all."""
        return await self._repository.since(position, self.kept)
