"""The task service, put together. Read it top to bottom."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from importlib.metadata import version

import httpx
from fastapi import FastAPI

from servicekit import app as base
from servicekit import (
    database,
    docs,
    errors,
    health,
    logs,
    metrics,
    middleware,
    registration,
    session_follower,
    tracing,
)
from servicekit.instance import Service
from servicekit.pool import ReadPool, WritePool
from servicekit.settings import load
from task_service import MIGRATIONS, SERVICE
from task_service.api import read_routes, write_routes
from task_service.api.problems import PROBLEMS
from task_service.domain.service import TaskService
from task_service.persistence import count_drift
from task_service.persistence.count_drift import CountDrift
from task_service.persistence.tasks import TaskRepository
from task_service.settings import TaskSettings

VERSION = version("tasktracker-task-service")
REGISTRATION = Service(SERVICE)


def create_app(
    settings: TaskSettings | None = None, user_service: httpx.AsyncBaseTransport | None = None
) -> FastAPI:
    """Return the application. Without `settings` they come from the environment.

    `user_service` carries the calls to the user service; None means the network.
    """
    settings = settings or load(TaskSettings, service=SERVICE)
    logs.configure(SERVICE, settings.log_level)
    tracing.configure(SERVICE, settings.traces_url)
    engine = database.engine(settings)
    reads, writes = ReadPool(settings), WritePool(settings)
    drift = CountDrift(reads)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with (
            reads,
            writes,
            session_follower.followed(app, settings, user_service),
            drift.compared(),
            registration.registered(REGISTRATION, settings),
        ):
            yield
        engine.dispose()

    app = base.create("Task service", VERSION, lifespan)
    app.state.keys = settings.keys()
    repository = TaskRepository(reads, writes, timedelta(days=settings.bin_days))
    app.state.tasks = TaskService(repository)
    read_routes.router.add_to(app)
    write_routes.router.add_to(app)
    checks = [database.reachable(engine), database.schema_current(engine, MIGRATIONS)]
    app.include_router(health.router(SERVICE, VERSION, checks))
    errors.install(app, {**PROBLEMS, **database.PROBLEMS})
    docs.install(app)
    middleware.install(app)
    count_drift.measure(app, drift)
    metrics.watch_pools(app, settings.database_pool_size, reads=reads.in_use, writes=writes.in_use)
    return app
