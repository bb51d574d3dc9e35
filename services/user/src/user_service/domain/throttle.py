"""Limits on failed sign-ins and on registrations: who has used one up waits.

Only failures count, and they count before the next hash is made. A client that has signed in to the
account before has a counter of its own: strangers who guess at the account cannot lock it out. All
others share one counter per account, and one per client over all accounts. The reasons are in
docs/decisions/0031-sign-in-under-attack.md.
"""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Protocol

import structlog
from anyio.to_thread import run_sync

from user_service.domain.errors import TooManyFailuresError, TooManyRegistrationsError
from user_service.domain.limits import Limit, Limits
from user_service.domain.passwords import Passwords

KNOWN = timedelta(days=90)
"""How long a client stays known after it last signed in."""

# No account has it: who knows no account is asked about as well, so that both take equally long.
_NOBODY = 0

_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Counter:
    """What is counted under one name, in whatever case, and the limit on it."""

    name: str
    limit: Limit


class FailureStore(Protocol):
    """Where failures and known clients are kept. Every call blocks and is one transaction."""

    def wait(self, counters: Sequence[Counter]) -> timedelta | None:
        """How long until none of them has to wait any more; None if none has to."""

    def add(self, counters: Sequence[Counter]) -> None:
        """Count one more in each, and start the wait that it leads to."""

    def clear(self, counter: Counter) -> None: ...

    def is_known(self, account_id: int, client: str) -> bool: ...

    def remember(self, account_id: int, client: str) -> None: ...


@dataclass(frozen=True)
class Attempt:
    """Who tries a password, on which account, if there is one. All of it that a log may have."""

    client: str
    account_id: int | None


class Guard:
    """Verifies one password, and counts it if it is wrong."""

    def __init__(
        self,
        store: FailureStore,
        passwords: Passwords,
        attempt: Attempt,
        counters: Sequence[Counter],
    ) -> None:
        self._store = store
        self._passwords = passwords
        self._attempt = attempt
        self._counters = counters

    async def verify(self, password: str, hashed: str | None) -> bool:
        """Tell whether the password is the hashed one; nobody's (None) takes as long.

        Raises TooManyFailuresError, HashingBusyError.
        """
        await run_sync(self._check)
        return await self._passwords.run(
            lambda: self._verify(password, hashed), self._attempt.client
        )

    def forgive(self) -> None:
        """Start from nought. The client's own counter stays: it counts for other accounts, too."""
        self._store.clear(self._counters[0])

    def _check(self) -> None:
        wait = self._store.wait(self._counters)
        if wait is not None:
            self._report("password not tried: too many failures")
            raise TooManyFailuresError(math.ceil(wait.total_seconds()))

    def _verify(self, password: str, hashed: str | None) -> bool:
        # Again, because others may have failed while this one waited for its turn.
        self._check()
        matches = self._passwords.matches(password, hashed)
        if not matches:
            self._store.add(self._counters)
            self._report("wrong password")
        return matches

    def _report(self, event: str) -> None:
        # Never what was typed: some type their password where the name belongs.
        _log.warning(event, **asdict(self._attempt))


class Throttle:
    """Chooses who counts where."""

    def __init__(self, store: FailureStore, passwords: Passwords, limits: Limits) -> None:
        self._store = store
        self._passwords = passwords
        self._limits = limits

    def sign_in(self, login: str, client: str, account_id: int | None) -> Guard:
        """The guard of an attempt to sign in, to the account that has this login name or none."""
        attempt = Attempt(client, account_id)
        if self._store.is_known(account_id or _NOBODY, client):
            return self._guard(attempt, Counter(f"known:{account_id}:{client}", self._limits.known))
        # An account has two names and one counter.
        name = f"login:{login}" if account_id is None else f"account:{account_id}"
        return self._guard(
            attempt,
            Counter(name, self._limits.strangers),
            Counter(f"client:{client}", self._limits.client),
        )

    def password_change(self, account_id: int, client: str) -> Guard:
        """The guard of somebody who has a token: no stranger's failures count here."""
        counter = Counter(f"password:{account_id}", self._limits.known)
        return self._guard(Attempt(client, account_id), counter)

    def register(self, client: str) -> None:
        """Count an attempt to register. Blocks on the store. Raises TooManyRegistrationsError."""
        counter = [Counter(f"registrations:{client}", self._limits.registrations)]
        wait = self._store.wait(counter)
        if wait is not None:
            _log.warning("not registered: too many registrations", client=client)
            raise TooManyRegistrationsError(math.ceil(wait.total_seconds()))
        self._store.add(counter)

    def welcome(self, account_id: int, client: str) -> None:
        """Know the client from now on."""
        self._store.remember(account_id, client)

    def _guard(self, attempt: Attempt, *counters: Counter) -> Guard:
        return Guard(self._store, self._passwords, attempt, counters)
