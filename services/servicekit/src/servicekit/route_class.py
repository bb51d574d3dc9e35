"""A route class for the reads that come most often.

FastAPI documents such a route from its signature, but does not call it: it would solve the
signature anew for each request. That costs 75 µs for one task and 105 for a list, more than the
database driver takes (docs/decisions/0023-read-routes.md).
"""

import inspect
from collections.abc import Callable, Coroutine
from typing import Any, get_args, get_type_hints

from fastapi import Request, Response
from fastapi.params import Depends, Header, Query
from fastapi.routing import APIRoute
from pydantic import BaseModel, TypeAdapter, ValidationError

from servicekit import query_strings
from servicekit.app_state import AppState
from servicekit.tokens import Caller

Take = Callable[[Request], Any]
"""Returns the argument for one parameter. Raises ValidationError if it is not valid."""


class ReadRoute(APIRoute):
    """For `APIRouter(route_class=ReadRoute)`: a GET whose function is a coroutine.

    The function returns a Response itself.

    Its parameters may be the Request, the caller, something on the application's state, path
    parameters, one model of the query string, and optional headers. Raises TypeError at import for
    any other.

    FastAPI's own handler answers a request that is not valid, and names the fields.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        framework = super().get_route_handler()
        endpoint = self.endpoint
        callers, parameters = _parameters(self)

        async def handle(request: Request) -> Response:
            # Loops, because a comprehension that awaits would be one more coroutine per request.
            arguments: dict[str, Any] = {}
            # The caller comes first: without a good token the answer says nothing about the rest.
            for name, identify in callers:
                arguments[name] = await identify(request)
            try:
                for name, take in parameters:
                    arguments[name] = take(request)
            except ValidationError:
                return await framework(request)
            response: Response = await endpoint(**arguments)
            return response

        return handle


def _parameters(route: APIRoute) -> tuple[list[tuple[str, Caller]], list[tuple[str, Take]]]:
    """Return the parameters that are given the caller, and the others."""
    if route.dependencies:
        raise TypeError(f"{route.path} has dependencies, which a ReadRoute does not solve")
    hints = get_type_hints(route.endpoint, include_extras=True)
    callers, others = [], []
    for name in inspect.signature(route.endpoint).parameters:
        if caller := _caller(hints[name]):
            callers.append((name, caller))
        else:
            others.append((name, _take(route, name, hints[name])))
    return callers, others


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
            header = name.replace("_", "-")
            return lambda request: request.headers.get(header)
    raise TypeError(f"{route.path} asks for {name}, which a ReadRoute cannot give")
