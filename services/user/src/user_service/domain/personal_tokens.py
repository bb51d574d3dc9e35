"""Personal access tokens: made by an account's owner for programs of theirs, that cannot log in."""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from anyio.to_thread import run_sync

from servicekit.principal import PERSONAL_PREFIX
from user_service.domain.accounts import Account, Accounts, Caller
from user_service.domain.errors import UnknownTokenError

MOST = 50  # of one account
_SECRET_BYTES = 32


@dataclass(frozen=True)
class Entry:
    """A token in its owner's list. Times are in UTC; `used_at` is exact to about a minute."""

    id: UUID
    name: str
    scopes: Sequence[str]
    created_at: datetime
    used_at: datetime | None
    expires_at: datetime


@dataclass(frozen=True)
class Draft:
    """A token about to be, of which only the digest is stored."""

    name: str
    scopes: Sequence[str]
    digest: bytes = field(repr=False)
    lifetime: timedelta


@dataclass(frozen=True)
class Grant:
    """Whose token it is, and what it may do until it expires."""

    id: UUID
    user_id: int
    scopes: Sequence[str]
    expires_at: datetime


class PersonalTokenStore(Protocol):
    """Where tokens are kept. Every call blocks and is one transaction."""

    def insert(self, account: Account, draft: Draft, most: int) -> Entry:
        """Raises TooManyTokensError if the account has `most` already.

        Raises WrongPasswordError if it is not active any more, or has another password by now.
        """

    def entries(self, account_id: int) -> list[Entry]:
        """Those that have not expired, the newest first."""

    def delete(self, account_id: int, token_id: UUID) -> bool:
        """Tell whether the account had it."""

    def use(self, digest: bytes) -> Grant | None:
        """What the token grants, noting that it was used; None if it is none that is alive."""


class PersonalTokens:
    """The rules of tokens. What asks for the password is a coroutine; the rest blocks."""

    def __init__(self, store: PersonalTokenStore, accounts: Accounts) -> None:
        self._store = store
        self._accounts = accounts

    async def create(
        self,
        caller: Caller,
        *,
        name: str,
        scopes: Sequence[str],
        lifetime: timedelta,
        current_password: str,
        client: str,
    ) -> tuple[Entry, str]:
        """Make a token; it is returned in clear this once.

        The password is asked for: an access token that was copied for minutes must not become one
        that is good for months. Raises SignedOutError, WrongPasswordError, TooManyFailuresError,
        HashingBusyError, TooManyTokensError.
        """
        account = await self._accounts.prove(caller, current_password, client)
        text = f"{PERSONAL_PREFIX}{secrets.token_urlsafe(_SECRET_BYTES)}"
        draft = Draft(name, sorted(set(scopes)), _digest(text), lifetime)
        return await run_sync(self._store.insert, account, draft, MOST), text

    def entries(self, caller: Caller) -> list[Entry]:
        """The caller's tokens. Raises SignedOutError."""
        return self._store.entries(self._accounts.signed_in(caller).id)

    def revoke(self, caller: Caller, token_id: UUID) -> None:
        """End one of the caller's tokens. Raises UnknownTokenError, SignedOutError."""
        account = self._accounts.signed_in(caller)
        if not self._store.delete(account.id, token_id):
            raise UnknownTokenError

    def use(self, text: str) -> Grant:
        """What a token grants that somebody has shown to a service. Raises UnknownTokenError."""
        grant = self._store.use(_digest(text))
        if grant is None:
            raise UnknownTokenError
        return grant


def _digest(text: str) -> bytes:
    # The secret is random: a slow or salted hash would add nothing.
    return hashlib.sha256(text.encode()).digest()
