"""The stats service in front of the real task service on a database of its own."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import httpx
import pytest
from fastapi import FastAPI
from pydantic import HttpUrl, SecretStr

import task_service
import task_service.app
from servicekit import migrate
from servicekit.testing.client import running
from servicekit.testing.credentials import SECRET
from servicekit.testing.live_server import serving
from servicekit.testing.plugin import MakeDatabase
from stats_service.app import create_app
from stats_service.settings import StatsSettings
from task_service.settings import TaskSettings


@pytest.fixture(scope="session")
def task_app(make_database: MakeDatabase) -> FastAPI:
    settings = TaskSettings(
        database_url=SecretStr(make_database("stats")),
        secret_key=SecretStr(SECRET),
        log_level="WARNING",
    )
    migrate.upgrade(settings.database_url.get_secret_value(), task_service.MIGRATIONS)
    return task_service.app.create_app(settings)


@pytest.fixture(scope="session")
def tasks_url(task_app: FastAPI) -> Iterator[str]:
    """Yield the URL of a real task service on loopback."""
    with serving(task_app) as port:
        yield f"http://127.0.0.1:{port}"


@pytest.fixture
def app(tasks_url: str) -> FastAPI:
    return create_app(_settings(tasks_url))


@pytest.fixture
def client(app: FastAPI) -> Iterator[httpx.Client]:
    with running(app) as client:
        yield client


Answer = Callable[[httpx.Request], httpx.Response]


@pytest.fixture
def before() -> Callable[[Answer], AbstractContextManager[httpx.Client]]:
    """Return a function: a client of a stats service whose task service is its argument."""

    def start(answer: Answer) -> AbstractContextManager[httpx.Client]:
        return running(create_app(_settings("http://tasks"), httpx.MockTransport(answer)))

    return start


@pytest.fixture
def on() -> Callable[[str], AbstractContextManager[httpx.Client]]:
    """Return a function: a client of a stats service whose task service has that address."""
    return lambda url: running(create_app(_settings(url)))


def _settings(tasks_url: str) -> StatsSettings:
    return StatsSettings(
        task_service_url=HttpUrl(tasks_url),
        secret_key=SecretStr(SECRET),
        log_level="ERROR",
    )
