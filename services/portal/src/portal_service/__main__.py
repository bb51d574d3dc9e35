"""`python -m portal_service` serves, `... openapi` prints the OpenAPI document."""

import json
import sys

from pydantic import HttpUrl

from portal_service.app import SERVICE, create_app
from portal_service.settings import PortalSettings
from servicekit import server
from servicekit.settings import load


def main(arguments: list[str]) -> None:
    """Serve or print the OpenAPI document."""
    match arguments:
        case []:
            settings = load(PortalSettings, service=SERVICE)
            server.run(create_app(settings), settings)
        case ["openapi"]:
            sys.stdout.write(openapi())
        case _:
            sys.exit("usage: python -m portal_service [openapi]")


def openapi() -> str:
    """Return the OpenAPI document. Any settings will do, because nothing connects."""
    nowhere = HttpUrl("http://nowhere.invalid")
    settings = PortalSettings(
        user_service_url=nowhere, task_service_url=nowhere, stats_service_url=nowhere
    )
    return json.dumps(create_app(settings).openapi(), indent=2) + "\n"


if __name__ == "__main__":
    main(sys.argv[1:])
