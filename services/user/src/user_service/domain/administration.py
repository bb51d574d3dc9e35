"""What superusers do with other accounts."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from user_service.domain.accounts import Account, Accounts, Caller
from user_service.domain.errors import LastSuperuserError, NotSuperuserError, UnknownAccountError

Check = Callable[[Account, int], None]
"""Takes an account as it is after a change, and the number of other active superusers."""


@dataclass(frozen=True)
class Page:
    """Accounts in the order of their ids, and whether there are more after the last one."""

    accounts: list[Account]
    more: bool


class Repository(Protocol):
    """The queries over all accounts. Every call is one transaction."""

    async def select(self, *, text: str | None, after: int, limit: int) -> list[Account]:
        """Return accounts with ids above `after`, and with `text` in a name, in any case."""

    async def update(
        self, account_id: int, changes: Mapping[str, bool], check: Check
    ) -> Account | None:
        """Set flags. If the account is inactive then, end its sessions and tokens.

        An error of `check` undoes the change. No other change of a superuser can happen between
        the two.
        """


class Administration:
    """The rules of administration."""

    def __init__(self, repository: Repository, accounts: Accounts) -> None:
        self._repository = repository
        self._accounts = accounts

    async def require_superuser(self, caller: Caller) -> None:
        """Raise NotSuperuserError, or SignedOutError, for a caller who is not a superuser now.

        The database is asked, because the token may be older than the last change of the account.
        """
        account = await self._accounts.signed_in(caller)
        if not account.is_superuser:
            raise NotSuperuserError

    async def page(self, *, text: str | None, after: int, limit: int) -> Page:
        """Return at most `limit` accounts with ids above `after`."""
        found = await self._repository.select(text=text, after=after, limit=limit + 1)
        return Page(found[:limit], more=len(found) > limit)

    async def change(self, account_id: int, changes: Mapping[str, bool]) -> Account:
        """Set those of `is_active` and `is_superuser` that are given.

        Raises UnknownAccountError, and LastSuperuserError if no active superuser would be left.
        """
        account = await self._repository.update(account_id, changes, _require_a_superuser)
        if account is None:
            raise UnknownAccountError
        return account


def _require_a_superuser(changed: Account, others: int) -> None:
    if not others and not (changed.is_active and changed.is_superuser):
        raise LastSuperuserError
