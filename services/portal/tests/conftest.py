"""The portal in front of small real services, which can be well, slow, failing or down."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from pydantic import HttpUrl

from portal_service.app import create_app
from portal_service.settings import PortalSettings
from servicekit.health import Live
from servicekit.testing import client as testing

MakeApp = Callable[..., FastAPI]
# Nothing listens on port 1.
NOWHERE = HttpUrl("http://127.0.0.1:1")
PATIENCE_SECONDS = 30  # a busy machine makes no service look slow


def service(prefix: str) -> FastAPI:
    """Return a small real service that is well."""
    app = FastAPI(title=prefix)

    @app.get("/health")
    def health() -> Live:
        return Live()

    @app.get(prefix)
    def inside() -> None: ...

    @app.get(f"{prefix}/{{item}}")
    def below() -> None: ...

    @app.get(f"{prefix}X")
    def beside() -> None: ...

    return app


@pytest.fixture
def slow() -> FastAPI:
    """Return a service that answers after a minute."""
    app = FastAPI(openapi_url=None)

    @app.get("/{path:path}")
    async def wait() -> None:
        await asyncio.sleep(60)

    return app


def failing() -> FastAPI:
    """Return a service that answers all calls with an error."""
    app = FastAPI(openapi_url=None)

    @app.get("/{path:path}", status_code=503)
    def fail() -> None: ...

    return app


ALL_WELL: Mapping[str, Callable[[], FastAPI]] = {
    "user-service": lambda: service("/api/v1/auth"),
    "task-service": lambda: service("/api/v1/tasks"),
    "stats-service": lambda: service("/api/v1/stats"),
}


@pytest.fixture
def make_app() -> MakeApp:
    """Return a function that makes the portal in front of services that are well.

    An app that is given by the name of a service replaces it; None means that it is down. Give a
    `time_limit`, in seconds, where a service is slow. `observing_file` is the setting.
    """

    def make(
        time_limit: float = PATIENCE_SECONDS,
        observing_file: Path | None = None,
        **others: FastAPI | None,
    ) -> FastAPI:
        changed = {name.replace("_", "-"): app for name, app in others.items()}
        services = {name: make() for name, make in ALL_WELL.items()} | changed
        settings = PortalSettings(
            log_level="ERROR",
            user_service_url=NOWHERE,
            task_service_url=NOWHERE,
            stats_service_url=NOWHERE,
            service_time_limit=time_limit,
            observing_file=observing_file,
        )
        transports = {name: httpx.ASGITransport(app) for name, app in services.items() if app}
        return create_app(settings, transports)

    return make


@pytest.fixture
def app(make_app: MakeApp) -> FastAPI:
    return make_app()


@pytest.fixture
def client(app: FastAPI) -> Iterator[httpx.Client]:
    with testing.running(app) as client:
        yield client


@pytest.fixture
def faulty() -> Mapping[str, FastAPI | None]:
    """Return the services that are not well, by their fault."""
    return {"down": None, "failing": failing()}
