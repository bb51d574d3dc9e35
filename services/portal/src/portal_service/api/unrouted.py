"""The paths that the gateway routes to no service."""

from collections.abc import Iterable

from starlette.applications import Starlette
from starlette.types import Receive, Scope, Send

from portal_service.clients.backend import Backend
from servicekit.errors import ServiceUnavailable


def install(app: Starlette, backends: Iterable[Backend]) -> None:
    """Answer 503 for a path of a service. The framework answers 404 for any other.

    The gateway sends a service's path here only while that service has no healthy instance. As the
    router's default this comes after all routes, and takes all methods.
    """
    not_found = app.router.default

    async def unrouted(scope: Scope, receive: Receive, send: Send) -> None:
        for backend in backends:
            if scope["type"] == "http" and backend.owns(scope["path"]):
                raise ServiceUnavailable(f"{backend.name} has no healthy instance.", retry_after=1)
        await not_found(scope, receive, send)

    app.router.default = unrouted
