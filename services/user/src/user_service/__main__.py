"""The program: `python -m user_service` serves.

`... migrate` migrates the database, `... openapi` prints the OpenAPI document, `... users [TEXT]`
lists accounts, and `... promote|activate|deactivate USERNAME` changes one.
"""

import json
import secrets
import sys

from pydantic import SecretStr

from servicekit import logs, migrate
from servicekit.settings import DatabaseSettings, load
from user_service import MIGRATIONS, SERVICE

USAGE = (
    "usage: python -m user_service "
    "[migrate | openapi | users [TEXT] | {promote | activate | deactivate} USERNAME]"
)


# What only some commands need is imported by these: without the framework, a migration starts in
# half the time.


def main(arguments: list[str]) -> None:
    """Do what the command line asks for. Exits with USAGE if it is no command."""
    match arguments:
        case []:
            serve()
        case ["migrate"]:
            logs.configure(SERVICE, "INFO")
            database = load(DatabaseSettings, service=SERVICE)
            migrate.upgrade(database.database_url.get_secret_value(), MIGRATIONS)
        case ["openapi"]:
            sys.stdout.write(openapi())
        case _:
            manage(arguments)


def serve() -> None:
    """Serve until told to stop."""
    from servicekit import server
    from user_service.app import create_app
    from user_service.settings import UserSettings

    settings = load(UserSettings, service=SERVICE)
    server.run(create_app(settings), settings)


def manage(arguments: list[str]) -> None:
    """List accounts or change one. Exits with USAGE if neither is asked for."""
    from user_service import management

    match arguments:
        case ["users", *text] if len(text) < 2:
            management.list_accounts(load(DatabaseSettings, service=SERVICE), *text)
        case [action, username] if action in management.CHANGES:
            management.change_account(load(DatabaseSettings, service=SERVICE), action, username)
        case _:
            sys.exit(USAGE)


def openapi() -> str:
    """Return the OpenAPI document. Any settings will do, because nothing connects."""
    from user_service.app import create_app
    from user_service.settings import UserSettings

    settings = UserSettings(
        database_url=SecretStr("postgresql://nowhere"), secret_key=SecretStr(secrets.token_hex())
    )
    return json.dumps(create_app(settings).openapi(), indent=2) + "\n"


if __name__ == "__main__":
    main(sys.argv[1:])
