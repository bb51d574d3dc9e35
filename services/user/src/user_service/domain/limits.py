"""How many failures are free, and how long the wait is after each further one."""

from dataclasses import dataclass
from datetime import timedelta

WINDOW = timedelta(minutes=15)
"""How long what a client did counts, from the first time on; and its wait after too much of it."""

MEMORY = timedelta(days=1)
"""How long an account's failures count, from the last one on."""

MANY = 100
"""Failures in a row after which NIST SP 800-63B (3.2.2) lets nobody go on as before."""

_SECOND = timedelta(seconds=1)


@dataclass(frozen=True)
class Limit:
    """A wait that doubles with each failure beyond the free ones.

    free: how many in a row have no wait. first, longest: the wait after the last of these, and what
    it grows to. hopeless: the wait when MANY have failed. memory: how long they count; from the
    last one on if `lasting`, else from the first.
    """

    free: int
    first: timedelta
    longest: timedelta
    hopeless: timedelta
    memory: timedelta
    lasting: bool

    def wait(self, failures: int) -> timedelta:
        """Return how long to wait after so many."""
        if failures < self.free:
            return timedelta()
        if failures >= MANY:
            return self.hopeless
        doublings = min(failures - self.free, 20)  # more than any wait has
        return min(self.first * 2.0**doublings, self.longest)


@dataclass(frozen=True)
class Limits:
    """The limits in force. Each argument is a number that is free."""

    per_account: int
    per_client: int
    registrations_per_client: int

    @property
    def known(self) -> Limit:
        """On who has signed in to the account before, or has a token: at most a minute."""
        return self._growing(longest=timedelta(minutes=1), hopeless=timedelta(minutes=15))

    @property
    def strangers(self) -> Limit:
        """On all others together, for one account."""
        return self._growing(longest=timedelta(minutes=15), hopeless=timedelta(hours=1))

    @property
    def client(self) -> Limit:
        """On one client's failures over all accounts."""
        return _window(self.per_client)

    @property
    def registrations(self) -> Limit:
        """On one client's registrations, successful or not."""
        return _window(self.registrations_per_client)

    def _growing(self, longest: timedelta, hopeless: timedelta) -> Limit:
        return Limit(self.per_account, _SECOND, longest, hopeless, MEMORY, lasting=True)


def _window(free: int) -> Limit:
    return Limit(free, WINDOW, WINDOW, WINDOW, WINDOW, lasting=False)
