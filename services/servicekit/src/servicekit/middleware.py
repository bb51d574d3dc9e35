"""The middleware of every service, in its one order."""

from fastapi import FastAPI

from servicekit import metrics
from servicekit.access_log import AccessLogMiddleware
from servicekit.body_limit import BodyLimitMiddleware
from servicekit.errors import CatchAllMiddleware
from servicekit.headers import HeadersMiddleware
from servicekit.routing import RoutingMiddleware


def install(app: FastAPI) -> None:
    """Add the middleware, innermost first, and GET /metrics."""
    app.add_middleware(RoutingMiddleware)
    app.add_middleware(BodyLimitMiddleware)
    app.add_middleware(CatchAllMiddleware)
    # Outside CatchAllMiddleware, so that it sees the 500.
    app.add_middleware(AccessLogMiddleware, durations=metrics.install(app))
    app.add_middleware(HeadersMiddleware)
