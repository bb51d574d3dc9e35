"""Finds the route of a path, with or without a slash at its end.

A redirect to the other form would drop the Authorization header. The route's template goes to logs
and metrics. A path with an encoded slash or a control character is answered with 404, and a method
that the path does not take with 405.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Sequence

from fastapi.routing import iter_route_contexts
from starlette.convertors import PathConvertor
from starlette.responses import Response
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from servicekit import problems

TEMPLATE = "servicekit.route"  # the scope's key for the route template, or None
_PARAMETER = re.compile(r"\{(\w+)\}")
# A mount has no methods. What we mount are files.
_FILE_METHODS = frozenset({"GET", "HEAD"})
# An encoded slash is not a slash (RFC 3986, section 2.2). The framework decodes it, and ignores a
# newline at the end. So it would serve another path than the one that the gateway has checked.
_FORBIDDEN = re.compile(rb"%(?:2f|[01][0-9a-f]|7f)", re.IGNORECASE)


class DirectlyServed(BaseRoute, ABC):
    """A route that gets its requests from RoutingMiddleware, if it is the application's own.

    The framework would search all routes again, and pass each request through seven more layers,
    for 15 of the 65 µs that one task takes without sockets and database
    (docs/decisions/0064-direct-routes.md).
    """

    path_format: str
    methods: set[str] | None

    @abstractmethod
    async def serve(self, scope: Scope, receive: Receive, send: Send, framework: ASGIApp) -> None:
        """Answer a request for this route, or pass it to the framework, which knows it, too."""


class _Templates:
    """Path templates in one compiled pattern, so that a request costs one match."""

    def __init__(self, templates: Sequence[tuple[str, str]]) -> None:
        self.names = [name for name, _ in templates]
        alternatives = "|".join(f"(?P<r{i}>{regex})" for i, (_, regex) in enumerate(templates))
        self.pattern = re.compile(alternatives or r"(?!)")

    def find(self, path: str) -> str | None:
        match = self.pattern.fullmatch(path)
        if match is None or match.lastgroup is None:
            return None
        return self.names[int(match.lastgroup[1:])]


class RoutingTable:
    """The routes of an application by their paths, without their methods."""

    def __init__(self, routes: Sequence[BaseRoute]) -> None:
        exact: list[tuple[str, str]] = []
        greedy: list[tuple[str, str]] = []
        self.methods: dict[str, frozenset[str]] = {}
        for route in iter_route_contexts(routes):
            template = route.path_format or ""
            convertors = route.param_convertors
            literal_or_parameter = _PARAMETER.split(template)
            regex = "".join(
                convertors[part].regex if position % 2 else re.escape(part)
                for position, part in enumerate(literal_or_parameter)
            )
            takes_rest = any(isinstance(each, PathConvertor) for each in convertors.values())
            (greedy if takes_rest else exact).append((template, regex))
            taken = frozenset(route.methods or _FILE_METHODS)
            self.methods[template] = self.methods.get(template, frozenset()) | taken
        self.exact = _Templates(exact)
        self.greedy = _Templates(greedy)
        self.direct = {
            (route.path_format, method): route
            for route in routes
            if isinstance(route, DirectlyServed)
            for method in route.methods or ()
        }

    def resolve(self, path: str) -> tuple[str, str | None]:
        """Return the form of the path that has a route, and the template of this route.

        Return the path itself and None if no form has a route. A route that takes the rest of the
        path (assets, a catch-all) comes last. Otherwise it would hide the other form of each route.
        """
        other = path[:-1] if path.endswith("/") else path + "/"
        for form in (path, other):
            if template := self.exact.find(form):
                return form, template
        return path, self.greedy.find(path)


class RoutingMiddleware:
    """Changes a path without a route to its other form, if that one has a route.

    It also answers 405. The framework's own 405 names the methods of one route only, although a
    path can have several. And without a 405 here, DELETE /stats would be taken as DELETE /{id}.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.routes: RoutingTable | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            if b"%" in scope["raw_path"] and _FORBIDDEN.search(scope["raw_path"]):
                await _not_found(scope["path"])(scope, receive, send)
                return
            if (
                self.routes is None
            ):  # At the first request, because routes are added after the middleware.
                self.routes = RoutingTable(scope["app"].routes)
            scope["path"], template = self.routes.resolve(scope["path"])
            scope[TEMPLATE] = template
            if template and scope["method"] not in self.routes.methods[template]:
                refusal = _not_allowed(scope["path"], self.routes.methods[template])
                await refusal(scope, receive, send)
                return
            direct = self.routes.direct.get((template or "", scope["method"]))
            # The framework names the span of a traced request after the route.
            if direct and scope.get("fastapi.telemetry") is None:
                await direct.serve(scope, receive, send, self.app)
                return
        await self.app(scope, receive, send)


def _not_found(path: str) -> Response:
    detail = "No path has an encoded slash or a control character in it."
    return problems.response(problems.of_status(404), detail, path)


def _not_allowed(path: str, methods: frozenset[str]) -> Response:
    allow = ", ".join(sorted(methods))
    return problems.response(
        problems.of_status(405, {"Allow": allow}), f"This path takes {allow}.", path
    )
