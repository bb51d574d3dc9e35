"""The stats service, put together. Read it top to bottom."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version

import httpx
from fastapi import FastAPI

from servicekit import app as base
from servicekit import (
    docs,
    errors,
    health,
    http_client,
    logs,
    middleware,
    registration,
    session_follower,
    tracing,
)
from servicekit.instance import Service
from servicekit.settings import load
from stats_service.api.problems import PROBLEMS
from stats_service.api.routes import router
from stats_service.clients.task_service import TIMEOUT, TaskServiceClient
from stats_service.settings import StatsSettings

SERVICE = "stats-service"
VERSION = version("tasktracker-stats-service")
REGISTRATION = Service(SERVICE)


def create_app(
    settings: StatsSettings | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
    user_service: httpx.AsyncBaseTransport | None = None,
) -> FastAPI:
    """Return the application. Without `settings` they come from the environment.

    `transport` carries the calls to the task service, `user_service` those to the user service.
    None means the network.
    """
    settings = settings or load(StatsSettings, service=SERVICE)
    logs.configure(SERVICE, settings.log_level)
    tracing.configure(SERVICE, settings.traces_url)
    tasks = http_client.direct_for_service(
        "task-service", settings.task_service_url, settings, TIMEOUT, transport
    )

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with (
            tasks,
            session_follower.followed(app, settings, user_service),
            registration.registered(REGISTRATION, settings),
        ):
            yield

    app = base.create("Stats service", VERSION, lifespan)
    app.state.keys = settings.keys()
    app.state.task_service = TaskServiceClient(tasks)
    router.add_to(app)
    # The task service is not a health check here. When it fails, the gateway must still send calls
    # here, because the answer says what is wrong.
    app.include_router(health.router(SERVICE, VERSION))
    errors.install(app, PROBLEMS)
    docs.install(app)
    middleware.install(app)
    return app
