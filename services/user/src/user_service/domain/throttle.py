"""Limits on failed logins and on registrations: a client that has used one up has to wait.

Only failures count, and they count before the next hash is computed. A client that has logged in to
the account before has a counter of its own, so failures of other clients cannot lock it out. All
other clients share one counter per account, and each has one over all accounts. The reasons are in
docs/decisions/0031-sign-in-under-attack.md.
"""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Protocol

import structlog

from user_service.domain.errors import TooManyFailuresError, TooManyRegistrationsError
from user_service.domain.limits import Limit, Limits
from user_service.domain.passwords import Hasher

KNOWN_FOR = timedelta(days=90)
"""How long a client stays known after its last login."""

# The id of no account. A login with an unknown name asks for this one, and so takes as long.
_NO_ACCOUNT = 0

_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Counter:
    """What is counted under one name, in any case, and the limit on it."""

    name: str
    limit: Limit


class Repository(Protocol):
    """Where counters and known clients are kept. Every call is one transaction."""

    async def wait(self, counters: Sequence[Counter]) -> timedelta | None:
        """Return how long the longest wait still is; None if there is none."""

    async def add(self, counters: Sequence[Counter]) -> None:
        """Count one more in each, and start the wait that follows from it."""

    async def reset(self, counter: Counter) -> None: ...

    async def is_known(self, account_id: int, client: str) -> bool: ...

    async def remember(self, account_id: int, client: str) -> None: ...


@dataclass(frozen=True)
class Attempt:
    """An attempt to give a password: all of it that may be logged."""

    client: str
    account_id: int | None


class Guard:
    """Verifies one password, and counts it if it is wrong."""

    def __init__(
        self,
        repository: Repository,
        hasher: Hasher,
        attempt: Attempt,
        counters: Sequence[Counter],
    ) -> None:
        self._repository = repository
        self._hasher = hasher
        self._attempt = attempt
        self._counters = counters

    async def verify(self, password: str, hashed: str | None) -> bool:
        """Return whether the password is the hashed one; without a hash False, as slowly.

        Raises TooManyFailuresError, HashingBusyError.
        """
        await self._check()
        async with self._hasher.slot(self._attempt.client) as verify:
            # Again, because other attempts may have failed during the wait.
            await self._check()
            matches = await verify(password, hashed)
            if not matches:
                await self._repository.add(self._counters)
                self._report("wrong password")
        return matches

    async def reset(self) -> None:
        """Start from nought. The client's counter stays, because it counts for all accounts."""
        await self._repository.reset(self._counters[0])

    async def _check(self) -> None:
        wait = await self._repository.wait(self._counters)
        if wait is not None:
            self._report("password not tried: too many failures")
            raise TooManyFailuresError(math.ceil(wait.total_seconds()))

    def _report(self, event: str) -> None:
        # Never the login name: people type their password there by mistake.
        _log.warning(event, **asdict(self._attempt))


class Throttle:
    """Chooses which counters an attempt is counted in."""

    def __init__(self, repository: Repository, hasher: Hasher, limits: Limits) -> None:
        self._repository = repository
        self._hasher = hasher
        self._limits = limits

    async def sign_in(self, login: str, client: str, account_id: int | None) -> Guard:
        """Return the guard of a login with this name, which an account has or none (None)."""
        attempt = Attempt(client, account_id)
        if await self._repository.is_known(account_id or _NO_ACCOUNT, client):
            own = Counter(f"known:{account_id}:{client}", self._limits.known_client)
            return self._guard(attempt, own)
        # An account has two names and one counter.
        name = f"login:{login}" if account_id is None else f"account:{account_id}"
        return self._guard(
            attempt,
            Counter(name, self._limits.other_clients),
            Counter(f"client:{client}", self._limits.client),
        )

    def password_change(self, account_id: int, client: str) -> Guard:
        """Return the guard of a caller who has a token. Failed logins do not count here."""
        counter = Counter(f"password:{account_id}", self._limits.known_client)
        return self._guard(Attempt(client, account_id), counter)

    async def register(self, client: str) -> None:
        """Count an attempt to register. Raises TooManyRegistrationsError."""
        counter = [Counter(f"registrations:{client}", self._limits.registrations)]
        wait = await self._repository.wait(counter)
        if wait is not None:
            _log.warning("not registered: too many registrations", client=client)
            raise TooManyRegistrationsError(math.ceil(wait.total_seconds()))
        await self._repository.add(counter)

    async def remember(self, account_id: int, client: str) -> None:
        """Know the client from now on."""
        await self._repository.remember(account_id, client)

    def _guard(self, attempt: Attempt, *counters: Counter) -> Guard:
        return Guard(self._repository, self._hasher, attempt, counters)
