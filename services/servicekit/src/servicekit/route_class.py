"""Routes and a router for the calls that come most often.

FastAPI documents such a route from its signature, but does not call it: it would solve the
signature anew for each request. That costs 75 µs for one task and 105 for a list, more than the
database driver takes (docs/decisions/0023-read-routes.md).
"""

import inspect
from collections.abc import Callable, Coroutine
from enum import Enum
from typing import Any, get_args, get_type_hints

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.params import Body, Depends, Header, Query
from fastapi.routing import APIRoute
from pydantic import BaseModel, TypeAdapter, ValidationError
from starlette.requests import ClientDisconnect

from servicekit import query_strings
from servicekit.app_state import AppState
from servicekit.openapi import Responses, operation_id
from servicekit.tokens import Caller

Take = Callable[[Request], Any]
"""Returns the argument for one parameter. Raises ValidationError if it is not valid."""


class DirectRouter(APIRouter):
    """A router whose routes are DirectRoutes, and are found directly, too.

    FastAPI's `include_router` keeps the router, and searches it twice for each request. For one
    task that took 11 of 125 µs.
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


class DirectRoute(APIRoute):
    """A route whose function is a coroutine.

    The function returns a Response itself.

    Its parameters may be the Request, the caller, something on the application's state, path
    parameters, one model of the query string, one JSON body, and optional headers. Raises TypeError
    at import for any other.

    FastAPI's own handler answers a request that is not valid, and names the fields. It also takes
    each body of another media type, spelling or encoding.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        framework = super().get_route_handler()
        endpoint = self.endpoint
        parameters = _Parameters(self)

        async def handle(request: Request) -> Response:
            # Loops, because a comprehension that awaits would be one more coroutine per request.
            arguments: dict[str, Any] = {}
            try:
                for name, parse in parameters.bodies:
                    if request.headers.get("content-type") != "application/json":
                        return await framework(request)
                    arguments[name] = parse(await request.body())
                # The caller comes before the rest of the request: without a good token the answer
                # says nothing about it.
                for name, identify in parameters.callers:
                    arguments[name] = await identify(request)
                for name, take in parameters.others:
                    arguments[name] = take(request)
            except (ValidationError, ClientDisconnect):
                return await framework(request)
            response: Response = await endpoint(**arguments)
            return response

        return handle


class _Parameters:
    """The parameters of a route's function by kind, each with what makes its argument."""

    def __init__(self, route: APIRoute) -> None:
        if route.dependencies:
            raise TypeError(f"{route.path} has dependencies, which a DirectRoute does not solve")
        self.callers: list[tuple[str, Caller]] = []
        self.others: list[tuple[str, Take]] = []
        self.bodies: list[tuple[str, Callable[[bytes], Any]]] = []
        hints = get_type_hints(route.endpoint, include_extras=True)
        body = _json_body(route)
        for name in inspect.signature(route.endpoint).parameters:
            if caller := _caller(hints[name]):
                self.callers.append((name, caller))
            elif name == body:
                self.bodies.append((name, TypeAdapter(hints[name]).validate_json))
            else:
                self.others.append((name, _take(route, name, hints[name])))


def _json_body(route: APIRoute) -> str | None:
    """Return the name of the parameter that is the whole body, as JSON."""
    match route.dependant.body_params:
        case [field] if type(field.field_info) is Body and not field.field_info.embed:
            return field.name
    return None


def _caller(hint: Any) -> Caller | None:
    match get_args(hint):
        case [_, Depends(dependency=Caller() as caller)]:
            return caller
    return None


def _take(route: APIRoute, name: str, hint: Any) -> Take:
    if hint is Request:
        return lambda request: request
    if name in route.param_convertors:
        validate = TypeAdapter(hint).validate_python
        return lambda request: validate(request.path_params[name])
    match get_args(hint):
        case [_, Depends(dependency=AppState() as state)]:
            return state.read
        case [type() as model, Query()] if issubclass(model, BaseModel):
            read = query_strings.parser(model)
            return lambda request: read(request.scope["query_string"])
        case [_, Header()]:
            return _header(name.replace("_", "-"), TypeAdapter(hint).validate_python)
    raise TypeError(f"{route.path} asks for {name}, which a DirectRoute cannot give")


def _header(name: str, validate: Callable[[str], Any]) -> Take:
    def take(request: Request) -> Any:
        value = request.headers.get(name)
        return None if value is None else validate(value)

    return take
