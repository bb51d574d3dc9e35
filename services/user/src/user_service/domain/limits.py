"""How many failures are free, and how long the wait is after each further one."""

from dataclasses import dataclass
from datetime import timedelta

CLIENT_WINDOW = timedelta(minutes=15)
"""How long a client's failures or registrations count, from the first one; and the wait then."""

ACCOUNT_WINDOW = timedelta(days=1)
"""How long an account's failures count, from the last one."""

MANY = 100
"""Failures in a row, the most that NIST SP 800-63B (3.2.2) allows at the usual rate."""

_SECOND = timedelta(seconds=1)


@dataclass(frozen=True)
class Limit:
    """A wait that doubles with each failure after the free ones.

    free: failures in a row without a wait. first_wait: the wait after the last of these.
    longest_wait: what it grows to. final_wait: the wait after MANY failures or more.
    window: how long failures count; from the last one if `sliding`, else from the first.
    """

    free: int
    first_wait: timedelta
    longest_wait: timedelta
    final_wait: timedelta
    window: timedelta
    sliding: bool

    def wait(self, failures: int) -> timedelta:
        """Return how long to wait after this number of failures."""
        if failures < self.free:
            return timedelta()
        if failures >= MANY:
            return self.final_wait
        doublings = min(failures - self.free, 20)  # more than any wait has
        return min(self.first_wait * 2.0**doublings, self.longest_wait)


@dataclass(frozen=True)
class Limits:
    """The limits in force. Each argument is a number of free attempts."""

    per_account: int
    per_client: int
    registrations_per_client: int

    @property
    def known_client(self) -> Limit:
        """On a client that has logged in to the account before, or a caller with a token."""
        return self._growing(timedelta(minutes=1), final_wait=timedelta(minutes=15))

    @property
    def other_clients(self) -> Limit:
        """On all other clients together, for one account."""
        return self._growing(timedelta(minutes=15), final_wait=timedelta(hours=1))

    @property
    def client(self) -> Limit:
        """On one client's failures over all accounts."""
        return _fixed_window(self.per_client)

    @property
    def registrations(self) -> Limit:
        """On one client's registrations, successful or not."""
        return _fixed_window(self.registrations_per_client)

    def _growing(self, longest_wait: timedelta, final_wait: timedelta) -> Limit:
        return Limit(
            self.per_account, _SECOND, longest_wait, final_wait, ACCOUNT_WINDOW, sliding=True
        )


def _fixed_window(free: int) -> Limit:
    wait = CLIENT_WINDOW
    return Limit(free, wait, wait, wait, CLIENT_WINDOW, sliding=False)
