"""What each request ended with, told to the log and to the metrics."""

import time
from functools import lru_cache
from http import HTTPMethod

import structlog
from prometheus_client import Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from servicekit import ended_sessions, request_id
from servicekit.routing import TEMPLATE

# Asked every second by machines: logged at debug only.
_QUIET_ROUTES = {"/health", "/health/live", "/metrics", ended_sessions.PATH}
# Callers choose methods and paths freely; labels must stay few.
_METHODS = frozenset(HTTPMethod)


class AccessLogMiddleware:
    """One log line and one observation per request, once its answer is out."""

    def __init__(self, app: ASGIApp, durations: Histogram) -> None:
        self.app = app
        # Bound once: a lazy logger and a search among labels cost each request 10 µs.
        self.log = structlog.get_logger(__name__).bind()
        self.observe = lru_cache(lambda *labels: durations.labels(*labels).observe)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        status = 0  # Stays 0 when no answer went out.

        async def noting_status(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id.current())
        start = time.perf_counter()
        try:
            await self.app(scope, receive, noting_status)
        finally:
            self._report(scope, status, seconds=time.perf_counter() - start)

    def _report(self, scope: Scope, status: int, seconds: float) -> None:
        method, route = scope["method"], scope.get(TEMPLATE)
        label = method if method in _METHODS else "other"
        self.observe(label, route or "none", status)(seconds)
        log = self.log.debug if route in _QUIET_ROUTES else self.log.info
        duration_ms = round(seconds * 1000, 2)
        log("request", method=method, route=route, status=status, duration_ms=duration_ms)
