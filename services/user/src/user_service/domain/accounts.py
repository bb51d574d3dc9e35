"""What can be done with an account."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol
from uuid import UUID

from anyio.to_thread import run_sync

from user_service.domain import password_rules
from user_service.domain.errors import SignedOutError, WrongPasswordError
from user_service.domain.password_rules import Owner
from user_service.domain.passwords import Passwords
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
    """What an access token says of who asks, while nobody has looked whether it still holds."""

    account_id: int
    session_id: UUID | None


class AccountStore(Protocol):
    """Where accounts are kept. Every call blocks and is one transaction.

    `require_free`, `insert` and `update` raise EmailTakenError or UsernameTakenError.
    """

    def require_free(self, email: str, username: str) -> None:
        """Look before the work is done; `insert` looks again."""

    def insert(
        self, *, email: str, username: str, full_name: str | None, hashed_password: str
    ) -> Account: ...

    def get_in_session(self, caller: Caller) -> Account | None:
        """The account of this id, if the session is its own and alive."""

    def find_by_email(self, email: str) -> Account | None: ...

    def find_by_username(self, username: str) -> Account | None: ...

    def update(self, account_id: int, changes: Mapping[str, str | None]) -> Account | None: ...

    def replace_password(
        self, account: Account, hashed_password: str, keep: RefreshToken | None
    ) -> bool:
        """End the account's sessions as well, but the one of `keep`.

        False if the account is not active any more, or has another password by now.
        """


class Accounts:
    """The account rules. What hashes a password is a coroutine; the rest blocks on the store."""

    def __init__(self, store: AccountStore, passwords: Passwords, throttle: Throttle) -> None:
        self._store = store
        self._passwords = passwords
        self._throttle = throttle

    async def register(
        self, *, email: str, username: str, full_name: str | None, password: str, client: str
    ) -> Account:
        """Create an account.

        Raises PasswordRefusedError, TooManyRegistrationsError, EmailTakenError, UsernameTakenError,
        HashingBusyError.
        """
        password_rules.check(password, Owner(username, email, full_name))
        await run_sync(self._throttle.register, client)
        # Before the hash, which costs more than all else; what is taken is told in any case.
        await run_sync(self._store.require_free, email, username)
        hashed_password = await self._passwords.hash(password, client)
        return await run_sync(
            lambda: self._store.insert(
                email=email,
                username=username,
                full_name=full_name,
                hashed_password=hashed_password,
            )
        )

    def signed_in(self, caller: Caller) -> Account:
        """Return the caller's account. Raises SignedOutError."""
        return _usable(self._store.get_in_session(caller))

    async def prove(self, caller: Caller, password: str, client: str) -> Account:
        """Return the account of a caller who knows its password.

        Raises SignedOutError, WrongPasswordError, TooManyFailuresError, HashingBusyError.
        """
        account = await run_sync(self.signed_in, caller)
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
        """Set the given ones of `email` and `full_name`; an address needs the password.

        Raises SignedOutError, EmailTakenError, WrongPasswordError, TooManyFailuresError,
        HashingBusyError.
        """
        account = await run_sync(self.signed_in, caller)
        if "email" in changes:
            await self._prove(account, current_password or "", client)
        if not changes:
            return account
        return _usable(await run_sync(self._store.update, account.id, changes))

    async def change_password(
        self, caller: Caller, *, current: str, new: str, keep: str | None, client: str
    ) -> None:
        """Replace the password and end every session but that of the refresh token `keep`.

        Raises SignedOutError, InvalidRefreshTokenError, PasswordRefusedError,
        WrongPasswordError, TooManyFailuresError, HashingBusyError.
        """
        kept = RefreshToken.parse(keep) if keep else None
        account = await run_sync(self.signed_in, caller)
        owner = Owner(account.username, account.email, account.full_name)
        password_rules.check(new, owner, field="new_password")
        await self._prove(account, current, client)
        hashed_password = await self._passwords.hash(new, client)
        if not await run_sync(self._store.replace_password, account, hashed_password, kept):
            raise WrongPasswordError

    async def _prove(self, account: Account, password: str, client: str) -> None:
        """Raises WrongPasswordError unless it is the account's, TooManyFailuresError."""
        guard = self._throttle.password_change(account.id, client)
        if not await guard.verify(password, account.hashed_password):
            raise WrongPasswordError
        await run_sync(guard.forgive)


def _usable(account: Account | None) -> Account:
    if account is None or not account.is_active:
        raise SignedOutError
    return account
