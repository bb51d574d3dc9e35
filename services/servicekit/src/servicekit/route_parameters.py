"""What a DirectRoute gives to its function, made from the function's signature once."""

import inspect
from collections.abc import Callable
from typing import Any, get_args, get_type_hints

from fastapi import Request
from fastapi.params import Body, Depends, Header, Query
from fastapi.routing import APIRoute
from pydantic import BaseModel, TypeAdapter, ValidationError
from starlette.requests import ClientDisconnect

from servicekit import query_strings
from servicekit.app_state import AppState
from servicekit.tokens import Caller

Take = Callable[[Request], Any]
"""Returns the argument for one parameter. Raises ValidationError if it is not valid."""


class RouteParameters:
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

    async def arguments(self, request: Request) -> dict[str, Any] | None:
        """Return the arguments, or None if the request is one for the framework to judge."""
        # Loops, because a comprehension that awaits would be one more coroutine per request.
        found: dict[str, Any] = {}
        try:
            for name, parse in self.bodies:
                if request.headers.get("content-type") != "application/json":
                    return None
                found[name] = parse(await request.body())
            # The caller comes before the rest of the request: without a good token the answer
            # says nothing about it.
            for name, identify in self.callers:
                found[name] = await identify(request)
            for name, take in self.others:
                found[name] = take(request)
        except (ValidationError, ClientDisconnect):
            return None
        return found


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
