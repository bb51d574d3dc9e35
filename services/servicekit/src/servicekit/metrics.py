"""Metrics for Prometheus: requests, the process, the build, and the connections to the database."""

from collections.abc import Callable

from fastapi import FastAPI
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)
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
    ProcessCollector(registry=registry)
    build = Gauge("build_info", "The version that runs, always 1", ["version"], registry=registry)
    build.labels(app.version).set(1)

    @app.get("/metrics", include_in_schema=False)
    async def metrics() -> Response:
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    return durations


def watch(app: FastAPI, name: str, meaning: str, value: Callable[[], float]) -> None:
    """Add a number. `value` is called when somebody asks for the metrics."""
    Gauge(name, meaning, registry=app.state.metrics).set_function(value)


def watch_pools(app: FastAPI, limit: int, **in_use: Callable[[], int]) -> None:
    """Add the connections to the database: how many each pool uses, and `limit`, its most.

    The functions are called when somebody asks for the metrics.
    """
    registry = app.state.metrics
    used = Gauge(
        "database_pool_in_use", "Connections that requests use now", ["pool"], registry=registry
    )
    most = Gauge("database_pool_limit", "The most connections", ["pool"], registry=registry)
    for name, count in in_use.items():
        used.labels(name).set_function(count)
        most.labels(name).set(limit)
