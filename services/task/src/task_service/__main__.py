"""`python -m task_service` serves, `... migrate` migrates, `... openapi` prints the document."""

import json
import secrets
import sys

from pydantic import SecretStr

from servicekit import logs, migrate
from servicekit.settings import DatabaseSettings, load
from task_service import MIGRATIONS, SERVICE

# What only some commands need is imported by these: without the framework, a migration starts in
# half the time.


def main(arguments: list[str]) -> None:
    """Serve, migrate or print the OpenAPI document."""
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
            sys.exit("usage: python -m task_service [migrate | openapi]")


def serve() -> None:
    """Serve until told to stop."""
    from servicekit import server
    from task_service.app import create_app
    from task_service.settings import TaskSettings

    settings = load(TaskSettings, service=SERVICE)
    server.run(create_app(settings), settings)


def openapi() -> str:
    """Return the OpenAPI document. Any settings will do, because nothing connects."""
    from task_service.app import create_app
    from task_service.settings import TaskSettings

    settings = TaskSettings(
        database_url=SecretStr("postgresql://nowhere"), secret_key=SecretStr(secrets.token_hex())
    )
    return json.dumps(create_app(settings).openapi(), indent=2) + "\n"


if __name__ == "__main__":
    main(sys.argv[1:])
