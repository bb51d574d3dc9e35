"""Routes and a router for the calls that come most often.

FastAPI documents such a route from its signature, but does not call it: it would solve the
signature anew for each request. That costs 75 µs for one task and 105 for a list, more than the
database driver takes (docs/decisions/0023-read-routes.md).
"""

from enum import Enum
from typing import Any

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.dependencies.utils import get_parameterless_sub_dependant
from fastapi.params import Depends
from fastapi.routing import APIRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from servicekit import errors, query_strings
from servicekit.openapi import Responses, operation_id
from servicekit.route_parameters import RouteParameters
from servicekit.routing import DirectlyServed


class DirectRouter(APIRouter):
    """A router whose routes are DirectRoutes, and are the application's own.

    Those that FastAPI's `include_router` adds belong to the router: then they are FastAPI's to
    serve.
    """

    def __init__(self, prefix: str, tags: list[str | Enum], responses: Responses) -> None:
        super().__init__(
            prefix=prefix,
            tags=tags,
            responses=responses,
            route_class=DirectRoute,
            # An application gives it to the routers that it includes.
            generate_unique_id_function=operation_id,
        )

    def add_to(self, app: FastAPI) -> None:
        """Make the routes the application's own."""
        app.router.routes.extend(self.routes)


class DirectRoute(APIRoute, DirectlyServed):
    """A route whose function is a coroutine.

    The function returns a Response itself.

    Its parameters may be the Request, the caller, something on the application's state, path
    parameters, one model of the query string, one JSON body, and optional headers. Raises TypeError
    at import for any other.

    FastAPI answers a request that is not valid, and names the fields. It also takes each body of
    another media type, spelling or encoding.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._parameters = RouteParameters(self)
        if self.dependant.query_params:
            # FastAPI serves each traced request. It would take the last value of a parameter.
            check = Depends(query_strings.refuse_repeats)
            self.dependant.dependencies.append(
                get_parameterless_sub_dependant(depends=check, path=self.path_format)
            )

    async def serve(self, scope: Scope, receive: Receive, send: Send, framework: ASGIApp) -> None:
        if self.param_convertors:
            _, found = self.matches(scope)
            scope.update(found)  # the path parameters
        received = _Received(receive)
        request = Request(scope, received)
        response: Response | None = None
        try:
            arguments = await self._parameters.arguments(request)
            if arguments is not None:
                response = await self.endpoint(**arguments)
        except Exception as error:
            response = await errors.answer(request, error)
        if response is None:
            await framework(scope, received.again(), send)
        else:
            await response(scope, receive, send)


class _Received:
    """Receives a request's messages, and keeps them for the framework."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._kept: list[Message] = []

    async def __call__(self) -> Message:
        message = await self._receive()
        self._kept.append(message)
        return message

    def again(self) -> Receive:
        """Return what receives the same messages first, and then those that come."""
        kept = iter(self._kept)

        async def receive() -> Message:
            return next(kept, None) or await self._receive()

        return receive
