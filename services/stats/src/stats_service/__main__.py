"""`python -m stats_service` serves, `... openapi` prints the OpenAPI document."""

import json
import secrets
import sys

from pydantic import HttpUrl, SecretStr

from servicekit import server
from servicekit.settings import load
from stats_service.app import SERVICE, create_app
from stats_service.settings import StatsSettings


def main(arguments: list[str]) -> None:
    """Serve or print the OpenAPI document."""
    match arguments:
        case []:
            settings = load(StatsSettings, service=SERVICE)
            server.run(create_app(settings), settings)
        case ["openapi"]:
            sys.stdout.write(openapi())
        case _:
            sys.exit("usage: python -m stats_service [openapi]")


def openapi() -> str:
    """Return the OpenAPI document. Any settings will do, because nothing connects."""
    settings = StatsSettings(
        task_service_url=HttpUrl("http://nowhere"), secret_key=SecretStr(secrets.token_hex())
    )
    return json.dumps(create_app(settings).openapi(), indent=2) + "\n"


if __name__ == "__main__":
    main(sys.argv[1:])
