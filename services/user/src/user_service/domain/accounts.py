"""What can be done with an account."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from anyio.to_thread import run_sync

from user_service.domain import emails
from user_service.domain.errors import (
    AccountUnavailableError,
    BadCredentialsError,
    WrongPasswordError,
)
from user_service.domain.passwords import Passwords


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


class AccountStore(Protocol):
    """Where accounts are kept. Every call blocks and is one transaction.

    `insert` and `update` raise EmailTakenError or UsernameTakenError.
    """

    def insert(
        self, *, email: str, username: str, full_name: str | None, hashed_password: str
    ) -> Account: ...

    def get(self, account_id: int) -> Account | None: ...

    def find_by_email(self, email: str) -> Account | None: ...

    def find_by_username(self, username: str) -> Account | None: ...

    def update(self, account_id: int, changes: Mapping[str, str | None]) -> Account | None: ...


class Accounts:
    """The account rules. What hashes a password is a coroutine; the rest blocks on the store."""

    def __init__(self, store: AccountStore, passwords: Passwords) -> None:
        self._store = store
        self._passwords = passwords

    async def register(
        self, *, email: str, username: str, full_name: str | None, password: str
    ) -> Account:
        """Create an account. Raises EmailTakenError, UsernameTakenError, HashingBusyError."""
        hashed_password = await self._passwords.hash(password)
        return await run_sync(
            lambda: self._store.insert(
                email=email,
                username=username,
                full_name=full_name,
                hashed_password=hashed_password,
            )
        )

    async def authenticate(self, login: str, password: str) -> Account:
        """Return the active account with this username or email address and password.

        Raises BadCredentialsError after the same work whatever the reason, HashingBusyError.
        """
        account = await run_sync(self._find, login)
        if account is None:
            await self._passwords.verify_nobody()
            raise BadCredentialsError
        matches = await self._passwords.verify(password, account.hashed_password)
        if not (matches and account.is_active):
            raise BadCredentialsError
        return account

    def active(self, account_id: int) -> Account:
        """Return the account of a signed-in user. Raises AccountUnavailableError."""
        return _usable(self._store.get(account_id))

    def change_profile(self, account_id: int, changes: Mapping[str, str | None]) -> Account:
        """Set the given ones of `email` and `full_name`.

        Raises AccountUnavailableError, EmailTakenError.
        """
        account = self.active(account_id)
        return _usable(self._store.update(account_id, changes)) if changes else account

    async def change_password(self, account_id: int, *, current: str, new: str) -> None:
        """Replace the password.

        Raises AccountUnavailableError, WrongPasswordError, HashingBusyError.
        """
        account = await run_sync(self.active, account_id)
        if not await self._passwords.verify(current, account.hashed_password):
            raise WrongPasswordError
        hashed_password = await self._passwords.hash(new)
        await run_sync(self._store.update, account_id, {"hashed_password": hashed_password})

    def _find(self, login: str) -> Account | None:
        # A username cannot contain an at sign, an email address always does.
        if "@" not in login:
            return self._store.find_by_username(login)
        try:
            return self._store.find_by_email(emails.normalize(login))
        except ValueError:
            return None


def _usable(account: Account | None) -> Account:
    if account is None or not account.is_active:
        raise AccountUnavailableError
    return account
