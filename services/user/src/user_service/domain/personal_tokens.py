"""Personal access tokens: made by the owner of an account for programs, which cannot log in."""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from servicekit.principal import PERSONAL_PREFIX
from user_service.domain.accounts import Account, Accounts, Caller
from user_service.domain.errors import UnknownTokenError

MOST = 50  # of one account
_SECRET_BYTES = 32


@dataclass(frozen=True)
class PersonalToken:
    """A token in the list of its owner. Times are in UTC; `used_at` is exact to about a minute."""

    id: UUID
    name: str
    scopes: Sequence[str]
    created_at: datetime
    used_at: datetime | None
    expires_at: datetime


@dataclass(frozen=True)
class NewToken:
    """A token to be stored, without the token itself."""

    name: str
    scopes: Sequence[str]
    digest: bytes = field(repr=False)
    lifetime: timedelta


@dataclass(frozen=True)
class Introspection:
    """What a service learns about a valid token: whose it is, and what it may do until when."""

    id: UUID
    user_id: int
    scopes: Sequence[str]
    expires_at: datetime


class Repository(Protocol):
    """Where tokens are kept. Every call is one transaction."""

    async def insert(self, account: Account, token: NewToken, most: int) -> PersonalToken:
        """Raise TooManyTokensError if the account has `most` tokens already.

        Raises WrongPasswordError if the account is inactive or has another password by now.
        """

    async def list(self, account_id: int) -> Sequence[PersonalToken]:
        """Return those that have not expired, the newest first."""

    async def delete(self, account_id: int, token_id: UUID) -> bool:
        """Return whether the account had the token."""

    async def use(self, digest: bytes) -> Introspection | None:
        """Note that the token was used; None if no valid token has this digest."""


class PersonalTokens:
    """The rules of personal access tokens."""

    def __init__(self, repository: Repository, accounts: Accounts) -> None:
        self._repository = repository
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
    ) -> tuple[PersonalToken, str]:
        """Make a token. It is returned in clear, and only here.

        It needs the password, so that a stolen access token, good for minutes, does not become a
        token that is good for months. Raises SignedOutError, WrongPasswordError,
        TooManyFailuresError, HashingBusyError, TooManyTokensError.
        """
        account = await self._accounts.prove(caller, current_password, client)
        text = f"{PERSONAL_PREFIX}{secrets.token_urlsafe(_SECRET_BYTES)}"
        token = NewToken(name, sorted(set(scopes)), _digest(text), lifetime)
        return await self._repository.insert(account, token, MOST), text

    async def list(self, caller: Caller) -> Sequence[PersonalToken]:
        """Return the caller's tokens, the newest first. Raises SignedOutError."""
        account = await self._accounts.signed_in(caller)
        return await self._repository.list(account.id)

    async def revoke(self, caller: Caller, token_id: UUID) -> None:
        """End one of the caller's tokens. Raises UnknownTokenError, SignedOutError."""
        account = await self._accounts.signed_in(caller)
        if not await self._repository.delete(account.id, token_id):
            raise UnknownTokenError

    async def introspect(self, text: str) -> Introspection:
        """Return what a token grants that a service has received. Raises UnknownTokenError."""
        introspection = await self._repository.use(_digest(text))
        if introspection is None:
            raise UnknownTokenError
        return introspection


def _digest(text: str) -> bytes:
    # The secret is random: a slow or salted hash would add nothing.
    return hashlib.sha256(text.encode()).digest()
