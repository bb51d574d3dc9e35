"""`python -m user_service` serves.

`... migrate` migrates, `... promote USERNAME` makes a superuser, `... openapi` prints the document.
"""

import json
import secrets
import sys

from pydantic import SecretStr

from servicekit import database, logs, migrate, server
from servicekit.settings import DatabaseSettings, load
from user_service.app import MIGRATIONS, SERVICE, create_app
from user_service.persistence.administration import SqlAdministrationStore
from user_service.settings import UserSettings


def main(arguments: list[str]) -> None:
    match arguments:
        case []:
            settings = load(UserSettings, service=SERVICE)
            server.run(create_app(settings), settings)
        case ["migrate"]:
            logs.configure(SERVICE, "INFO")
            database = load(DatabaseSettings, service=SERVICE)
            migrate.upgrade(database.database_url.get_secret_value(), MIGRATIONS)
        case ["promote", username]:
            promote(load(DatabaseSettings, service=SERVICE), username)
        case ["openapi"]:
            sys.stdout.write(openapi())
        case _:
            sys.exit("usage: python -m user_service [migrate | promote USERNAME | openapi]")


def promote(settings: DatabaseSettings, username: str) -> None:
    """Make the first superuser, who can make others. His next access token says so."""
    if not SqlAdministrationStore(database.engine(settings)).promote(username):
        sys.exit(f"{SERVICE}: there is no user {username!r}")


def openapi() -> str:
    """The OpenAPI document. Any settings do: it describes the routes, and nothing connects."""
    settings = UserSettings(
        database_url=SecretStr("postgresql://nowhere"), secret_key=SecretStr(secrets.token_hex())
    )
    return json.dumps(create_app(settings).openapi(), indent=2) + "\n"


if __name__ == "__main__":
    main(sys.argv[1:])
