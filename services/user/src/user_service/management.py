"""Commands on accounts for the cluster's operator, who needs no account of this service.

`tasktracker-cli admin users` runs them inside the service's task.
"""

import asyncio
import sys
from collections.abc import Mapping

from servicekit import database
from servicekit.settings import DatabaseSettings
from user_service import SERVICE
from user_service.api.schemas import User
from user_service.domain.accounts import Account
from user_service.persistence.administration import AdministrationRepository

PAGE = 200
NO_USER = 5  # `tasktracker-cli` exits with the same code for something that does not exist
CHANGES: Mapping[str, Mapping[str, bool]] = {
    "activate": {"is_active": True},
    "deactivate": {"is_active": False},
    "promote": {"is_superuser": True},
}


def list_accounts(settings: DatabaseSettings, text: str | None = None) -> None:
    """Print every account, or those with `text` in a name: as the API would, one a line."""
    asyncio.run(_list(AdministrationRepository(database.engine(settings)), text))


def change_account(settings: DatabaseSettings, action: str, username: str) -> None:
    """Do one of CHANGES to an account, and print it.

    Ends the program with NO_USER if there is no account with this name.
    """
    repository = AdministrationRepository(database.engine(settings))
    changed = asyncio.run(repository.update_by_username(username, CHANGES[action]))
    if changed is None:
        sys.stderr.write(f"{SERVICE}: There is no user {username!r}.\n")
        sys.exit(NO_USER)
    _print(changed)


async def _list(repository: AdministrationRepository, text: str | None) -> None:
    after = 0
    while page := await repository.select(text=text, after=after, limit=PAGE):
        for account in page:
            _print(account)
        after = page[-1].id


def _print(account: Account) -> None:
    sys.stdout.write(User.model_validate(account).model_dump_json() + "\n")
