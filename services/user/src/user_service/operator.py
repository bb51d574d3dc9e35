"""What whoever runs the cluster does with accounts, without one of his own.

`tasktracker-cli admin users` runs this inside the service's own task.
"""

import sys
from collections.abc import Iterator, Mapping

from servicekit import database
from servicekit.settings import DatabaseSettings
from user_service.api.schemas import User
from user_service.app import SERVICE
from user_service.domain.accounts import Account
from user_service.persistence.administration import AdministrationRepository

PAGE = 200
NO_USER = 5  # the exit code that `tasktracker-cli` has for what is not there
CHANGES: Mapping[str, Mapping[str, bool]] = {
    "activate": {"is_active": True},
    "deactivate": {"is_active": False},
    "promote": {"is_superuser": True},
}


def show(settings: DatabaseSettings, text: str | None = None) -> None:
    """Print every account, or those with `text` in a name: as the API would, one a line."""
    for account in _pages(AdministrationRepository(database.engine(settings)), text):
        _print(account)


def change(settings: DatabaseSettings, action: str, username: str) -> None:
    """Do one of CHANGES to an account, and print it. Ends the program with NO_USER if none is."""
    store = AdministrationRepository(database.engine(settings))
    changed = store.set(username, CHANGES[action])
    if changed is None:
        sys.stderr.write(f"{SERVICE}: there is no user {username!r}\n")
        sys.exit(NO_USER)
    _print(changed)


def _pages(store: AdministrationRepository, text: str | None) -> Iterator[Account]:
    after = 0
    while page := store.select(text=text, after=after, limit=PAGE):
        yield from page
        after = page[-1].id


def _print(account: Account) -> None:
    sys.stdout.write(User.model_validate(account).model_dump_json() + "\n")
