"""Request counts and durations for Prometheus."""

from fastapi import FastAPI
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Histogram, generate_latest
from starlette.responses import Response


def install(app: FastAPI) -> Histogram:
    """Add GET /metrics for the app's own registry, `app.state.metrics`.

    Return the histogram in which requests are observed.
    """
    app.state.metrics = registry = CollectorRegistry()
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
