"""The portal, put together. Read it top to bottom."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from importlib.metadata import version

import httpx
from fastapi import FastAPI
from pydantic import HttpUrl

from portal_service.api import documents, gateway_errors, health, home, unrouted
from portal_service.clients.backend import Backend
from portal_service.settings import PortalSettings
from servicekit import app as base
from servicekit import docs, errors, http_client, logs, middleware, registration, tracing
from servicekit.instance import Service
from servicekit.settings import load

SERVICE = "portal"
VERSION = version("tasktracker-portal")
# Its /health reports on the others, so it must not be the check of the portal itself.
REGISTRATION = Service(SERVICE, health="/health/live")


def create_app(
    settings: PortalSettings | None = None,
    transports: Mapping[str, httpx.AsyncBaseTransport] | None = None,
) -> FastAPI:
    """Return the application. Without `settings` they come from the environment.

    `transports` has a transport by the name of a service, for one that is not on the network.
    """
    settings = settings or load(PortalSettings, service=SERVICE)
    logs.configure(SERVICE, settings.log_level)
    tracing.configure(SERVICE, settings.traces_url)
    time_limit = settings.service_time_limit

    def backend(name: str, prefix: str, address: HttpUrl | None) -> Backend:
        transport = (transports or {}).get(name)
        client = http_client.for_service(name, address, settings, time_limit, transport)
        return Backend(name, prefix, client, time_limit)

    backends = [
        backend("user-service", "/api/v1/auth", settings.user_service_url),
        backend("task-service", "/api/v1/tasks", settings.task_service_url),
        backend("stats-service", "/api/v1/stats", settings.stats_service_url),
    ]

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            for each in backends:
                await stack.enter_async_context(each.client)
            await stack.enter_async_context(registration.registered(REGISTRATION, settings))
            yield

    app = base.create("TaskTracker", VERSION, lifespan)
    app.state.backends = {each.name: each for each in backends}
    app.include_router(home.router(VERSION, settings.observing_file))
    app.include_router(health.router(SERVICE, VERSION))
    app.include_router(documents.router)
    app.include_router(gateway_errors.router)
    unrouted.install(app, backends)
    errors.install(app, {})
    docs.install(app, {each.name: documents.address(each.name) for each in backends})
    middleware.install(app)
    return app
