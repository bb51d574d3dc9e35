"""What is left over: a path that the gateway could hand to no service."""

from collections.abc import Iterable

from starlette.applications import Starlette
from starlette.types import Receive, Scope, Send

from portal_service.clients.backend import Backend
from servicekit.errors import ServiceUnavailable


def install(app: Starlette, backends: Iterable[Backend]) -> None:
    """Answer 503 for a path that a service owns, and leave the others to the framework's 404.

    The gateway sends a service's path here only while that service has no healthy instance.
    As the router's default this comes after every route and takes every method.
    """
    not_found = app.router.default

    async def unrouted(scope: Scope, receive: Receive, send: Send) -> None:
        for backend in backends:
            if scope["type"] == "http" and backend.owns(scope["path"]):
                raise ServiceUnavailable(f"{backend.name} has no healthy instance.", retry_after=1)
        await not_found(scope, receive, send)

    app.router.default = unrouted
