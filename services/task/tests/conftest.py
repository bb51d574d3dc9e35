"""The task service on a database of its own, and users of it."""

import itertools
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager

import httpx
import pytest
from fastapi import FastAPI
from pydantic import SecretStr
from sqlalchemy import Engine, NullPool, create_engine, delete, insert, text

import servicekit.database
from servicekit import migrate
from servicekit.pool import ReadPool, WritePool
from servicekit.settings import psycopg2_url
from servicekit.testing import client as testing
from servicekit.testing.credentials import SECRET, bearer
from servicekit.testing.plugin import MakeDatabase
from task_service import MIGRATIONS
from task_service.app import create_app
from task_service.persistence.tables import tasks
from task_service.persistence.tasks import TaskRepository
from task_service.settings import TaskSettings


@pytest.fixture(scope="session")
def task_settings(make_database: MakeDatabase) -> TaskSettings:
    settings = TaskSettings(
        database_url=SecretStr(make_database("task")),
        secret_key=SecretStr(SECRET),
        log_level="WARNING",
    )
    migrate.upgrade(settings.database_url.get_secret_value(), MIGRATIONS)
    return settings


@pytest.fixture(scope="session")
def database(task_settings: TaskSettings) -> Iterator[Engine]:
    engine = servicekit.database.engine(task_settings)
    yield engine
    engine.dispose()


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def repository(task_settings: TaskSettings) -> AsyncIterator[TaskRepository]:
    async with ReadPool(task_settings) as reads, WritePool(task_settings) as writes:
        yield TaskRepository(reads, writes)


@pytest.fixture(scope="session")
def restricted_url(postgres: str, make_database: MakeDatabase) -> str:
    """Make a database with the roles of its job. Return the URL for the application's role."""
    name = make_database("restricted").rpartition("/")[2]
    statements = (
        "CREATE ROLE task_owner LOGIN",
        "CREATE ROLE task_app LOGIN",
        f"ALTER DATABASE {name} OWNER TO task_owner",
        f"REVOKE ALL ON DATABASE {name} FROM PUBLIC",
        f"GRANT CONNECT ON DATABASE {name} TO task_app",
        "ALTER SCHEMA public OWNER TO task_owner",
        "REVOKE ALL ON SCHEMA public FROM PUBLIC",
        "GRANT USAGE ON SCHEMA public TO task_app",
        "ALTER DEFAULT PRIVILEGES FOR ROLE task_owner IN SCHEMA public"
        " GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO task_app",
        "ALTER DEFAULT PRIVILEGES FOR ROLE task_owner IN SCHEMA public"
        " GRANT USAGE, SELECT ON SEQUENCES TO task_app",
    )
    url = f"{psycopg2_url(postgres)}/{name}"
    with create_engine(url, poolclass=NullPool).begin() as connection:
        for statement in statements:
            connection.execute(text(statement))
    migrate.upgrade(url.replace("postgres@", "task_owner@"), MIGRATIONS)
    return url.replace("postgres@", "task_app@")


@pytest.fixture(scope="session")
def app(task_settings: TaskSettings) -> FastAPI:
    return create_app(task_settings)


@pytest.fixture
def transport(app: FastAPI) -> Iterator[httpx.BaseTransport]:
    """Yield a transport to the application, which runs once for all clients of a test."""
    with testing.transport(app) as transport:
        yield transport


@pytest.fixture
def client(transport: httpx.BaseTransport) -> Iterator[httpx.Client]:
    with httpx.Client(transport=transport, base_url="http://test") as client:
        yield client


_user_ids = itertools.count(2)  # 1 is the conformance suite's


@contextmanager
def _user(transport: httpx.BaseTransport) -> Iterator[httpx.Client]:
    """Return a function: a client of /api/v1/tasks with the token of a new user."""
    url, headers = "http://test/api/v1/tasks", bearer(next(_user_ids))
    with httpx.Client(transport=transport, base_url=url, headers=headers) as client:
        yield client


@pytest.fixture
def user_ids() -> Iterator[int]:
    """Yield the ids of users that no other test has."""
    return _user_ids


@pytest.fixture
def ada(transport: httpx.BaseTransport) -> Iterator[httpx.Client]:
    with _user(transport) as client:
        yield client


@pytest.fixture
def bob(transport: httpx.BaseTransport) -> Iterator[httpx.Client]:
    with _user(transport) as client:
        yield client


@pytest.fixture
def make_many(database: Engine) -> Callable[[httpx.Client, int], list[int]]:
    """Make tasks for the client's user in one statement, so all at the same instant."""

    def make(client: httpx.Client, number: int) -> list[int]:
        owner = client.post("/", json={"title": "to learn the id"}).json()
        with database.begin() as connection:
            connection.execute(delete(tasks).where(tasks.c.id == owner["id"]))
        rows = [{"title": str(n), "owner_id": owner["owner_id"]} for n in range(number)]
        with database.begin() as connection:
            return list(connection.scalars(insert(tasks).returning(tasks.c.id), rows))

    return make
