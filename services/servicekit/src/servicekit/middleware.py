"""The one order in which a request passes through servicekit's layers."""

from fastapi import FastAPI

from servicekit import metrics
from servicekit.body_limit import BodyLimitMiddleware
from servicekit.errors import CatchAllMiddleware
from servicekit.logs import AccessLogMiddleware
from servicekit.metrics import MetricsMiddleware
from servicekit.request_id import RequestIdMiddleware
from servicekit.slashes import SlashMiddleware


def install(app: FastAPI) -> None:
    """Adds the layers, innermost first, and GET /metrics."""
    app.add_middleware(SlashMiddleware)
    app.add_middleware(BodyLimitMiddleware)
    app.add_middleware(CatchAllMiddleware)
    # Outside of the catch-all, so that they see its 500.
    app.add_middleware(MetricsMiddleware, durations=metrics.install(app))
    app.add_middleware(AccessLogMiddleware)
    app.add_middleware(RequestIdMiddleware)
