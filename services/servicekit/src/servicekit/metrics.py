"""Request counts and durations for Prometheus."""

import time
from http import HTTPMethod

from fastapi import FastAPI
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Histogram, generate_latest
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from servicekit.slashes import TEMPLATE

# Callers choose methods and paths freely; labels must stay few.
_METHODS = frozenset(HTTPMethod)


def install(app: FastAPI) -> Histogram:
    """GET /metrics over a registry of the app's own; returns where requests are observed."""
    registry = CollectorRegistry()
    durations = Histogram(
        "http_request_duration_seconds",
        "Requests served, by duration",
        ["method", "route", "status"],
        registry=registry,
    )

    @app.get("/metrics", include_in_schema=False)
    async def metrics() -> Response:
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    return durations


class MetricsMiddleware:
    """Observes every request under its route template."""

    def __init__(self, app: ASGIApp, durations: Histogram) -> None:
        self.app = app
        self.durations = durations

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        status = 0

        async def noting_status(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        start = time.perf_counter()
        try:
            await self.app(scope, receive, noting_status)
        finally:
            method = scope["method"] if scope["method"] in _METHODS else "other"
            route = scope.get(TEMPLATE) or "none"
            self.durations.labels(method, route, status).observe(time.perf_counter() - start)
