"""A migrated database, the application on it, and one user."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from pydantic import SecretStr
from sqlalchemy import Connection, Engine, create_engine, text

from servicekit import migrate
from servicekit.testing import client as testing
from servicekit.testing.credentials import SECRET
from servicekit.testing.plugin import MakeDatabase
from user_service import MIGRATIONS
from user_service.app import create_app
from user_service.settings import UserSettings

Register = Callable[..., dict[str, Any]]
SignIn = Callable[..., dict[str, str]]
Tokens = dict[str, Any]
LogIn = Callable[..., Tokens]
MakeSettings = Callable[..., UserSettings]
UntilBlocked = Callable[["asyncio.Task[Any]", Connection], Awaitable[None]]

JOHN = {"email": "john@example.com", "username": "johndoe", "password": "securepass123"}


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def database_url(make_database: MakeDatabase) -> str:
    url: str = make_database("user")
    migrate.upgrade(url, MIGRATIONS)
    return url


@pytest.fixture(scope="session")
def engine(database_url: str) -> Iterator[Engine]:
    engine = create_engine(database_url.replace("postgresql:", "postgresql+psycopg2:"))
    yield engine
    engine.dispose()


@pytest.fixture
def empty_database(database_url: str, engine: Engine) -> str:
    with engine.begin() as connection:
        connection.execute(
            text("TRUNCATE users, ended_sessions, failed_sign_ins RESTART IDENTITY CASCADE")
        )
    return database_url


@pytest.fixture
def until_blocked() -> UntilBlocked:
    """Wait until a statement waits for a lock of the connection. Fail if the task ends before."""
    query = text("""
        SELECT EXISTS (SELECT FROM pg_locks WHERE pg_backend_pid() = ANY(pg_blocking_pids(pid)))
    """)

    async def wait(task: "asyncio.Task[Any]", holder: Connection) -> None:
        while not holder.execute(query).scalar_one():
            assert not task.done(), "nothing kept it waiting"
            await asyncio.sleep(0.01)

    return wait


@pytest.fixture
def make_settings(empty_database: str) -> MakeSettings:
    def make(**changes: Any) -> UserSettings:
        values = {
            "database_url": SecretStr(empty_database),
            "secret_key": SecretStr(SECRET),
            "password_cost": 4,
            "log_level": "ERROR",
            "trust_forwarded_for": True,
            **changes,
        }
        return UserSettings(**values)

    return make


@pytest.fixture
def app(make_settings: MakeSettings) -> FastAPI:
    return create_app(make_settings())


@pytest.fixture
def client(app: FastAPI) -> Iterator[httpx.Client]:
    with testing.running(app) as client:
        yield client


@pytest.fixture
def register(client: httpx.Client) -> Register:
    """Register John, with changes, and return the user of the answer."""

    def register(**changes: Any) -> dict[str, Any]:
        answer = client.post("/api/v1/auth/register", json={**JOHN, **changes})
        assert answer.status_code == 201, answer.text
        user: dict[str, Any] = answer.json()
        return user

    return register


@pytest.fixture
def log_in(client: httpx.Client) -> LogIn:
    """Sign in and return the tokens."""

    def log_in(username: str = JOHN["username"], password: str = JOHN["password"]) -> Tokens:
        body = {"username": username, "password": password}
        answer = client.post("/api/v1/auth/login", json=body)
        assert answer.status_code == 200, answer.text
        tokens: Tokens = answer.json()
        return tokens

    return log_in


@pytest.fixture
def sign_in(log_in: LogIn) -> SignIn:
    """Sign in and return the header with the access token."""

    def sign_in(**who: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {log_in(**who)['access_token']}"}

    return sign_in
