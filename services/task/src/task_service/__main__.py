"""`python -m task_service` serves, `... migrate` migrates, `... openapi` prints the document."""

import json
import secrets
import sys

from pydantic import SecretStr

from servicekit import logs, migrate, server
from servicekit.settings import DatabaseSettings, load
from task_service.app import MIGRATIONS, SERVICE, create_app
from task_service.settings import TaskSettings


def main(arguments: list[str]) -> None:
    """Serve, migrate or print the OpenAPI document."""
    match arguments:
        case []:
            settings = load(TaskSettings, service=SERVICE)
            server.run(create_app(settings), settings)
        case ["migrate"]:
            logs.configure(SERVICE, "INFO")
            database = load(DatabaseSettings, service=SERVICE)
            migrate.upgrade(database.database_url.get_secret_value(), MIGRATIONS)
        case ["openapi"]:
            sys.stdout.write(openapi())
        case _:
            sys.exit("usage: python -m task_service [migrate | openapi]")


def openapi() -> str:
    """Return the OpenAPI document. Any settings will do, because nothing connects."""
    settings = TaskSettings(
        database_url=SecretStr("postgresql://nowhere"), secret_key=SecretStr(secrets.token_hex())
    )
    return json.dumps(create_app(settings).openapi(), indent=2) + "\n"


if __name__ == "__main__":
    main(sys.argv[1:])
