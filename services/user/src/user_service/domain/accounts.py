"""What can be done with an account."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol
from uuid import UUID

from user_service.domain import password_rules
from user_service.domain.errors import SignedOutError, WrongPasswordError
from user_service.domain.password_rules import Owner
from user_service.domain.passwords import Hasher
from user_service.domain.refresh_tokens import RefreshToken
from user_service.domain.throttle import Throttle


@dataclass(frozen=True)
class Account:
    """A stored account. Times are in UTC."""

    id: int
    email: str
    username: str
    full_name: str | None
    is_active: bool
    is_superuser: bool
    created_at: datetime
    updated_at: datetime
    hashed_password: str = field(repr=False)


@dataclass(frozen=True)
class Caller:
    """The account and session that an access token names. They may have ended since."""

    account_id: int
    session_id: UUID | None


class Repository(Protocol):
    """Where accounts are kept. Every call is one transaction.

    `require_free`, `insert` and `update` raise EmailTakenError or UsernameTakenError.
    """

    async def require_free(self, email: str, username: str) -> None:
        """Check early that both are free; `insert` checks again."""

    async def insert(
        self, *, email: str, username: str, full_name: str | None, hashed_password: str
    ) -> Account: ...

    async def get_in_session(self, caller: Caller) -> Account | None:
        """Return the caller's account; None unless the session is its own and alive."""

    async def find_by_email(self, email: str) -> Account | None: ...

    async def find_by_username(self, username: str) -> Account | None: ...

    async def update(
        self, account_id: int, changes: Mapping[str, str | None]
    ) -> Account | None: ...

    async def replace_password(
        self, account: Account, hashed_password: str, keep: RefreshToken | None
    ) -> bool:
        """Store the new hash, and end the account's sessions but the one of `keep`.

        Return False if the account is inactive or has another password by now.
        """


class Accounts:
    """The rules of accounts."""

    def __init__(self, repository: Repository, hasher: Hasher, throttle: Throttle) -> None:
        self._repository = repository
        self._hasher = hasher
        self._throttle = throttle

    async def register(
        self, *, email: str, username: str, full_name: str | None, password: str, client: str
    ) -> Account:
        """Create an account.

        Raises PasswordRefusedError, TooManyRegistrationsError, EmailTakenError, UsernameTakenError,
        HashingBusyError.
        """
        password_rules.check(password, Owner(username, email, full_name))
        await self._throttle.register(client)
        # Before the hash, which costs more than all the rest. `insert` would refuse them anyway.
        await self._repository.require_free(email, username)
        hashed_password = await self._hasher.hash(password, client)
        return await self._repository.insert(
            email=email, username=username, full_name=full_name, hashed_password=hashed_password
        )

    async def signed_in(self, caller: Caller) -> Account:
        """Return the caller's account. Raises SignedOutError."""
        return _usable(await self._repository.get_in_session(caller))

    async def prove(self, caller: Caller, password: str, client: str) -> Account:
        """Return the caller's account if the password is the account's.

        Raises SignedOutError, WrongPasswordError, TooManyFailuresError, HashingBusyError.
        """
        account = await self.signed_in(caller)
        await self._prove(account, password, client)
        return account

    async def change_profile(
        self,
        caller: Caller,
        changes: Mapping[str, str | None],
        *,
        current_password: str | None,
        client: str,
    ) -> Account:
        """Set those of `email` and `full_name` that are given; an address needs the password.

        Raises SignedOutError, EmailTakenError, WrongPasswordError, TooManyFailuresError,
        HashingBusyError.
        """
        account = await self.signed_in(caller)
        if "email" in changes:
            await self._prove(account, current_password or "", client)
        if not changes:
            return account
        return _usable(await self._repository.update(account.id, changes))

    async def change_password(
        self, caller: Caller, *, current: str, new: str, keep: str | None, client: str
    ) -> None:
        """Replace the password and end every session but that of the refresh token `keep`.

        Raises SignedOutError, InvalidRefreshTokenError, PasswordRefusedError,
        WrongPasswordError, TooManyFailuresError, HashingBusyError.
        """
        kept = RefreshToken.parse(keep) if keep else None
        account = await self.signed_in(caller)
        owner = Owner(account.username, account.email, account.full_name)
        password_rules.check(new, owner, field="new_password")
        await self._prove(account, current, client)
        hashed_password = await self._hasher.hash(new, client)
        if not await self._repository.replace_password(account, hashed_password, kept):
            raise WrongPasswordError

    async def _prove(self, account: Account, password: str, client: str) -> None:
        """Raise WrongPasswordError unless the password is the account's.

        Raises TooManyFailuresError, HashingBusyError.
        """
        guard = self._throttle.password_change(account.id, client)
        if not await guard.verify(password, account.hashed_password):
            raise WrongPasswordError
        await guard.reset()


def _usable(account: Account | None) -> Account:
    if account is None or not account.is_active:
        raise SignedOutError
    return account
