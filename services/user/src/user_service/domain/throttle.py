"""Limits on failed sign-ins. Only failures count, and they count before the next hash is made.

A client that has signed in to the account before has a counter of its own: strangers who guess at
the account cannot lock it out. All others share one counter per login name, whether it has an
account or not, and one per client over all login names.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from anyio.to_thread import run_sync

from user_service.domain.errors import TooManyFailuresError
from user_service.domain.passwords import Passwords

WINDOW = timedelta(minutes=15)
"""How long failures count, from the first one on."""

KNOWN = timedelta(days=90)
"""How long a client stays known after it last signed in."""

# No account has it: who knows no account is asked about as well, so that both take equally long.
_NOBODY = 0


@dataclass(frozen=True)
class Counter:
    """Failures under one name, in whatever case, and how many of them are too many."""

    name: str
    limit: int


class FailureStore(Protocol):
    """Where failures and known clients are kept. Every call blocks and is one transaction."""

    def wait(self, counters: Sequence[Counter]) -> timedelta | None:
        """How long until none of them is at its limit; None if none is."""

    def add(self, counters: Sequence[Counter]) -> None: ...

    def clear(self, counter: Counter) -> None: ...

    def is_known(self, account_id: int, client: str) -> bool: ...

    def remember(self, account_id: int, client: str) -> None: ...


@dataclass(frozen=True)
class Limits:
    """Failures allowed in a window."""

    per_account: int
    per_client: int


class Guard:
    """Verifies one password, and counts it if it is wrong."""

    def __init__(
        self, store: FailureStore, passwords: Passwords, counters: Sequence[Counter]
    ) -> None:
        self._store = store
        self._passwords = passwords
        self._counters = counters

    def check(self) -> None:
        """Raises TooManyFailuresError."""
        wait = self._store.wait(self._counters)
        if wait is not None:
            raise TooManyFailuresError(math.ceil(wait.total_seconds()))

    async def verify(self, password: str, hashed: str | None) -> bool:
        """Tell whether the password is the hashed one; nobody's (None) takes as long.

        Raises TooManyFailuresError, HashingBusyError.
        """
        await run_sync(self.check)
        return await self._passwords.run(lambda: self._attempt(password, hashed))

    def forgive(self) -> None:
        """Start from nought. The client's own counter stays: it counts for other accounts, too."""
        self._store.clear(self._counters[0])

    def _attempt(self, password: str, hashed: str | None) -> bool:
        # Again, because others may have failed while this one waited for its turn.
        self.check()
        matches = self._passwords.matches(password, hashed)
        if not matches:
            self._store.add(self._counters)
        return matches


class Throttle:
    """Chooses who counts where."""

    def __init__(self, store: FailureStore, passwords: Passwords, limits: Limits) -> None:
        self._store = store
        self._passwords = passwords
        self._limits = limits

    def sign_in(self, login: str, client: str, account_id: int | None) -> Guard:
        """The guard of an attempt to sign in, to the account that has this login name or none."""
        if self._store.is_known(account_id or _NOBODY, client):
            return self._guard(Counter(f"known:{account_id}:{client}", self._limits.per_account))
        return self._guard(
            Counter(f"login:{login}", self._limits.per_account),
            Counter(f"client:{client}", self._limits.per_client),
        )

    def password_change(self, account_id: int) -> Guard:
        """The guard of somebody who has a token: no stranger's failures count here."""
        return self._guard(Counter(f"password:{account_id}", self._limits.per_account))

    def welcome(self, account_id: int, client: str) -> None:
        """Know the client from now on."""
        self._store.remember(account_id, client)

    def _guard(self, *counters: Counter) -> Guard:
        return Guard(self._store, self._passwords, counters)
