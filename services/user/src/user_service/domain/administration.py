"""What superusers do with other people's accounts."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from user_service.domain.accounts import Account, Accounts, Caller
from user_service.domain.errors import NotSuperuserError, UnknownAccountError


@dataclass(frozen=True)
class Page:
    """Accounts in the order of their ids, and whether there are more behind the last one."""

    accounts: list[Account]
    more: bool


class AdministrationStore(Protocol):
    """The queries that go over all accounts. Every call blocks and is one transaction."""

    def select(self, *, text: str | None, after: int, limit: int) -> list[Account]:
        """Accounts with ids above `after`, with `text` in a name, in whatever case."""

    def update(self, account_id: int, changes: Mapping[str, bool]) -> Account | None:
        """Set flags; end the sessions of who is not active. Raises LastSuperuserError."""


class Administration:
    """The rules of administration. Every call blocks on the store."""

    def __init__(self, store: AdministrationStore, accounts: Accounts) -> None:
        self._store = store
        self._accounts = accounts

    def require_superuser(self, caller: Caller) -> None:
        """Raises NotSuperuserError, SignedOutError.

        The token may be older than the account's standing: the database is asked.
        """
        if not self._accounts.signed_in(caller).is_superuser:
            raise NotSuperuserError

    def page(self, *, text: str | None, after: int, limit: int) -> Page:
        """Return at most `limit` accounts behind the one with the id `after`."""
        found = self._store.select(text=text, after=after, limit=limit + 1)
        return Page(found[:limit], more=len(found) > limit)

    def change(self, account_id: int, changes: Mapping[str, bool]) -> Account:
        """Set the given ones of `is_active` and `is_superuser`.

        Raises UnknownAccountError, and LastSuperuserError where nobody could undo it.
        """
        account = self._store.update(account_id, changes)
        if account is None:
            raise UnknownAccountError
        return account
