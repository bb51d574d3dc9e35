"""The program: `python -m user_service` serves.

`... migrate` migrates the database, `... openapi` prints the OpenAPI document, `... users [TEXT]`
lists accounts, and `... promote|activate|deactivate USERNAME` changes one.
"""

import json
import secrets
import sys

from pydantic import SecretStr

from servicekit import logs, migrate, server
from servicekit.settings import DatabaseSettings, load
from user_service import management
from user_service.app import MIGRATIONS, SERVICE, create_app
from user_service.settings import UserSettings

USAGE = (
    "usage: python -m user_service "
    "[migrate | openapi | users [TEXT] | {promote | activate | deactivate} USERNAME]"
)


def main(arguments: list[str]) -> None:
    """Do what the command line asks for. Exits with USAGE if it is none of the above."""
    match arguments:
        case []:
            settings = load(UserSettings, service=SERVICE)
            server.run(create_app(settings), settings)
        case ["migrate"]:
            logs.configure(SERVICE, "INFO")
            database = load(DatabaseSettings, service=SERVICE)
            migrate.upgrade(database.database_url.get_secret_value(), MIGRATIONS)
        case ["users", *text] if len(text) < 2:
            management.list_accounts(load(DatabaseSettings, service=SERVICE), *text)
        case [action, username] if action in management.CHANGES:
            management.change_account(load(DatabaseSettings, service=SERVICE), action, username)
        case ["openapi"]:
            sys.stdout.write(openapi())
        case _:
            sys.exit(USAGE)


def openapi() -> str:
    """Return the OpenAPI document. Any settings will do, because nothing connects."""
    settings = UserSettings(
        database_url=SecretStr("postgresql://nowhere"), secret_key=SecretStr(secrets.token_hex())
    )
    return json.dumps(create_app(settings).openapi(), indent=2) + "\n"


if __name__ == "__main__":
    main(sys.argv[1:])
