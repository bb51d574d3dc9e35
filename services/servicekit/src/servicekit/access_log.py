"""One line in the log, and one observation in the metrics, for each request."""

import time
from functools import lru_cache
from http import HTTPMethod

import structlog
from prometheus_client import Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from servicekit import ended_sessions, request_id, tracing
from servicekit.routing import TEMPLATE

# Machines call these every second, so they are logged at the level debug only.
_QUIET_ROUTES = {"/health", "/health/live", "/metrics", ended_sessions.PATH}
# Callers choose the method freely, but labels must stay few.
_METHODS = frozenset(HTTPMethod)


class AccessLogMiddleware:
    """Logs and observes each request when its response has been sent."""

    def __init__(self, app: ASGIApp, durations: Histogram) -> None:
        self.app = app
        # Bound once, because a lazy logger and a search for labels cost 10 µs per request.
        self.log = structlog.get_logger(__name__).bind()
        self.observe = lru_cache(lambda *labels: durations.labels(*labels).observe)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        status = 0  # Stays 0 if no response was sent.

        async def noting_status(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id.current())
        if trace_id := tracing.trace_id():
            structlog.contextvars.bind_contextvars(trace_id=trace_id)
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
